"""Rank songs and artists without adding up all of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify.analytics.asking import ask, days_with_plays, fill, spans
from sparkify.analytics.selection import Selection
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.database.reading import Rows

_sql: Final = queries("analytics/ranking")


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A kind of thing that is ranked: its key, the array of keys in user_days, its rollup of months, and its
    queries."""

    key: str
    keys: str
    rollup: str
    scan: LiteralString
    rank: LiteralString
    count: LiteralString


RANKED: Final = {
    "songs": _Ranked(
        "track_id", "tracks", "track_months", _sql["scan_songs"], _sql["rank_songs"], _sql["count_songs"]
    ),
    "artists": _Ranked(
        "artist_key",
        "artists",
        "artist_months",
        _sql["scan_artists"],
        _sql["rank_artists"],
        _sql["count_artists"],
    ),
}
"""The things that can be ranked, by the names that `most_played` takes."""

_PARTS: Final = {
    "named_artists": sql.SQL(_sql["named_artists"]),
    "in_part": sql.SQL(_sql["in_part"]),
}

FEW_DAYS: Final = 3
"""Up to this many days, scanning all plays beats the rollups of months."""

SOME_DAYS: Final = 10
"""Up to this many days, scan plays for artists, who have many tracks to look up, and for any long list."""

LISTED: Final = 5
"""A track or artist with this many plays in a month and level is in the index by plays (publish/rollups)."""

LOOKED_UP: Final = 20_000
"""Up to this length, a list's songs are looked up one by one; beyond it, scanning the rollup is faster."""

_ALL_OF_THEM: Final = 2**31


_CHANGED: Final = ("title", "artist", "plays", "before", "song_id", "track_id", "change")
"""The columns of songs that rise or fall."""


def most_played(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool = False
) -> Rows:
    """The most played ``songs`` or ``artists``; or songs that are `lacking` in the catalogue."""
    selection, months = spans(connection, selection)
    rows = None
    if not _is_scanned(what, selection, months, limit):
        by_days = what == "artists" and _has_few_days(selection, months, SOME_DAYS)
        rows = _rank(connection, what, months, limit, by_days=by_days, lacking=lacking)
    return _scan(connection, what, selection, limit, lacking=lacking) if rows is None else rows


def most_changed(connection: Connection[Any], selection: Selection, limit: int, *, falling: bool) -> Rows:
    """Songs with the largest gain in plays over as many days before; with `falling`, with the largest loss.

    A song cannot have gained more plays than it has. So this examines the most played songs until no other
    can have gained as much.
    """
    if not limit:
        return Rows([], _CHANGED)
    now = days_with_plays(connection, selection)
    before = now.days_before()
    of, against = (before, now) if falling else (now, before)
    count = 10 * limit
    while True:
        rows = most_played(connection, "songs", of, count)
        others = _plays(connection, [row["track_id"] for row in rows], against)
        changed = []
        for row in rows:
            plays, other = row["plays"], others.get(row["track_id"], 0)
            row["plays"], row["before"] = (other, plays) if falling else (plays, other)
            if plays > other:
                changed.append((plays - other, row))
        changed.sort(key=lambda found: -found[0])
        enough = len(changed) >= limit and changed[limit - 1][0] >= min(
            row["before" if falling else "plays"] for row in rows
        )
        if enough or len(rows) < count:
            found = (row | {"change": row["plays"] - row["before"]} for _, row in changed[:limit])
            return Rows(({name: row[name] for name in _CHANGED} for row in found), _CHANGED)
        count *= 8


def _scan(connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool) -> Rows:
    """Count all plays."""
    parts: dict[str, sql.Composable] = dict(_PARTS)
    if what == "songs":
        are_few = lacking and depth(limit) <= LOOKED_UP
        query = _sql["most_lacking"] if are_few else _sql["most_heard"]
        parts["most_wanted"] = fill(query, wanted=_wanted("heard", lacking=lacking))
    # The planner expects few rows from arrays, and would loop for seconds instead of tenths. A hash table of
    # so many keys does not fit into a processor's cache, so sorting is faster.
    with planner(connection, enable_nestloop="off", enable_hashagg="off"):
        return ask(connection, RANKED[what].scan, selection, limit=limit, depth=depth(limit), parts=parts)


