"""Create the warehouse, or drop it: the database, the five tables of the star, and what stands beside them.

``python -m sparkify.create_tables [--drop]`` is the same as ``sparkify create-tables``.
"""

from collections.abc import Iterable
from typing import Any, Final, LiteralString, NoReturn

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

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
from sparkify.sql import structure
from sparkify.sql_queries import create_table_queries, drop_table_queries
from sparkify.upgrade import SCHEMA_VERSION, migrate, refuse_newer, refuse_other, version_of

# The schemas that are wholly ours; public and analytics may hold things of others, too.
_OURS: Final = ("etl", "staging", "partitions")

# Programs that start at the same time create the schema once.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('create_tables'))"


def create_tables(dsn: str | None = None, *, drop: bool = False) -> None:
    """Create what is missing: the database, if the role may, the tables, their indexes, the views. Safe to repeat.

    A warehouse of an older version is brought up to date, with all that was loaded. With `drop`, the warehouse and all that
    was loaded is dropped first.

    Raises:
        ConnectionFailed: no server, or the role may not.
        UsageError: the database holds things of our names that are not ours, or is newer than this program.
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
            _refuse_schemas(connection)
            _make(connection)
        else:
            refuse_newer(version)
            if version == SCHEMA_VERSION and not (drop or complete):
                return  # another program was quicker
            _complete(connection, version)
            if drop:
                _drop(connection)
                _make(connection)
                connection.execute(queries["remember_forgotten"])
        roles = sql.load("roles")
        admitted = connection.execute(roles["are_admitted"]).fetchone()
        if admitted and admitted[0]:
            connection.execute(roles["name_ours"], structure.names())
            connection.execute(roles["grant"])


def _complete(connection: Connection[Any], version: int) -> None:
    """Bring a warehouse of an older version up to date, and make what is missing of it.

    Raises:
        SparkifyError: somebody uses what must change.
    """
    connection.execute("SET LOCAL lock_timeout = '1s'")  # readers queue behind us while we wait
    try:
        # Before any other lock: a load has it first, too.
        connection.execute(sql.load("publish")["lock_publisher"])
        migrate(connection, version)
        _make(connection)
    except psycopg.errors.LockNotAvailable:
        raise SparkifyError(
            "Somebody is using the warehouse. Upgrade or complete it when nobody is: sparkify create-tables"
        ) from None
    connection.execute("SET LOCAL lock_timeout = 0")


def _make(connection: Connection[Any]) -> None:
    """Make what is missing.

    Raises:
        UsageError: something that is not ours has a name of ours.
    """
    queries = sql.load("warehouse")
    taken = connection.execute(queries["not_ours"], structure.names()).fetchall()
    if taken:
        _refuse(connection, taken)
    for statement in create_table_queries:
        connection.execute(statement)
    connection.execute(queries["create"])
    for name in ("rollups", "views"):
        connection.execute(sql.load(name)["create"])
    connection.execute(queries["version"], [SCHEMA_VERSION])
    index_heard_songs(connection)
    for name in ("warehouse", "rollups", "views"):
        connection.execute(sql.load(name)["comments"])


def _drop(connection: Connection[Any]) -> None:
    """Drop all that `_make` makes, which is all there and ours, and the schemas that are wholly ours.

    Nothing is dropped with CASCADE: what others have built on the warehouse or put beside it stays.

    Raises:
        SparkifyError: somebody reads the warehouse, or something of others depends on it.
    """
    made = structure.structure()
    queries = sql.load("warehouse")
    tables = [table for table in made.tables if not table.startswith("public.")]
    try:
        connection.execute(queries["keep_forgotten"])
        _drop_all(connection, "VIEW", made.views)
        loose = connection.execute(
            queries["loose_tables"], [[name.partition(".")[2] for name in made.partitioned]]
        )
        _drop_all(connection, "TABLE", [*tables, *map(".".join, loose)])
        for statement in drop_table_queries:
            connection.execute(statement)
        _drop_all(connection, "FUNCTION", made.functions)
        _drop_all(connection, "SCHEMA", _OURS)
        connection.execute("SET LOCAL lock_timeout = 0")
    except psycopg.errors.LockNotAvailable:
        raise SparkifyError("Somebody is reading the warehouse. Drop it when nobody is.") from None
    except psycopg.errors.DependentObjectsStillExist as error:
        depends = "; ".join((error.diag.message_detail or "").splitlines())
        raise SparkifyError(
            f"Something that sparkify did not make depends on the warehouse: {depends}."
            " Drop or move that first."
        ) from None


def _drop_all(connection: Connection[Any], kind: LiteralString, names: Iterable[str]) -> None:
    identifiers = [Identifier(*name.split(".")) for name in names]
    connection.execute(SQL("DROP " + kind + " {}").format(SQL(", ").join(identifiers)))


def _refuse_schemas(connection: Connection[Any]) -> None:
    """Whether a new warehouse has room here.

    Raises:
        UsageError: a schema that should be wholly ours is somebody else's, or there is no schema public.
    """
    taken = connection.execute(sql.load("warehouse")["schemas_taken"]).fetchall()
    if taken:
        _refuse(connection, taken)
    row = connection.execute("SELECT to_regnamespace('public')").fetchone()
    if row is None or row[0] is None:
        raise UsageError(
            f"The database {connection.info.dbname} has no schema public, where the star belongs."
            " Make it (CREATE SCHEMA public), or name another database."
        )


def _refuse(connection: Connection[Any], taken: list[tuple[str, str, str | None]]) -> NoReturn:
    """Name the first of the things that are not ours: what it is, its name, and why it cannot be ours."""
    what, name, why = taken[0]
    raise UsageError(
        f"The database {connection.info.dbname} already has {'an' if what == 'index' else 'a'} {what}"
        f" {name.removeprefix('public.')} that sparkify did not make{f': it {why}' if why else ''}."
        f" Name another database, or give that {what} another name."
        + (f" The same is true of {len(taken) - 1} more." if taken[1:] else "")
    )


if __name__ == "__main__":
    import sys

    from sparkify.cli import main

    sys.exit(main(["create-tables", *sys.argv[1:]]))
