"""The questions of analysts: asked of sparkify, of the bare star, and of DuckDB with the same plays as Parquet."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import duckdb
import psycopg

from sparkify import analytics
from sparkify.analytics import Selection

_FIRST: Final = date(2018, 11, 1)
_MONTH: Final = Selection(_FIRST, date(2018, 11, 30))
_DAY: Final = Selection(date(2018, 11, 13), date(2018, 11, 13))
_WEEK: Final = Selection(date(2018, 11, 12), date(2018, 11, 18))
_PLACE: Final = "New York-Newark-Jersey City, NY-NJ-PA"

# How both others say it; {where} and {plays} are filled in.
_TOP: Final = """
SELECT title, artist, count(*) AS plays, count(DISTINCT user_id) AS listeners FROM {plays} {where}
GROUP BY title, artist ORDER BY plays DESC LIMIT 10
"""
_TOP_ARTISTS: Final = """
SELECT artist, count(*) AS plays, count(DISTINCT user_id) AS listeners FROM {plays} {where}
GROUP BY artist ORDER BY plays DESC LIMIT 10
"""
_ACTIVE: Final = "SELECT CAST(start_time AS date) AS day, count(*), count(DISTINCT user_id) FROM {plays} {where} GROUP BY 1 ORDER BY 1"
_HEAT: Final = """
SELECT extract(isodow FROM start_time), extract(hour FROM start_time), count(*) FROM {plays} {where} GROUP BY 1, 2
"""
_LEVELS: Final = "SELECT level, count(*), count(DISTINCT user_id) FROM {plays} {where} GROUP BY level"
_LISTENERS: Final = "SELECT count(DISTINCT user_id) FROM {plays} {where}"

_STAR: Final = "songplays"
_HEARD: Final = """(SELECT s.*, h.title, h.artist FROM songplays s
    JOIN analytics.heard_plays p USING (start_time, songplay_id) JOIN analytics.heard_songs h USING (heard_song_id)) plays"""
_EXPORT: Final = f"COPY (SELECT start_time, user_id, level, location, title, artist FROM {_HEARD}) TO STDOUT (FORMAT csv, HEADER)"  # noqa: S608  our own names

Question = tuple[str, Selection, str, Callable[[Selection, str], Any]]


def _questions(days: int) -> list[Question]:
    free = Selection(_FIRST + timedelta(days // 5), _FIRST + timedelta(days - days // 5))
    ranges = {"all time": Selection(), "a day": _DAY, "a week": _WEEK, "a month": _MONTH, "free range": free,
              "a month, free": Selection(_MONTH.since, _MONTH.until, "free"), "one place": Selection(location=_PLACE)}  # fmt: skip
    asked: list[Question] = []
    for name, selection in ranges.items():
        asked += [
            (f"top songs, {name}", selection, _TOP, lambda s, dsn: analytics.top("songs", s, dsn=dsn)),
            (
                f"top artists, {name}",
                selection,
                _TOP_ARTISTS,
                lambda s, dsn: analytics.top("artists", s, dsn=dsn),
            ),
            (
                f"daily active users, {name}",
                selection,
                _ACTIVE,
                lambda s, dsn: analytics.trend("day", s, dsn=dsn),
            ),
            (f"weekday by hour, {name}", selection, _HEAT, lambda s, dsn: analytics.heat_map(s, dsn=dsn)),
            (f"levels, {name}", selection, _LEVELS, lambda s, dsn: analytics.levels(s, dsn=dsn)),
            (
                f"distinct listeners, {name}",
                selection,
                _LISTENERS,
                lambda s, dsn: analytics.listeners(s, dsn=dsn),
            ),
        ]
    return asked


def measure_questions(dsn: str, folder: Path, days: int, repeat: int) -> list[tuple[str, list[float]]]:
    """Seconds of each run, by question and by who answers; a new connection each time, as the program has it."""
    parquet = folder / "plays.parquet"
    _export(dsn, folder / "plays.csv", parquet)
    found: list[tuple[str, list[float]]] = []
    try:
        for name, selection, text, ask in _questions(days):
            where = _where(selection)
            star = text.format(plays=_HEARD if "artist" in text else _STAR, where=where)
            duck = text.format(plays=f"read_parquet('{parquet}')", where=where)
            found += [
                (name, _timed(partial(ask, selection, dsn), repeat)),
                (f"{name}: bare star", _timed(partial(_ask_star, dsn, star), 1)),
                (f"{name}: DuckDB", _timed(partial(_ask_duckdb, duck), repeat)),
            ]
    finally:
        parquet.unlink()
    return found


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
    with psycopg.connect(dsn, options="-c TimeZone=UTC") as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


def _ask_duckdb(query: str) -> list[Any]:
    return duckdb.sql(query).fetchall()


def _timed(ask: Callable[[], Any], repeat: int) -> list[float]:
    runs = []
    for _ in range(repeat):
        started = time.perf_counter()
        ask()
        runs.append(time.perf_counter() - started)
    return runs


def _export(dsn: str, csv: Path, parquet: Path) -> None:
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor, csv.open("wb") as file:
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
