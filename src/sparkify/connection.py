"""Which PostgreSQL the warehouse is on, and how to reach it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.sql import load

DATABASE: Final = "sparkifydb"
MAINTENANCE: Final = "postgres"
OLDEST_SERVER: Final = 150000

# Any of these says that libpq has been told where a server is. PGUSER or ~/.pgpass alone do not say where.
LIBPQ_VARIABLES: Final = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")


# A server notices by itself only at the end of a statement that its client is gone; publication has long ones. And where
# the network goes silent, both ends would wait for each other for hours: a run would stay alive that nobody runs.
# Compiling a query takes tenths of a second, and most questions take hundredths (docs/performance.md).
_SETTINGS: Final = """
SET search_path = public;
SET TimeZone = 'UTC';
SET client_min_messages = warning;
SET jit = off;
SET client_connection_check_interval = '1s';
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SET tcp_user_timeout = '60s'
"""
_SILENCE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""The same for our end, in seconds and milliseconds: after a minute without a sign of life a connection is lost."""


def resolve(dsn: str | None = None) -> str:
    """The connection string to use: `dsn`, else SPARKIFY_DSN, else libpq's own, else the embedded server.

    The embedded server is started when it does not run. Without a database in it, the string names ``sparkifydb``.

    Raises:
        UsageError: the connection string is not one.
        ServerError: the embedded server could not be started.
    """
    dsn = dsn or os.environ.get("SPARKIFY_DSN")
    if not dsn and not any(map(os.environ.get, LIBPQ_VARIABLES)):
        from sparkify.server import ensure_running  # noqa: PLC0415  not needed with a server of one's own

        dsn = ensure_running()
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn or "").items()}
    except psycopg.ProgrammingError:
        # The cause is not shown: it may quote the string, and the string may hold a password.
        raise UsageError("The DSN is not a PostgreSQL URL or key=value string.") from None
    if "@" in given.get("host", ""):
        raise UsageError("The DSN has a second @. Write the one in the user or the password as %40.")
    names_database = ("dbname" in given or "service" in given) or any(
        map(os.environ.get, ("PGDATABASE", "PGSERVICE"))
    )
    return make_conninfo(**given) if names_database else make_conninfo(**given, dbname=DATABASE)


def connect(dsn: str) -> Connection[Any]:
    """Open a connection in autocommit mode, UTC, names found in ``public``, as the owner of the warehouse where we may.

    Raises:
        ConnectionFailed: the server cannot be reached, refuses us, or is older than PostgreSQL 15.
    """
    try:
        given = conninfo_to_dict(dsn)
        silence = {name: value for name, value in _SILENCE.items() if name not in given}
        settings = make_conninfo(dsn, application_name="sparkify", **silence)
        connection: Connection[Any] = psycopg.connect(settings, autocommit=True)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        stop = "" if said.endswith("?") else "."
        raise ConnectionFailed(
            f"Cannot connect to PostgreSQL: {said}{stop} Check --dsn, SPARKIFY_DSN or the PG* variables."
        ) from None
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection[Any]) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise ConnectionFailed(f"The server is PostgreSQL {version}; 15 or newer is needed.")
    # Whatever the server's default: the locks count on it.
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    connection.execute(_SETTINGS)
    connection.execute(load("roles")["act_as_owner"])


def room(connection: Connection[Any]) -> int:
    """How many more connections the server, the database and the role allow us at this moment."""
    row = connection.execute(load("roles")["room"]).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def explained() -> Iterator[None]:
    """Errors of the server as errors of ours.

    Raises:
        SparkifyError: what the server said, without the statement: that may hold rows of the input.
    """
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise SparkifyError(
            "There is no warehouse in this database yet. Load one: sparkify etl DATA"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise SparkifyError(
            f"PostgreSQL: {error.diag.message_primary}. Use a role that may; sparkify db roles makes one."
        ) from error
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        table = f" (table {error.diag.schema_name}.{error.diag.table_name})" if error.diag.table_name else ""
        raise SparkifyError(
            f"PostgreSQL: {said}{table}.{hint} What was committed is kept; run the command again to go on."
        ) from error


def database_is_missing(dsn: str) -> bool:
    """Whether the server answers and has no such database; what a refused connection says of it is translated text."""
    try:
        with connect(make_conninfo(dsn, dbname=MAINTENANCE)) as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [_database(dsn)]
            ).fetchone()
            return row is None
    except ConnectionFailed:
        return False


def _database(dsn: str) -> str:
    return str(conninfo_to_dict(dsn).get("dbname") or os.environ.get("PGDATABASE") or DATABASE)


def create_database(dsn: str) -> None:
    """Create the database that `dsn` names, from template0, in UTF-8.

    Raises:
        ConnectionFailed: the role may not, or the maintenance database cannot be reached.
    """
    name = _database(dsn)
    with connect(make_conninfo(dsn, dbname=MAINTENANCE)) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
            )
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another program was faster
        except psycopg.errors.InsufficientPrivilege:
            raise ConnectionFailed(
                f"There is no database {name}, and this role may not create it."
                f" Have it created (CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0), or name another."
            ) from None
