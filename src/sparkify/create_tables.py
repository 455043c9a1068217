"""Create the warehouse, or drop it: the database, the five tables of the star, and what stands beside them.

``python -m sparkify.create_tables [--drop]`` is the same as ``sparkify create-tables``.
"""

from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from sparkify import sql
from sparkify.config import SAMPLE_DATABASE
from sparkify.connection import (
    connect,
    create_database,
    database_is_missing,
    database_name,
    explained,
    refuse_encoding,
    resolve,
)
from sparkify.errors import ConnectionFailed, NoWarehouse, SparkifyError, UsageError
from sparkify.load.rollups import index_heard_songs
from sparkify.sql_queries import create_table_queries, drop_table_queries
from sparkify.upgrade import (
    SCHEMA_VERSION,
    drop_outdated,
    fill,
    refuse_newer,
    refuse_other,
    upgrade,
    version_of,
)

STAR: Final = ("songplays", "users", "songs", "artists", "time")

# Programs that start at the same time create the schema once.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('create_tables'))"


def create_tables(dsn: str | None = None, *, drop: bool = False) -> None:
    """Create what is missing: the database, if the role may, the tables, their indexes, the views. Safe to repeat.

    A warehouse that an older program made is brought up to date, with all that was loaded. With `drop`, the warehouse and all that was loaded is dropped first.

    Raises:
        ConnectionFailed: no server, or the role may not.
        UsageError: the database holds tables of these names that are not ours, or is newer than this program.
        SparkifyError: the warehouse cannot be changed or dropped now, or not by this role.
    """
    with explained(), open_warehouse(resolve(dsn), drop=drop, complete=True):
        pass


def open_warehouse(dsn: str, *, drop: bool = False, complete: bool = False) -> Connection[Any]:
    """A connection to the warehouse, which is created if it is not there, and upgraded if it is older.

    One of this version is taken for complete, unless it is to be made so.

    Raises:
        UsageError: the database is not in UTF-8, and nothing was made there.
    """
    try:
        connection = connect(dsn)
    except ConnectionFailed:
        if not database_is_missing(dsn):
            raise
        create_database(dsn)
        connection = connect(dsn)
    try:
        refuse_encoding(connection)
        if drop or complete or version_of(connection) != SCHEMA_VERSION:
            _create(connection, drop=drop, complete=complete)
    except psycopg.errors.InsufficientPrivilege as error:
        connection.close()
        raise SparkifyError(
            f"The role may not create, upgrade or complete the warehouse in this database: {error.diag.message_primary}."
            " Let the owner of the database run `sparkify create-tables`, or grant CREATE on it."
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def open_existing(dsn: str, *, for_questions: bool = True) -> Connection[Any]:
    """A connection to a warehouse that is there, of this program's version; `for_questions` as for `connect`.

    Raises:
        ConnectionFailed: no server.
        NoWarehouse: there is no database, or no warehouse in it.
        UsageError: the warehouse is newer than this program, or older, or its database is not in UTF-8.
    """
    try:
        connection = connect(dsn, for_questions=for_questions)
    except ConnectionFailed:
        if database_is_missing(dsn):
            raise NoWarehouse(_no_database(dsn)) from None
        raise
    try:
        refuse_encoding(connection)
        refuse_other(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _no_database(dsn: str) -> str:
    said = f"There is no database {database_name(dsn)} yet. Load your data: sparkify etl DATA"
    if database_is_missing(make_conninfo(dsn, dbname=SAMPLE_DATABASE)):
        return said
    return f'{said}. The made-up sample is elsewhere: add --dsn "$(sparkify db url {SAMPLE_DATABASE})"'


def has_warehouse(dsn: str) -> bool:
    """Whether the database that `dsn` names is there, and a warehouse in it.

    Raises:
        ConnectionFailed: the server cannot be reached.
    """
    if database_is_missing(dsn):
        return False
    with connect(dsn) as connection:
        return version_of(connection) is not None


def _create(connection: Connection[Any], *, drop: bool, complete: bool) -> None:
    queries = sql.load("warehouse")
    with connection.transaction():
        connection.execute(_LOCK)
        version = version_of(connection)
        if version is None:
            _refuse_foreign_tables(connection)
            _make(connection)
        else:
            refuse_newer(version)
            if version == SCHEMA_VERSION and not (drop or complete):
                return  # another program was quicker
            upgrade(connection, version, _make)
            if drop:
                _drop(connection)
                _make(connection)
                connection.execute(queries["remember_forgotten"])
            else:
                fill(connection, version)
        roles = sql.load("roles")
        admitted = connection.execute(roles["are_admitted"]).fetchone()
        if admitted and admitted[0]:
            connection.execute(roles["grant"])
    drop_outdated(connection)


def _make(connection: Connection[Any]) -> None:
    for statement in create_table_queries:
        connection.execute(statement)
    queries = sql.load("warehouse")
    connection.execute(queries["create"])
    for name in ("rollups", "views"):
        connection.execute(sql.load(name)["create"])
    connection.execute(queries["version"], [SCHEMA_VERSION])
    index_heard_songs(connection)
    for name in ("warehouse", "rollups", "views"):
        connection.execute(sql.load(name)["comments"])


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
    row = connection.execute(
        "SELECT current_database(), min(nspname::text) FROM pg_namespace WHERE nspname IN ('etl', 'staging', 'partitions')"
    ).fetchone()
    if row and row[1]:
        raise UsageError(
            f"The database {row[0]} already has a schema {row[1]} that sparkify did not make."
            " Name another database, or give that schema another name."
        )


if __name__ == "__main__":
    import sys

    from sparkify.cli import main

    sys.exit(main(["create-tables", *sys.argv[1:]]))
