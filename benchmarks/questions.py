"""Analysts' questions, asked of sparkify, of the bare star, and of DuckDB over the same plays as Parquet."""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.results import Figures
from sparkify import analytics
from sparkify.analytics import Selection
from sparkify.analytics.selection import known_parts
from sparkify.database.connection import connect

_FIRST: Final = date(2018, 11, 1)
_MONTH: Final = Selection(_FIRST, date(2018, 11, 30))
_DAY: Final = Selection(date(2018, 11, 13), date(2018, 11, 13))
_WEEK: Final = Selection(date(2018, 11, 12), date(2018, 11, 18))
_PLACE: Final = "New York-Newark-Jersey City, NY-NJ-PA"

# The same questions in SQL, for the bare star and for DuckDB, which fill in {where} and {plays}.
_TOP: Final = """
SELECT title, artist, count(*) AS plays, count(DISTINCT user_id) AS listeners FROM {plays} {where}
GROUP BY title, artist ORDER BY plays DESC LIMIT 10
"""
_TOP_ARTISTS: Final = """
SELECT artist, count(*) AS plays, count(DISTINCT user_id) AS listeners FROM {plays} {where}
GROUP BY artist ORDER BY plays DESC LIMIT 10
"""
_ACTIVE: Final = (
    "SELECT CAST(start_time AS date) AS day, count(*), count(DISTINCT user_id)"
    " FROM {plays} {where} GROUP BY 1 ORDER BY 1"
)
_HEAT: Final = """
SELECT extract(isodow FROM start_time), extract(hour FROM start_time), count(*)
FROM {plays} {where} GROUP BY 1, 2
"""
_LEVELS: Final = "SELECT level, count(*), count(DISTINCT user_id) FROM {plays} {where} GROUP BY level"
_LISTENERS: Final = "SELECT count(DISTINCT user_id) FROM {plays} {where}"

_STAR: Final = "songplays"
_HEARD: Final = """(SELECT s.*, h.title, h.artist FROM songplays s
    JOIN analytics.heard_plays p USING (start_time, songplay_id)
    JOIN analytics.heard_songs h USING (heard_song_id)) plays"""
_EXPORT: Final = (
    "COPY (SELECT start_time, user_id, level, location, title, artist"  # noqa: S608  our own names
    f" FROM {_HEARD}) TO STDOUT (FORMAT csv, HEADER)"
)

_YEAR: Final = Selection(date(2018, 1, 1), date(2018, 12, 31))

COLUMNS: Final = ["sparkify", "bare star", "DuckDB"]

Ask = Callable[[Selection, str], Any]