def _wanted(table: str, *, lacking: bool) -> sql.Composable:
    return fill(_sql["lacking"], table=sql.Identifier(table)) if lacking else sql.SQL("true")


def _is_scanned(what: str, selection: Selection, months: Selection, limit: int) -> bool:
    """Whether to count all plays: monthly rollups have no places, and tell little about a few days."""
    if selection.location is not None or _has_few_days(selection, months, FEW_DAYS):
        return True
    assert selection.since
    assert selection.until
    two_months = selection.since.month != selection.until.month
    return _has_few_days(selection, months, SOME_DAYS) and (
        depth(limit) > LOOKED_UP or (what == "artists" and two_months)
    )


def _has_few_days(selection: Selection, months: Selection, few: int) -> bool:
    """Whether the selection has at most `few` days, and its months have plays on other days, too."""
    assert selection.since
    assert selection.until
    return selection.until - selection.since < timedelta(few) and not months.is_whole_months()


def depth(limit: int) -> int:
    """How far down a list to look first."""
    return 20 * limit + 300


def _rank(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, by_days: bool, lacking: bool
) -> Rows | None:
    """Look deeper into the lists of the months until nothing below can be among the first.

    It looks up artists `by_days` once, and returns None if the lists do not tell enough.
    """
    ranked = RANKED[what]
    first = depth(limit)
    depths = [(LISTED, first), (LISTED, 8 * first), (0, _ALL_OF_THEM)]
    for listed, longest in [(LISTED, 3 * first)] if by_days else depths:
        count = _sql["count_artists_by_days"] if by_days else ranked.count
        candidates = fill(
            _sql["candidates"],
            key=sql.Identifier(ranked.key),
            rollup=sql.Identifier("analytics", ranked.rollup),
            listed=sql.SQL("plays >= {} AND {}").format(sql.Literal(listed), _wanted("r", lacking=lacking)),
            cut_wanted=_wanted("cut", lacking=lacking),
            cut_plays=_cut_plays(ranked),
            count_probe=_count(ranked.count, "probe"),
            count_candidates=_count(count, "candidates"),
        )  # fmt: skip
        # The planner expects thousands of candidates instead of a few, and would read the whole rollup.
        are_few = listed and longest <= LOOKED_UP and not by_days
        settings = (
            dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off") if are_few else {}
        )
        with planner(connection, **settings):
            rows = ask(
                connection, ranked.rank, selection, limit=limit, depth=longest, unlisted=max(listed - 1, 0),
                parts={"candidates": candidates, **_PARTS},
            )  # fmt: skip
        bound = max(row["bound"] for row in rows)
        rows = rows.having("plays").without("bound")
        if len(rows) == limit > 0 and rows[-1]["plays"] > bound:
            return rows
    return None if by_days else rows


def _count(query: LiteralString, table: str) -> sql.Composable:
    """The query that counts the plays of the keys in a common table."""
    return fill(query, table=sql.Identifier(table), **_PARTS)


def _cut_plays(ranked: _Ranked) -> sql.Composable:
    """The common table of the plays on days that the selection cuts."""
    return fill(_sql["cut_plays"], keys=sql.Identifier(ranked.keys))


def _plays(connection: Connection[Any], tracks: list[int], selection: Selection) -> dict[int, int]:
    """How many plays these tracks have."""
    if selection.location is not None:
        rows = ask(connection, _sql["scan_plays"], selection, tracks=tracks)
    else:
        parts = {
            "count_wanted": _count(_sql["count_songs"], "wanted"),
            "cut_plays": _cut_plays(RANKED["songs"]),
        }
        rows = ask(connection, _sql["rank_plays"], selection, parts=parts, tracks=tracks)
    return {row["key"]: row["plays"] for row in rows}
