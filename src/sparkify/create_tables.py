"""Create or drop the warehouse: the database, the five tables of the star, and the other schemas.

``python -m sparkify.create_tables [--drop]`` is the same as ``sparkify create-tables``.
"""

from collections.abc import Iterable
from typing import Any, Final, LiteralString, NoReturn

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier

from sparkify.database.connection import (
    connect,
    create_database,
    database_is_missing,
    refuse_encoding,
    resolve,
    server_errors,
)
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.database.version import SCHEMA_VERSION, migrate, refuse_newer, version_of
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.publish.listening import index_heard_songs
from sparkify.schema import structure
from sparkify.sql_queries import drop_table_queries
from sparkify.stage.runs import lock_publisher, refuse_live_runs

_sql: Final = queries("create_tables")

# The schemas that are ours alone; public and analytics may hold things of others, too.
_OURS: Final = ("etl", "staging", "partitions")

LOCK_TIMEOUT: Final = "1s"
"""How much longer than `deadlock_timeout` to wait for a lock that others need: readers queue behind us
meanwhile; at most five seconds in all. PostgreSQL cancels an autovacuum that is in the way only after
`deadlock_timeout`."""

# If several programs start at the same time, one creates the schema.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('sparkify'), hashtext('create_tables'))"


def create_tables(dsn: str | None = None, *, drop: bool = False) -> None:
    """Create what is missing: the database if the role may, tables, indexes, views. Safe to repeat.

    A warehouse of an older version is migrated and keeps its data. With `drop`, the warehouse is dropped
    first with all its data.

    Raises:
        ConnectionFailed: no server, or the role may not create the database.
        UsageError: something that is not ours has one of our names, the warehouse is newer than sparkify, or
            `drop` is neither True nor False.
        SparkifyError: the warehouse is in use, or this role may not change it.
    """
    if not isinstance(drop, bool):  # Python takes the text "no" for true
        raise UsageError(f"drop must be True or False, not {drop!r}.")
    with server_errors(), open_warehouse(resolve(dsn), drop=drop, complete=True):
        pass


