"""The version of a warehouse's schema, and the way from an older one to this program's.

A version has a file ``sql/migrate_<version>.sql``. Its query ``change`` brings what the version before it made into the form
that `create_tables` goes on from; what is merely new is made there. ``fill`` then fills what is new from what was loaded.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify import sql
from sparkify.errors import NoWarehouse, SparkifyError, UsageError
from sparkify.load.rollups import rebuild, repartition

SCHEMA_VERSION: Final = 3

# Nobody begins a run from here on; whoever has begun one holds its lease.
_RUNNING: Final = """
SELECT run_id FROM etl.runs
WHERE state IN ('open', 'publishing') AND NOT pg_try_advisory_xact_lock(hashtext('sparkify run'), run_id::integer)
"""


def version_of(connection: Connection[Any]) -> int | None:
    """The version of the warehouse's schema; None when there is no warehouse: a table etl.warehouse may be somebody else's."""
    there = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = to_regclass('etl.warehouse') AND attname = 'schema_version'"
    ).fetchone()
    if there is None:
        return None
    row = connection.execute("SELECT schema_version FROM etl.warehouse").fetchone()
    return None if row is None else int(row[0])


def refuse_newer(version: int) -> None:
    """Raises UsageError when the warehouse is newer than this program."""
    if version > SCHEMA_VERSION:
        raise UsageError(f"The warehouse is of version {version}, newer than this program. Update sparkify.")


def refuse_other(connection: Connection[Any]) -> None:
    """See that there is a warehouse to read, of this program's version.

    Raises:
        NoWarehouse: there is none.
        UsageError: it is newer than this program, or older.
    """
    try:
        version = version_of(connection)
    except psycopg.errors.InsufficientPrivilege:
        return  # a role that sees the star alone may ask what it can
    if version is None:
        raise NoWarehouse("There is no warehouse in this database yet. Load one: sparkify etl DATA")
    if version != SCHEMA_VERSION:
        refuse_newer(version)
        raise UsageError(
            f"The warehouse is of version {version}, older than this program. Bring it up to date: sparkify create-tables"
        )


def upgrade(connection: Connection[Any], version: int, make: Callable[[Connection[Any]], None]) -> None:
    """Change what an older version made, as part of a transaction, and `make` what is new or missing; `fill` fills it.

    What a dead or a held run has staged stays, and is published by a later one as usual.

    Raises:
        SparkifyError: a run is alive, or somebody uses what must change.
    """
    connection.execute("SET LOCAL lock_timeout = '1s'")  # readers queue behind us while we wait
    try:
        if version == SCHEMA_VERSION:
            connection.execute(
                sql.load("publish")["lock_publisher"]
            )  # before any other: a load has it first, too
        else:
            _change(connection, version)
        make(connection)
    except psycopg.errors.LockNotAvailable:
        raise SparkifyError(
            f"The warehouse is of version {version}, and somebody is using it. Upgrade or complete it when nobody is:"
            " sparkify create-tables"
        ) from None
    connection.execute("SET LOCAL lock_timeout = 0")


def drop_outdated(connection: Connection[Any]) -> None:
    """Drop an index that has been replaced, if nobody uses its table now; else the next `sparkify create-tables` does."""
    with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '1s'")  # readers queue behind us while we wait
        connection.execute(sql.load("rollups")["drop_outdated"])


def _change(connection: Connection[Any], version: int) -> None:
    connection.execute("LOCK TABLE etl.runs IN SHARE ROW EXCLUSIVE MODE")
    running = connection.execute(_RUNNING).fetchone()
    if running:
        raise SparkifyError(
            f"An older program is loading into the warehouse (run {running[0]}). Upgrade it when that has ended:"
            " sparkify create-tables"
        )
    _run(connection, version, "change")


def fill(connection: Connection[Any], version: int) -> None:
    """Fill what is new since a version from what was loaded.

    Raises:
        SparkifyError: something of others depends on a table that another takes the place of.
    """
    _run(connection, version, "fill")
    if version < 2:
        rebuild(connection)
    elif version < 3:
        try:
            repartition(connection)
        except psycopg.errors.DependentObjectsStillExist as error:
            raise SparkifyError(
                f"Something that sparkify did not make depends on a table that is made anew: {error.diag.message_detail}."
                " Drop that, upgrade, and make it again."
            ) from None


def _run(connection: Connection[Any], version: int, name: str) -> None:
    for number in range(version + 1, SCHEMA_VERSION + 1):
        connection.execute(sql.load(f"migrate_{number}").get(name, ""))
