"""Which PostgreSQL the warehouse is on, and how to reach it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.database.advice import advice, advice_on_connecting
from sparkify.database.dsn import parse
from sparkify.database.queries import queries
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.server.names import DATABASE

MAINTENANCE: Final = "postgres"
OLDEST_SERVER: Final = 150000

# Any of these says that libpq has been told where a server is. PGUSER or ~/.pgpass alone do not say where.
LIBPQ_VARIABLES: Final = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")


_SILENCE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Seconds and milliseconds: after a minute without a sign of life a connection is lost for our end, too (database/session.sql)."""


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
    given = parse(dsn or "")
    names_database = ("dbname" in given or "service" in given) or any(
        map(os.environ.get, ("PGDATABASE", "PGSERVICE"))
    )
    return make_conninfo(**given) if names_database else make_conninfo(**given, dbname=DATABASE)


def connect(dsn: str, *, for_questions: bool = False) -> Connection[Any]:
    """Open a connection in autocommit mode, as the owner of the warehouse where we may, whose settings are ours.

    Nothing on which a result or the end of a load depends is inherited from the role, the database, the DSN or the
    environment (sql/session.sql); the names of tables are found in ``public``, times are in UTC. Only a connection
    `for_questions` keeps the limits on time that it was given, such as a ``statement_timeout``.

    Raises:
        ConnectionFailed: the server cannot be reached, refuses us, or is older than PostgreSQL 15.
    """
    try:
        given = conninfo_to_dict(dsn)
        silence = {name: value for name, value in _SILENCE.items() if name not in given}
        settings = make_conninfo(dsn, application_name="sparkify", client_encoding="UTF8", **silence)
        # A pooler may give the next transaction another connection of the server's, which knows no prepared statement.
        connection: Connection[Any] = psycopg.connect(settings, autocommit=True, prepare_threshold=None)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        stop = "" if said.endswith("?") else "."
        raise ConnectionFailed(
            f"Cannot connect to PostgreSQL: {said}{stop} {advice_on_connecting(said)}"
        ) from None
    try:
        _prepare(connection, for_questions=for_questions)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection[Any], *, for_questions: bool) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise ConnectionFailed(f"The server is PostgreSQL {version}; 15 or newer is needed.")
    session = queries("database/session")
    pins = [session["pin"]] if for_questions else [session["pin_work"], session["pin"]]
    connection.execute(";".join([*pins, session["act_as_owner"]]))  # one round trip


def refuse_encoding(connection: Connection[Any]) -> None:
    """See that the database can hold any text, as it came.

    Raises:
        UsageError: it is not in UTF-8.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        name = connection.info.dbname
        other = sql.Identifier(f"{name}_utf8").as_string(connection)
        raise UsageError(
            f"The database {name} is in {encoding}, which cannot hold all text; UTF8 is needed. Make another and name that:"
            f" CREATE DATABASE {other} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )


def room(connection: Connection[Any]) -> int:
    """How many more connections the server, the database and the role allow us at this moment."""
    row = connection.execute(queries("database/session")["room"]).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def server_errors(*, asking: bool = False) -> Iterator[None]:
    """Errors of the server as errors of ours, with what to do: of a command that loads, or one that is only `asking`.

    Raises:
        SparkifyError: what the server said, without the statement: that may hold rows of the input.
    """
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0]
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        table = f" (table {error.diag.schema_name}.{error.diag.table_name})" if error.diag.table_name else ""
        raise SparkifyError(
            f"PostgreSQL: {said}{table}.{hint} {advice(error, asking=asking)}".rstrip()
        ) from error


def database_is_missing(dsn: str) -> bool:
    """Whether the server answers and has no such database; what a refused connection says of it is translated text."""
    try:
        with connect(make_conninfo(dsn, dbname=MAINTENANCE)) as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [database_name(dsn)]
            ).fetchone()
            return row is None
    except ConnectionFailed:
        return False


def database_name(dsn: str) -> str:
    """The database that a connection string names, or that libpq would take."""
    return str(conninfo_to_dict(dsn).get("dbname") or os.environ.get("PGDATABASE") or DATABASE)


def create_database(dsn: str) -> None:
    """Create the database that `dsn` names, from template0, in UTF-8.

    Raises:
        ConnectionFailed: the role may not, or the maintenance database cannot be reached.
    """
    name = database_name(dsn)
    with connect(make_conninfo(dsn, dbname=MAINTENANCE)) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        try:
            try:
                connection.execute(create)
            except psycopg.errors.InvalidParameterValue:  # the server's locale is of another encoding
                connection.execute(create + sql.SQL(" LC_COLLATE 'C' LC_CTYPE 'C'"))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another program was faster
        except psycopg.errors.InsufficientPrivilege:
            raise ConnectionFailed(
                f"There is no database {name}, and this role may not create it."
                f" Have it created (CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0), or name another."
            ) from None
