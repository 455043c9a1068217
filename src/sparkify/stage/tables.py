"""The tables in which a run stages its rows: a set for each month, and one for the catalogue.

The core writes the rows: core/chunk_rows.c, page_views.c, levels.c, batch_rows.c and catalogue.c.
"""

from datetime import date
from typing import Any, Final

from psycopg import Connection, sql

from sparkify.database.queries import queries
from sparkify.schema.rollups import ROLLUPS
from sparkify.transform.sessions import COUNTED

CHUNK_TABLES: Final = ("songplays", "heard_plays", "time", "heard_songs", "repeated", "page_views")
"""The tables of a month to which each chunk adds rows."""

BATCH_TABLES: Final = ("users", "levels", "user_days", "user_agents", "sessions")
"""The tables to which a batch adds rows at its end, computed from all its chunks."""

COUNTED_TABLES: Final = tuple(
    rollup.name
    for rollup in ROLLUPS
    if rollup.is_partitioned or rollup.can_be_staged or rollup.name in COUNTED
)
"""The tables into which publication counts rollups from what is staged."""

_sql: Final = queries("stage/stage")


def staged_months(connection: Connection[Any], run_id: int) -> list[date]:
    """The months that a run has staged and not yet published."""
    return [month for (month,) in connection.execute(_sql["staged_months"], [run_id])]


def month_table(run_id: int, month: date, table: str) -> str:
    """The name of one table of a staged month, in the schema staging."""
    return f"run{run_id}_{month:%Y_%m}_{table}"


def month_tables(run_id: int, month: date) -> dict[str, sql.Identifier]:
    """The names of the tables of a staged month."""
    return {
        table: sql.Identifier("staging", month_table(run_id, month, table))
        for table in CHUNK_TABLES + BATCH_TABLES + COUNTED_TABLES
    }


def catalogue_table(run_id: int) -> sql.Identifier:
    """The name of the table with the catalogue records that a run stages."""
    return sql.Identifier("staging", f"run{run_id}_catalogue")


def create_months(connection: Connection[Any], run_id: int, months: list[date]) -> None:
    """Create the tables of staged months, once, however many workers ask."""
    for month in months:
        with connection.transaction():
            if connection.execute(_sql["add_month"], [run_id, month]).fetchone():
                names = month_tables(run_id, month)
                connection.execute(sql.SQL(_sql["create_month"]).format(**names))
