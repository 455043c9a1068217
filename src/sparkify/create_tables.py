"""Create the warehouse, or drop it: the database, the five tables of the star, and what stands beside them.

``python -m sparkify.create_tables [--drop]`` is the same as ``sparkify create-tables``.
"""

from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify import sql
from sparkify.connection import connect, create_database, database_is_missing, explained, resolve
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.sql_queries import create_table_queries, drop_table_queries

SCHEMA_VERSION: Final = 1
STAR: Final = ("songplays", "users", "songs", "artists", "time")

# Programs that start at the same time create the schema once.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('create_tables'))"


def create_tables(dsn: str | None = None, *, drop: bool = False) -> None:
    """Create what is missing: the database, if the role may, and the tables. Safe to repeat.

    With `drop`, the warehouse and all that was loaded is dropped first.

    Raises:
        ConnectionFailed: no server, or the role may not.
        UsageError: the database holds tables of these names that are not ours, or is of another version.
    """
    with explained(), open_warehouse(resolve(dsn), drop=drop):
        pass


def open_warehouse(dsn: str, *, drop: bool = False) -> Connection[Any]:
    """A connection to the warehouse, which is created if it is not there."""
    try:
        connection = connect(dsn)
    except ConnectionFailed:
        if not database_is_missing(dsn):
            raise
        create_database(dsn)
        connection = connect(dsn)
    try:
        if drop or _version(connection) != SCHEMA_VERSION:
            _create(connection, drop=drop)
    except psycopg.errors.InsufficientPrivilege as error:
        connection.close()
        raise SparkifyError(
            f"The role may not create the warehouse in this database: {error.diag.message_primary}."
            " Let the owner of the database run `sparkify create-tables`, or grant CREATE on it."
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: Connection[Any]) -> int | None:
    row = connection.execute("SELECT to_regclass('etl.warehouse')").fetchone()
    if row is None or row[0] is None:
        return None
    row = connection.execute("SELECT schema_version FROM etl.warehouse").fetchone()
    return None if row is None else int(row[0])


def _create(connection: Connection[Any], *, drop: bool) -> None:
    queries = sql.load("warehouse")
    with connection.transaction():
        connection.execute(_LOCK)
        version = _version(connection)
        if version is None:
            _refuse_foreign_tables(connection)
        elif drop:
            _drop(connection)
        elif version > SCHEMA_VERSION:
            raise UsageError(
                f"The warehouse is of version {version}, newer than this program. Update sparkify."
            )
        for statement in create_table_queries:
            connection.execute(statement)
        connection.execute(queries["create"])
        connection.execute(queries["comments"])


def _drop(connection: Connection[Any]) -> None:
    try:
        connection.execute(sql.load("warehouse")["drop"])
        for statement in drop_table_queries:
            connection.execute(statement)
    except psycopg.errors.LockNotAvailable:
        raise SparkifyError("Somebody is reading the warehouse. Drop it when nobody is.") from None
    except psycopg.errors.DependentObjectsStillExist as error:
        raise SparkifyError(
            f"Something that sparkify did not make depends on the warehouse: {error.diag.message_detail}."
            " Drop or move that first."
        ) from None


def _refuse_foreign_tables(connection: Connection[Any]) -> None:
    row = connection.execute(
        "SELECT current_database(), array_agg(relname::text ORDER BY relname) FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%s)",
        [list(STAR)],
    ).fetchone()
    if row and row[1]:
        raise UsageError(
            f"The database {row[0]} already has a table {row[1][0]} that sparkify did not make."
            " Name another database, or move that table away."
        )


if __name__ == "__main__":
    import sys

    from sparkify.cli import main

    sys.exit(main(["create-tables", *sys.argv[1:]]))
