"""Insert late plays, row by row, into days that the warehouse already has."""

from collections.abc import Mapping
from typing import Final

from psycopg import sql

from sparkify import sql_queries
from sparkify.database.planner import planner
from sparkify.publish.books import add_rows, move_loaded_to_duplicates, move_to_duplicates
from sparkify.publish.staged import StagedMonth

LATE: Final = {table: sql.Identifier(f"late_{table}") for table in ("time", "heard_plays", "songplays")}
"""The temporary tables of `set_late_aside`."""


def insert_plays(month: StagedMonth, tables: Mapping[str, sql.Identifier]) -> bool:
    """Insert the plays of these tables, and replace stored plays that lose to them.

    Returns whether the warehouse had any of these plays.
    """
    connection = month.connection
    names = {table: tables[table] for table in LATE}
    # Foreign keys are checked row by row here. PostgreSQL would plan the check of a key to a partitioned
    # table for every row, because a plan for one partition looks cheaper than one for all: that took four
    # times as long.
    with planner(connection, plan_cache_mode="force_generic_plan"):
        month.run("analyze_late", **names)
        add_rows(connection, "time", month.into_star(sql_queries.time_table_insert, names["time"]))
        clashes: int = month.run("find_clashes", **names).rowcount
        if clashes:
            _replace(month)
            month.run("remove_clashes", **names)
        songplays, matched, _ = month.row("counts_now", **names)
        month.into_star(sql_queries.songplay_table_insert, names["songplays"])
        month.run("insert_heard_plays", **names)
        add_rows(connection, "songplays", songplays)
        add_rows(connection, "matched", matched)
    return clashes > 0


def _replace(month: StagedMonth) -> None:
    """Replace stored plays that lose to staged variants, and count the losers as duplicates."""
    add_rows(month.connection, "matched", month.number("matched_by_replacing"))
    month.into_star(sql_queries.songplay_table_update, sql.Identifier("clashes"))
    month.run("replace_heard_plays")
    for query in ("duplicates_staged", "still_there"):
        move_to_duplicates(month.connection, month.run_id, month.run(query).fetchall())
    move_loaded_to_duplicates(month.connection, month.date, month.run("duplicates_there").fetchall())
