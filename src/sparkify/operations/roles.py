"""Roles: one that reads the warehouse, one that loads it, and logins for them.

Both roles are groups without a login. `LOADER` owns the warehouse. Its members act as that role (see
`sparkify.database.connection.connect`), so every table has the same owner, whoever loads.
"""

from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from sparkify.create_tables import open_warehouse, refuse_taken_names, wait_briefly
from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.database.reading import has_warehouse, open_existing
from sparkify.errors import SparkifyError, UsageError
from sparkify.operations.check import examine
from sparkify.schema import structure
from sparkify.server.names import LOADER, READER, refuse_long
from sparkify.stage.runs import lock_publisher, refuse_live_runs

_sql: Final = queries("operations/roles")
_grants: Final = queries("schema/grants")


def create_roles(dsn: str | None = None, *, login: tuple[str, str, str] | None = None) -> None:
    """Create the missing roles, give the warehouse to `LOADER`, and let `READER` read it. Safe to repeat.

    `login` is (name, group, password). It creates a role that can log in as a member of the group, `READER`
    or `LOADER`; for a role that exists, it changes the password. The server gets a SCRAM verifier, never the
    password.

    Raises:
        SparkifyError: this role may not create roles, or somebody is using the warehouse.
        UsageError: a role of that name exists and is not one of ours, or others have made something with one
            of our names in the database.
    """
    with server_errors(), _open(resolve(dsn)) as connection:
        # We may be a superuser, and members of LOADER may make functions and operators in public: names are
        # found in pg_catalog alone, so that none of theirs is called in the place of PostgreSQL's.
        connection.execute("SET search_path = ''")
        _refuse_hidden_rows(connection)
        _refuse_open_schema(connection)
        refuse_taken_names(connection)
        connection.execute("RESET ROLE")
        try:
            with connection.transaction():
                wait_briefly(connection)
                for name in (READER, LOADER):
                    _create_group(connection, name)
                if connection.execute(_sql["is_handed_over"]).fetchone() != (True,):
                    # A load that goes on would make tables as the owner that it has begun with.
                    refuse_live_runs(connection)
                    lock_publisher(connection)
                connection.execute(_sql["admit"])
                connection.execute(_grants["name_ours"], structure.names())
                connection.execute(_sql["hand_over"])
                connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(LOADER)))
                connection.execute(_grants["grant"])
                connection.execute("RESET ROLE")
                if login:
                    _create_login(connection, *login)
        except psycopg.errors.InsufficientPrivilege as error:
            raise SparkifyError(
                f"{error.diag.message_primary}: creating roles takes a superuser,"
                " or the owner of the database with CREATEROLE."
            ) from None
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            raise SparkifyError(
                "Somebody is using the warehouse, which must change its owner. Try again when nobody is."
            ) from None


def _open(dsn: str) -> Connection[Any]:
    """Open the warehouse, made if missing. One of another version is refused: its owner upgrades it."""
    return open_existing(dsn, for_questions=False) if has_warehouse(dsn) else open_warehouse(dsn)


def _refuse_hidden_rows(connection: Connection[Any]) -> None:
    ((hidden,), _) = examine(connection, ["rows_visible"])
    if hidden.found:
        table = hidden.examples[0]["relation"]
        more = f" ({hidden.found:,} tables in all: sparkify check)" if hidden.found > 1 else ""
        raise SparkifyError(
            f"Row level security would hide the rows of {table}{more} from readers."
            f" Turn it off: ALTER TABLE {table} DISABLE ROW LEVEL SECURITY."
        )


def _refuse_open_schema(connection: Connection[Any]) -> None:
    if who := connection.execute(_sql["readers_may_create"]).fetchone():
        raise SparkifyError(
            "Readers may create things in the schema public, where the star is: a function of theirs could"
            " run with the rights of whoever loads or asks. Forbid it first:"
            f" REVOKE CREATE ON SCHEMA public FROM {who[0]}"
        )


def _create_group(connection: Connection[Any], name: str) -> None:
    if _exists(connection, name):
        return
    connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(name)))
    if name == LOADER and not _is_superuser(connection):
        # A role can hand over what it owns only to a role that it may become.
        connection.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(name)))


def _create_login(connection: Connection[Any], name: str, group: str, password: str) -> None:
    if name in (READER, LOADER):
        raise UsageError(f"{name} is a group. Choose another name for the login.")
    refuse_long(name)
    try:
        secret, login = password.encode(), name.encode()
    except UnicodeEncodeError:
        raise UsageError(
            "The name or the password of the login is not UTF-8: perhaps the terminal has another encoding."
        ) from None
    verifier = connection.pgconn.encrypt_password(secret, login, b"scram-sha-256").decode()
    role, other = Identifier(name), Identifier(LOADER if group == READER else READER)
    names = {"name": role, "database": Identifier(connection.info.dbname)}
    if _exists(connection, name):
        connection.execute(SQL("REVOKE {} FROM {}").format(other, role))
        connection.execute(SQL("ALTER ROLE {name} IN DATABASE {database} RESET ALL").format(**names))
    else:
        try:
            connection.execute(SQL("CREATE ROLE {}").format(role))
        except psycopg.errors.ReservedName:
            raise UsageError(
                f"PostgreSQL keeps the name {name} for itself. Choose another for the login."
            ) from None
    connection.execute(SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, Literal(verifier)))
    connection.execute(SQL("GRANT {} TO {}").format(Identifier(group), role))
    if group == READER:
        connection.execute(SQL(_sql["read_settings"]).format(**names))


def _exists(connection: Connection[Any], name: str) -> bool:
    row = connection.execute(_sql["find"], [name]).fetchone()
    if row and row[0]:
        raise UsageError(
            f"A role {name} exists that sparkify did not make, or that may do more than read and load."
            " Choose another name."
        )
    return row is not None


def _is_superuser(connection: Connection[Any]) -> bool:
    row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])
