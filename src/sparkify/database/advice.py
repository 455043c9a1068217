"""Advice for errors of the server, by PostgreSQL's code for what went wrong (SQLSTATE)."""

import re
from typing import Final

import psycopg

from sparkify.errors import lacks_memory

_READ_ONLY: Final = (
    "The server is a standby, or the role or the database has default_transaction_read_only."
    " Name the primary server and a role that may write."
)
_POLICY: Final = (
    "Row level security would hide rows, and every count would be wrong."
    " Turn it off: ALTER TABLE … DISABLE ROW LEVEL SECURITY (sparkify check names the tables)."
)
_NOT_AS_MADE: Final = "Something in the warehouse is missing or was changed: sparkify check names it."
_THE_SAME: Final = (
    "Trying again would fail the same way: sparkify check tells whether the warehouse is sound."
)
_ROOM: Final = (
    "Close some connections, or allow more: max_connections, or the CONNECTION LIMIT of the role or database."
)
_REFERRED_TO: Final = (
    "If that table is yours, delete its rows first, or give its foreign key ON DELETE CASCADE."
    " If it is ours, sparkify check tells what is not sound."
)
_PUBLISHED: Final = (
    "A publication includes this table, which has no primary key, or filters its rows. Drop it, or let it"
    " name tables of the star without WHERE, and run the command again."
)
_POOL: Final = (
    "The pooler has no connection left: raise its limits (pool_size, max_client_conn), or use fewer workers."
)
_LOG: Final = "The server's disk or files have a fault; its log says more. Repair that first."

# The longest prefix of an error's code counts.
_BY_CODE: Final = {
    "22": _THE_SAME,
    "23": _THE_SAME,
    "23503": _REFERRED_TO,
    "25006": _READ_ONLY,
    "28": "Check the user and the password.",
    "42501": "Use a role that may; sparkify db roles makes one.",
    "42P01": _NOT_AS_MADE,
    "42703": _NOT_AS_MADE,
    "42883": _NOT_AS_MADE,
    "3F000": _NOT_AS_MADE,
    "53100": "Free space on the server's disk first.",
    "53200": "Give the server more memory, or use fewer workers.",
    "53300": _ROOM,
    "53400": "Raise that limit.",
    "57014": "Somebody cancelled it.",
    "58": _LOG,
    "XX001": _LOG,
    "XX002": _LOG,
}
_CUT_OFF: Final = (
    "It was cancelled, or it exceeded a limit on time, such as the statement_timeout of the role, the"
    " database or the DSN. Ask for less, such as fewer days, or allow more time."
)

_CUT_OFF_BY: Final = ("57014", "25P03", "25P04", "57P05")
"""Codes of a question that was cancelled, or whose session or transaction exceeded a limit on time."""

_PASSES: Final = ("08", "25P0", "40", "53", "55", "57")
"""Codes of errors that pass, perhaps once somebody acts: connection, conflict, resource, lock, shutdown."""

_CONNECTING: Final = {
    "too many clients|too many connections|connection slots|max clients": _ROOM,
    "no more connections allowed": _POOL,  # PgBouncer
    "starting up|shutting down|recovery": "Wait until the server is up.",
    "password|authentication|role .* does not exist": (
        "Check the user and the password: in the DSN, PGPASSWORD or ~/.pgpass."
    ),
    "startup parameter": (
        "The pooler before the server takes no options."
        " Name the server itself, or leave out options and PGOPTIONS."
    ),
    "parameter|permission denied to set": (
        "Correct the setting where it is made:"
        " the DSN's options, PGOPTIONS, another PG* variable, the role or the database."
    ),
}
"""By the English text: libpq has no code for a failed connection."""


def described(error: psycopg.Error) -> str:
    """The error in PostgreSQL's words, without the statement and the rows, which hold personal data."""
    said = error.diag.message_primary or str(error).partition("\n")[0]
    table = f" (table {error.diag.schema_name}.{error.diag.table_name})" if error.diag.table_name else ""
    return f"PostgreSQL: {said}{table}"


def advice(error: psycopg.Error, *, asking: bool) -> str:
    """Say what to do about an error; `asking` means a question, which changes nothing."""
    state = error.sqlstate or _code_of_libpq(error)
    if error.diag.source_function == "check_enable_rls":
        return _POLICY
    if error.diag.source_function == "CheckCmdReplicaIdentity":
        return _PUBLISHED
    if "query_wait_timeout" in str(error):  # PgBouncer
        return _POOL
    if asking and state in _CUT_OFF_BY:
        return _CUT_OFF
    codes = [code for code in _BY_CODE if state.startswith(code)]
    said = [_BY_CODE[max(codes, key=len)]] if codes else []
    passes = state.startswith(_PASSES)
    if asking:
        said += ["Then ask again." if said else "Ask again."] if passes else []
    elif passes:
        said.append("Committed work is kept; run the command again to continue.")
    elif state != "25006":
        said.append("Committed work is kept.")
    return " ".join(said)


def _code_of_libpq(error: psycopg.Error) -> str:
    """The code that fits an error of libpq itself: it lacks memory, or the connection is lost."""
    if lacks_memory(error):
        return "53200"
    return "08000" if isinstance(error, psycopg.OperationalError) else ""


def advice_on_connecting(said: str, *, embedded: bool) -> str:
    """Say what to do about a failed connection, by what libpq `said`; `embedded`: to our own server."""
    if lacks_memory(said):
        return _BY_CODE["53200"]
    for pattern, what in _CONNECTING.items():
        if re.search(pattern, said):
            return what
    if embedded and re.search(
        "No such file|refused|closed the connection|reset by peer|timeout expired|Is the server running", said
    ):
        return "Start the embedded server: sparkify db start"
    return "Check --dsn, SPARKIFY_DSN or the PG* variables."
