"""Find the PostgreSQL server of the warehouse and connect to it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from reprlib import repr as short
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.database.advice import advice, advice_on_connecting, described
from sparkify.database.dsn import parse
from sparkify.database.queries import queries
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError
from sparkify.server import ensure_running, is_embedded
from sparkify.server.names import DATABASE, refuse_long

MAINTENANCE: Final = "postgres"
OLDEST_SERVER: Final = 150000

# With any of these, libpq knows a server. PGUSER or ~/.pgpass alone do not name one.
LIBPQ_VARIABLES: Final = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGDATABASE")

# A number, a day or a text that PostgreSQL or psycopg cannot take; psycopg's own errors have no code.
_NOT_TAKEN: Final = (None, "22003", "22008", "22021", "2201W", "2201X", "22P02")

_SILENCE: Final = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""Seconds and milliseconds: after a minute of silence, both ends drop a connection (database/session.sql)."""


def resolve(dsn: str | None = None) -> str:
    """The connection string to use: `dsn`, SPARKIFY_DSN, libpq's variables, or else the embedded server.

    This starts the embedded server if needed. A string that names no database gets ``sparkifydb``.

    Raises:
        UsageError: the connection string is no text, malformed, or empty, or names no possible database.
        ServerError: the embedded server could not be started.
    """
    if dsn is not None and not isinstance(dsn, str):
        raise UsageError(f"`dsn` must be a connection string, not {short(dsn)}.")
    if dsn is not None and not dsn.strip():
        raise UsageError("The connection string is empty: perhaps a variable is not set.")
    dsn = dsn or os.environ.get("SPARKIFY_DSN", "").strip()
    if not dsn and not any(map(os.environ.get, LIBPQ_VARIABLES)):
        dsn = ensure_running()
    given = parse(dsn or "")
    _check_database(given.get("dbname") or os.environ.get("PGDATABASE", ""))
    refuse_long(given.get("user") or os.environ.get("PGUSER", ""))
    names_database = ("dbname" in given or "service" in given) or any(
        map(os.environ.get, ("PGDATABASE", "PGSERVICE"))
    )
    return make_conninfo(**given) if names_database else make_conninfo(**given, dbname=DATABASE)


def _check_database(name: str) -> None:
    if re.search(r"://|password\s*=", name, re.IGNORECASE):
        raise UsageError(
            "The name of the database, in the DSN or PGDATABASE, looks like a connection string. Give that as"
            " --dsn or SPARKIFY_DSN."
        )
    refuse_long(name)


def connect(dsn: str, *, for_questions: bool = False, as_owner: bool = True) -> Connection[Any]:
    """Open a connection in autocommit mode with our settings, as the owner of the warehouse if we may.

    Without `as_owner`, it keeps the role that logs in: the owner may lack its rights in another database.

    It inherits no setting that affects a result, or whether a load ends, from the role, the database, the DSN
    or the environment (database/session.sql). Table names are found in ``public``, times are in UTC. A
    connection `for_questions` keeps limits on time such as a ``statement_timeout``.

    Raises:
        ConnectionFailed: the server cannot be reached, refuses us, or is older than PostgreSQL 15.
        UsageError: the name of its host is malformed.
    """
    try:
        given = conninfo_to_dict(dsn)
        silence = {name: value for name, value in _SILENCE.items() if name not in given}
        settings = make_conninfo(dsn, application_name="sparkify", client_encoding="UTF8", **silence)
        # Behind a pooler, the next transaction may run on a backend that lacks our prepared statements.
        connection: Connection[Any] = psycopg.connect(settings, autocommit=True, prepare_threshold=None)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:  # the latter of libpq's settings
        said = " ".join(str(error).split())
        stop = "" if said.endswith(("?", ".")) else "."
        todo = advice_on_connecting(said, embedded=is_embedded(dsn))
        raise ConnectionFailed(f"Cannot connect to PostgreSQL: {said}{stop} {todo}") from None
    except UnicodeError:  # Python refuses to look it up
        raise UsageError(
            "The host in --dsn, SPARKIFY_DSN or PGHOST cannot be one: it is not UTF-8, or a part between dots"
            " has no character or more than 63."
        ) from None
    try:
        _prepare(connection, for_questions=for_questions, as_owner=as_owner)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: Connection[Any], *, for_questions: bool, as_owner: bool) -> None:
    if connection.info.server_version < OLDEST_SERVER:
        version = connection.info.server_version // 10000
        raise ConnectionFailed(f"The server is PostgreSQL {version}; 15 or newer is needed.")
    session = queries("database/session")
    statements = [session["pin"]] if for_questions else [session["pin_work"], session["pin"]]
    if as_owner:
        statements.append(session["act_as_owner"])
    connection.execute(";".join([*statements, session["find_star"]]))  # one round trip


def refuse_encoding(connection: Connection[Any]) -> None:
    """Refuse a database that cannot store every text.

    Raises:
        UsageError: its encoding is not UTF-8.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        name = connection.info.dbname
        other = sql.Identifier(f"{name}_utf8").as_string(connection)
        raise UsageError(
            f"The database {name} has the encoding {encoding}, which cannot hold all text; UTF8 is needed."
            " Create another and name it:"
            f" CREATE DATABASE {other} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )


def room(connection: Connection[Any]) -> int:
    """How many more connections the server, the database and the role allow now."""
    row = connection.execute(queries("database/session")["room"]).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def server_errors(*, asking: bool = False) -> Iterator[None]:
    """Turn errors of the server into our own, with advice for a load, or for a question if `asking`.

    Raises:
        SparkifyError: the server's message, without the statement, which may hold rows of the input.
        UsageError: a question was asked with a value that PostgreSQL cannot take.
    """
    try:
        yield
    except UnicodeEncodeError:
        if not asking:
            raise
        raise UsageError("A text of the question is not UTF-8, so no row has it.") from None
    except psycopg.Error as error:
        if asking and isinstance(error, psycopg.DataError) and error.sqlstate in _NOT_TAKEN:
            raise UsageError(f"{described(error)}. Ask with another number, day or text.") from error
        hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
        raise SparkifyError(f"{described(error)}.{hint} {advice(error, asking=asking)}".rstrip()) from error


def database_is_missing(dsn: str) -> bool:
    """Whether the server answers but lacks the database. A refusal's text may be translated."""
    try:
        with connect(make_conninfo(dsn, dbname=MAINTENANCE), as_owner=False) as connection:
            row = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [database_name(dsn)]
            ).fetchone()
            return row is None
    except ConnectionFailed:
        return False


def database_name(dsn: str) -> str:
    """The database that a connection string names, or that libpq would choose."""
    return str(conninfo_to_dict(dsn).get("dbname") or os.environ.get("PGDATABASE") or DATABASE)


def create_database(dsn: str) -> None:
    """Create the database that `dsn` names, from template0, in UTF-8.

    Raises:
        ConnectionFailed: the role may not create it, or the maintenance database cannot be reached.
    """
    name = database_name(dsn)
    with connect(make_conninfo(dsn, dbname=MAINTENANCE), as_owner=False) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(name))
        try:
            try:
                connection.execute(create)
            except psycopg.errors.InvalidParameterValue:  # the server's locale needs another encoding
                connection.execute(create + sql.SQL(" LC_COLLATE 'C' LC_CTYPE 'C'"))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another program was faster
        except psycopg.errors.InsufficientPrivilege:
            raise ConnectionFailed(
                f"There is no database {name}, and this role may not create it."
                f" Have it created ({create.as_string(connection)}),"
                " or name another."
            ) from None