def open_warehouse(dsn: str, *, drop: bool = False, complete: bool = False) -> Connection[Any]:
    """Connect to the warehouse; create it if it does not exist, and migrate it if it is older.

    A warehouse of this version is assumed to be complete; with `complete`, whatever is missing is created.

    Raises:
        UsageError: the database is not in UTF-8; then nothing is created. Or a table has other columns.
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
        _refuse_columns(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        connection.close()
        said = error.diag.message_primary or ""
        todo = (
            "Let the owner of the database run `sparkify create-tables`, or grant CREATE on it."
            if "for database" in said
            else "Use a login that may load: `sparkify db roles --loader NAME` makes one."
        )
        raise SparkifyError(
            f"The role may not create or change the warehouse in this database: {said}. {todo}"
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_load(dsn: str) -> Connection[Any]:
    """Connect to an existing warehouse, to stage or publish. Unlike `open_warehouse`, it creates nothing.

    Raises:
        NoWarehouse: there is no database, or no warehouse in it.
        UsageError: the warehouse has another version, or a table has other columns.
    """
    connection = open_existing(dsn, for_questions=False)
    try:
        _refuse_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: Connection[Any], *, drop: bool, complete: bool) -> None:
    with connection.transaction():
        connection.execute(_LOCK)
        version = version_of(connection)
        if version is None:
            _refuse_schemas(connection)
            _make(connection)
        else:
            refuse_newer(version)
            if version == SCHEMA_VERSION and not (drop or complete):
                return  # another program was faster
            _complete(connection, version, drop=drop)
            if drop:
                _drop(connection)
                _make(connection)
                connection.execute(_sql["remember_forgotten"])
        grants = queries("schema/grants")
        admitted = connection.execute(grants["are_admitted"]).fetchone()
        if admitted and admitted[0]:
            connection.execute(grants["name_ours"], structure.names())
            connection.execute(grants["grant"])


def _complete(connection: Connection[Any], version: int, *, drop: bool) -> None:
    """Migrate a warehouse of an older version, and create what is missing. A `drop` follows.

    Raises:
        SparkifyError: somebody is using what must change.
    """
    wait_briefly(connection)
    try:
        if drop:
            refuse_live_runs(connection)
        # Before any other lock but that, like a load that publishes. A retry of rejects locks files first.
        lock_publisher(connection)
        migrate(connection, version)
        _make(connection)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        todo = (
            "Drop it when nobody is."
            if drop
            else "Upgrade or complete it when nobody is: sparkify create-tables"
        )
        raise SparkifyError(f"Somebody is using the warehouse. {todo}") from None
    connection.execute("SET LOCAL lock_timeout = 0")


def wait_briefly(connection: Connection[Any]) -> None:
    """Wait for locks for a moment only, to the end of the transaction."""
    connection.execute(_sql["wait_briefly"], [LOCK_TIMEOUT])


def _make(connection: Connection[Any]) -> None:
    """Create what is missing.

    Raises:
        UsageError: something that is not ours has one of our names.
    """
    refuse_taken_names(connection)
    for statement in structure.statements():
        connection.execute(statement)
    connection.execute(_sql["version"], [SCHEMA_VERSION])
    index_heard_songs(connection)


def refuse_taken_names(connection: Connection[Any]) -> None:
    """Refuse to go on if something that is not ours has one of our names.

    Raises:
        UsageError: something has; the message says what.
    """
    taken = connection.execute(_sql["not_ours"], structure.names()).fetchall()
    if taken:
        _refuse(connection, taken)


def _drop(connection: Connection[Any]) -> None:
    """Drop everything that `_make` creates, and the schemas that are ours alone.

    It never drops with CASCADE: what others have built on the warehouse or put beside it stays.

    Raises:
        SparkifyError: somebody is reading the warehouse, or something that is not ours depends on it.
    """
    made = structure.structure()
    tables = [table for table in made.tables if not table.startswith("public.")]
    # These depend on tables, and tables depend on the other functions.
    of_rows = [
        name
        for name, (arguments, _) in made.functions.items()
        if any(table in arguments for table in made.tables)
    ]
    try:
        wait_briefly(connection)
        connection.execute(_sql["keep_forgotten"])
        _drop_all(connection, "VIEW", made.views)
        _drop_all(connection, "FUNCTION", of_rows)
        loose = connection.execute(
            _sql["loose_tables"], [[name.partition(".")[2] for name in made.partitioned]]
        )
        _drop_all(connection, "TABLE", [*tables, *map(".".join, loose)])
        for statement in drop_table_queries:
            connection.execute(statement)
        _drop_all(connection, "FUNCTION", [name for name in made.functions if name not in of_rows])
        _drop_all(connection, "SCHEMA", _OURS)
        connection.execute("SET LOCAL lock_timeout = 0")
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
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
    """Refuse a database in which a name that a new warehouse needs is taken.

    Raises:
        UsageError: somebody else has a schema with one of our names, or there is no schema public.
    """
    taken = connection.execute(_sql["schemas_taken"], [list(_OURS)]).fetchall()
    if taken:
        _refuse(connection, taken)
    row = connection.execute("SELECT to_regnamespace('public')").fetchone()
    if row is None or row[0] is None:
        raise UsageError(
            f"The database {connection.info.dbname} has no schema public, where the star belongs."
            " Create it (CREATE SCHEMA public), or name another database."
        )


def _refuse_columns(connection: Connection[Any]) -> None:
    """Refuse a warehouse whose rows would land in wrong columns, or in none.

    Raises:
        UsageError: somebody has added, dropped or moved a column.
    """
    other = connection.execute(queries("schema/columns")["columns_ours"], structure.parameters()).fetchone()
    if other:
        raise UsageError(
            f"The table {other[0]} must have the columns {other[1]}, not {other[2]}: a load copies rows in"
            " our order. `sparkify check` says what to do."
        )


def _refuse(connection: Connection[Any], taken: list[tuple[str, str, str | None]]) -> NoReturn:
    """Name the first thing that is not ours: what it is, its name, and why it cannot be ours."""
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

    sys.argv.insert(1, "create-tables")
    sys.exit(main())
