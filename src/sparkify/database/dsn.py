"""Parse connection strings, or say which part is wrong and what to write instead.

Hosting services and other tools print strings that libpq does not accept. libpq's error message may quote the
string, with a password in it. The messages here show only names of parameters and schemes.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from sparkify.errors import UsageError

_SCHEMES: Final = ("postgresql", "postgres")
_KEYWORDS: Final = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())

_OTHERS: Final = {
    "schema": "Leave it out: the tables are in the schema public.",
    "currentSchema": "Leave it out: the tables are in the schema public.",
    "pgbouncer": "Leave it out, and name the server itself, or its pooler in session mode.",
}
"""Advice on parameters of other tools. The advice on any other unknown parameter is to leave it out."""

_SECOND_AT: Final = "The DSN has a second @. Write each but the one before the host as %40."
_SCHEME: Final = re.compile(r"((?:jdbc:)?[A-Za-z][\w+.-]*)://")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PAIR: Final = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?:\s+|$)")


def parse(dsn: str) -> dict[str, str]:
    """The parts of a connection string, by libpq's names.

    Raises:
        UsageError: libpq does not accept it, or would misread it.
    """
    dsn = dsn.strip()
    if "\0" in dsn:
        raise UsageError("The DSN has a zero byte, at which PostgreSQL would stop reading.")
    if not _is_utf8(dsn.encode(errors="surrogatepass")):
        raise UsageError("The DSN is not UTF-8. Write it again.")
    if scheme := _SCHEME.match(dsn):
        _check_url(scheme[1], dsn[scheme.end() :])
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    except psycopg.ProgrammingError:
        # Do not show the cause: it may quote the string.
        raise UsageError(_what_is_wrong(dsn, is_url=scheme is not None)) from None
    host = given.get("host", "")
    for each in host.split(","):
        if each.startswith("/"):  # the name of a folder may have any of these
            continue
        if "@" in each:
            raise UsageError(_SECOND_AT)
        if re.search(r"[;=]", each):
            raise UsageError("Separate the parts of the DSN by spaces, like host=HOST dbname=DATABASE.")
        if re.search(r"\s", each):
            raise UsageError("The host in the DSN has a space. Separate several by a comma alone.")
    if not all(port.isdecimal() for port in given.get("port", "").split(",") if port):
        raise UsageError(
            "The port in the DSN is not a number. A DSN is written postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    if given.get("replication", "off").lower() not in {"false", "off", "no", "0"}:
        raise UsageError(
            "The DSN has replication: such a connection takes none of our queries. Leave it out."
        )
    if given.get("sslmode") == "no-verify":
        raise UsageError("The DSN has sslmode=no-verify, which is Node's. Write sslmode=require.")
    return given


def _check_url(scheme: str, rest: str) -> None:
    if scheme not in _SCHEMES:
        whose = (
            ", which is JDBC's" if scheme.startswith("jdbc:")
            else ", which is SQLAlchemy's" if scheme.startswith("postgres") and "+" in scheme
            else ""
        )  # fmt: skip
        raise UsageError(
            f"The DSN begins with {scheme}://{whose}. Write postgresql://USER:PASSWORD@HOST/DATABASE."
        )
    login = rest.partition("?")[0].rpartition("@")[0]
    if "@" in login:
        raise UsageError(_SECOND_AT)
    if "/" in login:
        raise UsageError("The DSN has a / before the @. Write the one in the user or the password as %2F.")
    if _PERCENT.search(rest):
        raise UsageError("The DSN has a % that stands for itself, perhaps in the password. Write it as %25.")
    if not _is_utf8(unquote_to_bytes(rest)):
        raise UsageError(
            "The DSN has a % with two digits that are no character of UTF-8, perhaps in the password. If the"
            " % stands for itself, write it as %25."
        )
    if " " in rest:
        raise UsageError("The DSN has a space, perhaps in the password. Write it as %20.")
    if re.search(r":\[your[-_ ]password\]$", login, re.IGNORECASE):
        raise UsageError("The DSN has a placeholder where the password belongs. Write yours there.")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _what_is_wrong(dsn: str, *, is_url: bool) -> str:
    if is_url:
        before, _, query = dsn.partition("?")
        # If it has an @, or the login has none, it may be part of the password.
        names = [] if "@" in query else [pair.partition("=")[0] for pair in query.split("&")]
        if "password" in names:  # what follows may be part of it
            names = names[: names.index("password")]
        if "@" not in before and ":" in before.partition("://")[2]:
            names = [name for name in names if name in _OTHERS]
    else:
        names = list(_names_before_password(dsn))
    for name in names:
        if name not in _KEYWORDS and re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            return f"The DSN has {name}, which PostgreSQL does not know. {_OTHERS.get(name, 'Leave it out.')}"
    return (
        "The DSN is neither a PostgreSQL URL, like postgresql://USER:PASSWORD@HOST/DATABASE,"
        " nor key=value pairs, like host=HOST dbname=DATABASE."
    )


def _names_before_password(dsn: str) -> list[str]:
    """The names of key=value pairs, up to the password: a malformed one may look like more pairs."""
    names, at = [], 0
    while (pair := _PAIR.match(dsn, at)) and pair[1] != "password":
        names.append(pair[1])
        at = pair.end()
    return names
