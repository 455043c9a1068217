"""The version of a warehouse's schema, and the migrations from an older version to this program's.

A migration is a file ``schema/migrate_<version>.sql``, which upgrades a warehouse of the version before.
There is none yet: nothing has been released, so every change of the schema changes version 1.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

import psycopg
from psycopg import Connection

from sparkify.database.queries import queries
from sparkify.errors import NoWarehouse, UsageError

SCHEMA_VERSION: Final = 1

_MIGRATIONS: Traversable = files("sparkify.schema")


def version_of(connection: Connection[Any]) -> int | None:
    """The version of the schema; None if there is no warehouse, or sparkify did not create the table
    etl.warehouse."""
    there = connection.execute(queries("database/session")["has_version"]).fetchone()
    if there is None:
        return None
    row = connection.execute("SELECT schema_version FROM etl.warehouse").fetchone()
    return None if row is None else int(row[0])


def refuse_newer(version: int) -> None:
    """Raises UsageError when the warehouse is newer than this program."""
    if version > SCHEMA_VERSION:
        raise UsageError(
            f"The warehouse has schema version {version}, newer than this program's. Update sparkify."
        )


def refuse_other(connection: Connection[Any]) -> None:
    """Refuse to read a warehouse of another version.

    Raises:
        NoWarehouse: there is none.
        UsageError: it is newer or older than this program.
    """
    try:
        version = version_of(connection)
    except psycopg.errors.InsufficientPrivilege:
        return  # a role that may read only the star can still ask questions about that
    if version is None:
        raise NoWarehouse
    if version != SCHEMA_VERSION:
        refuse_newer(version)
        raise UsageError(
            f"The warehouse has schema version {version}, older than this program's."
            " Bring it up to date: sparkify create-tables"
        )


def migrate(connection: Connection[Any], version: int) -> None:
    """Run the migrations from a version to this program's, in order, as part of a transaction."""
    for number in range(version + 1, SCHEMA_VERSION + 1):
        statements = _MIGRATIONS.joinpath(f"migrate_{number}.sql").read_bytes()
        connection.execute(statements)