def _ranges(days: int) -> dict[str, Selection]:
    """Ranges of days; the loaded data begins on the first of November 2018 and has this number of days."""
    last = _FIRST + timedelta(days - 1)
    calendar = {"a day": _DAY, "a week": _WEEK, "a month": _MONTH, "a year": _YEAR, "all time": Selection()}
    fifth = timedelta(days // 5)
    return calendar | {
        **{f"{name}, paid": replace(selection, level="paid") for name, selection in calendar.items()},
        "free range": Selection(_FIRST + fifth, last - fifth),
        "a place": Selection(location=_PLACE),
    }


# The questions of the dashboard's pages, with their SQL for the bare star and DuckDB; None if there is none.
_QUESTIONS: Final[dict[str, tuple[str | None, Ask]]] = {
    "top songs": (_TOP, lambda chosen, dsn: analytics.top("songs", chosen, dsn=dsn)),
    "top artists": (_TOP_ARTISTS, lambda chosen, dsn: analytics.top("artists", chosen, dsn=dsn)),
    "daily active users": (_ACTIVE, lambda chosen, dsn: analytics.trend("day", chosen, dsn=dsn)),
    "distinct listeners": (_LISTENERS, lambda chosen, dsn: analytics.listeners(chosen, dsn=dsn)),
    "weekday by hour": (_HEAT, lambda chosen, dsn: analytics.heat_map(chosen, dsn=dsn)),
    "levels": (_LEVELS, lambda chosen, dsn: analytics.levels(chosen, dsn=dsn)),
    "totals": (None, lambda chosen, dsn: analytics.totals(chosen, dsn=dsn)),
    "top users": (None, lambda chosen, dsn: analytics.top("users", chosen, dsn=dsn)),
    "top locations": (None, lambda chosen, dsn: analytics.top("locations", chosen, dsn=dsn)),
    "top devices": (None, lambda chosen, dsn: analytics.top("devices", chosen, dsn=dsn)),
    "genders": (None, lambda chosen, dsn: analytics.genders(chosen, dsn=dsn)),
    "rising songs": (None, lambda chosen, dsn: analytics.rising(chosen, dsn=dsn)),
    "not in the catalogue": (None, lambda chosen, dsn: analytics.unmatched(chosen, dsn=dsn)),
    "retention": (
        None,
        lambda chosen, dsn: analytics.retention(selection=known_parts("retention", chosen), dsn=dsn),
    ),
    "pages": (None, lambda chosen, dsn: analytics.pages(chosen, dsn=dsn)),
    "errors": (None, lambda chosen, dsn: analytics.errors(chosen, dsn=dsn)),
    "feedback": (None, lambda chosen, dsn: analytics.feedback(chosen, dsn=dsn)),
    "songs before feedback": (None, lambda chosen, dsn: analytics.feedback_songs(chosen, dsn=dsn)),
    "sessions": (None, lambda chosen, dsn: analytics.sessions(chosen, dsn=dsn)),
    "first and last pages": (None, lambda chosen, dsn: analytics.session_ends(chosen, dsn=dsn)),
    "upgrades": (None, lambda chosen, dsn: analytics.upgrades(known_parts("upgrades", chosen), dsn=dsn)),
    "quiet users": (None, lambda chosen, dsn: analytics.quiet(known_parts("quiet", chosen), dsn=dsn)),
    "cohorts": (None, lambda chosen, dsn: analytics.cohorts(known_parts("cohorts", chosen), dsn=dsn)),
    "weeks before leaving": (None, lambda chosen, dsn: analytics.before(chosen, dsn=dsn)),
}


_WITHOUT_PLACE: Final = (
    "pages", "errors", "feedback", "songs before feedback", "sessions", "first and last pages", "upgrades",
    "quiet users", "cohorts", "weeks before leaving",
)  # fmt: skip


def measure_questions(dsn: str, folder: Path, days: int, repeat: int) -> Figures:
    """Milliseconds of each question, the median of `repeat`; each opens a connection, as a command does.

    The bare star is slow: it is asked once, and not for one level.
    """
    parquet = folder / "plays.parquet"
    _export(dsn, folder / "plays.csv", parquet)
    lines: dict[str, list[float | None]] = {}
    try:
        for range_name, selection in _ranges(days).items():
            where = _where(selection)
            for question, (text, ask) in _QUESTIONS.items():
                if question == "rising songs" and not selection.since:
                    continue  # compared with the same number of days before
                if question in _WITHOUT_PLACE and selection.location:
                    continue
                line: list[float | None] = [_timed(partial(ask, selection, dsn), repeat), None, None]
                if text and not selection.level:
                    star = text.format(plays=_HEARD if "artist" in text else _STAR, where=where)
                    duck = text.format(plays=f"read_parquet('{parquet}')", where=where)
                    line[1:] = (
                        _timed(partial(_ask_star, dsn, star), 1),
                        _timed(partial(_ask_duckdb, duck), repeat),
                    )
                lines[f"{question}, {range_name}"] = line
    finally:
        parquet.unlink()
    return Figures("milliseconds", COLUMNS, lines)


def _where(selection: Selection) -> str:
    parts = []
    if selection.since:
        parts.append(f"start_time >= TIMESTAMPTZ '{selection.since} 00:00:00+00'")
    if selection.until:
        parts.append(f"start_time < TIMESTAMPTZ '{selection.until + timedelta(1)} 00:00:00+00'")
    if selection.level:
        parts.append(f"level = '{selection.level}'")
    if selection.location:
        parts.append(f"location = '{selection.location}'")
    return f"WHERE {' AND '.join(parts)}" if parts else ""


def _ask_star(dsn: str, query: str) -> list[Any]:
    with connect(dsn, for_questions=True) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


def _ask_duckdb(query: str) -> list[Any]:
    return duckdb.sql(query).fetchall()


def _timed(ask: Callable[[], Any], repeat: int) -> float:
    runs = []
    for _ in range(repeat):
        started = time.perf_counter()
        ask()
        runs.append((time.perf_counter() - started) * 1000)
    return statistics.median(runs)


def _export(dsn: str, csv: Path, parquet: Path) -> None:
    with (
        connect(dsn, for_questions=True) as connection,
        connection.cursor() as cursor,
        csv.open("wb") as file,
    ):
        with cursor.copy(_EXPORT) as copy:  # type: ignore[arg-type]
            for block in copy:
                file.write(block)
    try:
        duckdb.sql("SET TimeZone = 'UTC'")
        duckdb.sql(
            f"COPY (SELECT * FROM read_csv('{csv}', all_varchar = false)) TO '{parquet}' (FORMAT parquet)"  # noqa: S608  our own names
        )
    finally:
        csv.unlink()
