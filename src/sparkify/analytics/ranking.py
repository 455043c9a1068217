"""The first of many songs or artists, found without adding up all of them."""

from datetime import timedelta
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.analytics.asking import ask, days_with_plays, part, spans
from sparkify.analytics.selection import Selection
from sparkify.database.reading import Row

RANKED: Final = {"songs": ("track_id", "track_months"), "artists": ("artist_key", "artist_months")}

FEW_DAYS: Final = 3
"""Of so many days at most it is quicker to count all plays than to look into the rollups of months."""

SOME_DAYS: Final = 10
"""Of so many days at most, artists are counted play by play, as each has many tracks to look up; and so is all of a long list."""

LISTED: Final = 5
"""A track or an artist with so many plays in a month and on a level is in the index that gives them in order (publish/rollups.sql)."""

LOOKED_UP: Final = 20_000
"""Out of lists of at most so many, songs are looked up one by one; of more it is quicker to read through the rollup."""

_ALL_OF_THEM: Final = 2**31


def most_played(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool = False
) -> list[Row]:
    """The most played ``songs`` or ``artists``; or songs that are `lacking` in the catalogue."""
    rows = _most_played(connection, what, selection, limit, lacking=lacking)
    for row in rows:
        row.pop("track_id", None)
    return rows


def most_changed(
    connection: Connection[Any], selection: Selection, limit: int, *, falling: bool
) -> list[Row]:
    """Songs with more plays than in as many days before, or `falling` ones.

    A song can have at most as many plays more as it has plays. So those with most plays are looked at, until others
    cannot have gained as much.
    """
    now = days_with_plays(connection, selection)
    assert now.since
    assert now.until
    days = now.until - now.since + timedelta(1)
    before = Selection(now.since - days, now.until - days, now.level, now.location)
    of, against = (before, now) if falling else (now, before)
    count = 10 * limit
    while True:
        rows = _most_played(connection, "songs", of, count)
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
            names = ("title", "artist", "plays", "before", "song_id")
            return [
                {name: row[name] for name in names} | {"change": row["plays"] - row["before"]}
                for _, row in changed[:limit]
            ]
        count *= 8


def _most_played(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool = False
) -> list[Row]:
    selection, months = spans(connection, selection)
    rows = None
    if not _is_scanned(what, selection, months, limit):
        by_days = what == "artists" and _has_few_days(selection, months, SOME_DAYS)
        rows = _rank(connection, what, months, limit, by_days=by_days, lacking=lacking)
    return _scan(connection, what, selection, limit, lacking=lacking) if rows is None else rows


def _scan(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool
) -> list[Row]:
    """Count all plays."""
    with connection.transaction():
        # The planner takes what comes out of arrays for little, and would loop: seconds instead of a tenth of one. And a hash
        # table of so many different ones does not fit into the caches of a processor that others use, too: to sort is quicker.
        connection.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_hashagg = off")
        parts = {}
        if what == "songs":
            are_few = lacking and _depth(limit) <= LOOKED_UP
            parts["most_wanted"] = part(
                "most_lacking" if are_few else "most_heard", wanted=_wanted("heard", lacking=lacking)
            )
        return ask(connection, f"scan_{what}", selection, limit=limit, depth=_depth(limit), parts=parts)


def _wanted(table: str, *, lacking: bool) -> sql.Composable:
    return part("lacking", table=sql.Identifier(table)) if lacking else sql.SQL("true")


def _is_scanned(what: str, selection: Selection, months: Selection, limit: int) -> bool:
    """Whether all plays are looked at: rollups of months do not know places, and say too little of a few days."""
    if selection.location is not None or _has_few_days(selection, months, FEW_DAYS):
        return True
    assert selection.since
    assert selection.until
    two_months = selection.since.month != selection.until.month
    return _has_few_days(selection, months, SOME_DAYS) and (
        _depth(limit) > LOOKED_UP or (what == "artists" and two_months)
    )


def _has_few_days(selection: Selection, months: Selection, few: int) -> bool:
    """Whether it has so many days at most, which are not all of a month that have plays."""
    assert selection.since
    assert selection.until
    return selection.until - selection.since < timedelta(few) and not months.is_whole_months()


def _depth(limit: int) -> int:
    """So far down a list is looked first."""
    return 20 * limit + 300


def _rank(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, by_days: bool, lacking: bool
) -> list[Row] | None:
    """Look deeper into the lists of the months, until nothing that was not seen can be among the first.

    Artists `by_days` are looked for once, and not found (None) when the lists do not say enough.
    """
    key, rollup = RANKED[what]
    depth = _depth(limit)
    depths = [(LISTED, depth), (LISTED, 8 * depth), (0, _ALL_OF_THEM)]
    for listed, longest in [(LISTED, 3 * depth)] if by_days else depths:
        counts = {
            f"count_{table}": part(name, table=sql.Identifier(table))
            for table, name in (
                ("probe", f"count_{what}"),
                ("candidates", "count_artists_by_days" if by_days else f"count_{what}"),
            )
        }
        candidates = part(
            "candidates", key=sql.Identifier(key), rollup=sql.Identifier("analytics", rollup),
            listed=sql.SQL("plays >= {} AND {}").format(sql.Literal(listed), _wanted("r", lacking=lacking)), **counts,
        )  # fmt: skip
        with connection.transaction():
            if listed and longest <= LOOKED_UP and not by_days:
                # The planner takes the few candidates for thousands, and would read all of the rollup.
                connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
                connection.execute("SET LOCAL enable_mergejoin = off")
            rows = ask(
                connection, f"rank_{what}", selection, limit=limit, depth=longest, unlisted=max(listed - 1, 0),
                parts={"candidates": candidates},
            )  # fmt: skip
        bound = max(row.pop("bound") for row in rows)
        rows = [row for row in rows if row["plays"] is not None]
        if len(rows) == limit and rows[-1]["plays"] > bound:
            return rows
    return None if by_days else rows


def _plays(connection: Connection[Any], tracks: list[int], selection: Selection) -> dict[int, int]:
    """How often these tracks were heard."""
    scan = selection.location is not None
    wanted = {} if scan else {"count_wanted": part("count_songs", table=sql.Identifier("wanted"))}
    name = "scan_plays" if scan else "rank_plays"
    return {row["key"]: row["plays"] for row in ask(connection, name, selection, parts=wanted, tracks=tracks)}
