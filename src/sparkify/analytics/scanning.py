"""The first of many songs or artists, found by counting all plays: where the rollups of months do not say enough."""

from typing import Any, Final

from psycopg import Connection, sql

from sparkify.analytics.asking import ask, at_place, part
from sparkify.analytics.selection import Selection
from sparkify.reading import Row

RANKED: Final = {
    "songs": ("track_id", "track_months", "tracks"),
    "artists": ("artist_key", "artist_months", "artists"),
}
"""By what they are known, the rollup that counts them by month, and where users' days have them."""

FEW: Final = 50
"""Who heard so many songs or artists at most is looked up play by play; of more it is quicker to read all plays again."""

ALL_OF_THEM: Final = 2**31


def scan(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool
) -> list[Row]:
    """Count all plays, and then look for who heard what has most of them."""
    with connection.transaction():
        # Both queries see the same. A hash table of so many different ones does not fit into the caches of a processor that others
        # use, too: to sort is quicker.
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_hashagg = off")
        most = _most(connection, what, selection, limit, lacking=lacking)
        return ask(
            connection, f"scanned_{what}", selection, limit=limit,
            parts={"heard": _heard(what, selection, few=len(most) <= FEW)},
            keys=[row["key"] for row in most], plays=[row["plays"] for row in most],
        )  # fmt: skip


def wanted(table: str, *, lacking: bool) -> sql.Composable:
    """The condition that a row of the table is wanted: any, or what is `lacking` in the catalogue."""
    return part("lacking", table=sql.Identifier(table)) if lacking else sql.SQL("true")


def first_depth(limit: int) -> int:
    """So many are looked at first."""
    return 20 * limit + 300


def _most(
    connection: Connection[Any], what: str, selection: Selection, limit: int, *, lacking: bool
) -> list[Row]:
    """Those with most plays, and all that have as many as the last: looked for among a few, and then among all."""
    parts = {"wanted": wanted("counted", lacking=lacking), **_names(what)}
    for deep in (first_depth(limit), ALL_OF_THEM):
        rows = ask(connection, "scan", selection, limit=limit, depth=deep, parts=parts)
        bound = rows[0]["bound"]
        rows = [row for row in rows if row["key"] is not None]
        # The planner takes what comes out of arrays for little, and would loop: seconds instead of a tenth of one.
        connection.execute("SET LOCAL enable_nestloop = off")
        if not bound or (len(rows) >= limit and rows[-1]["plays"] > bound):
            break
    return rows


def _heard(what: str, selection: Selection, *, few: bool) -> sql.Composable:
    if not few:
        return part("read_through", at_place=at_place(selection), **_names(what))
    anywhere = selection.location is None
    names = ("may_be_there", "was_there")
    conditions = {name: sql.SQL("true") if anywhere else part(name) for name in names}
    return part("looked_up", tracks=part(f"few_{what}"), **conditions)


def _names(what: str) -> dict[str, sql.Composable]:
    key, _, keys = RANKED[what]
    return {"key": sql.Identifier(key), "keys": sql.Identifier(keys)}
