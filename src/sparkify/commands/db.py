"""``sparkify db``: run the embedded PostgreSQL, or create roles on any server."""

import os
import sys
from typing import Any

from sparkify.commands.arguments import (
    DONE,
    FAILED,
    Options,
    add_command,
    add_dsn,
    add_group,
    identifier,
    port,
)
from sparkify.commands.output import note
from sparkify.errors import NoWarehouse, UsageError
from sparkify.server.names import DATABASE, LOADER, READER, SAMPLE_DATABASE


def add(commands: Any) -> None:
    """Declare the command and its actions."""
    actions = add_group(commands, "db", "run the embedded PostgreSQL, or make roles on any")
    start = add_command(actions, "start", _start, "start the embedded server")
    start.add_argument(
        "--port", type=_port, metavar="N|off",
        help="also listen on this port of 127.0.0.1, for tools that log in with a password;"
        " later starts do too, until --port off",
    )  # fmt: skip
    add_command(actions, "stop", _stop, "stop the embedded server, ending all sessions")
    add_command(actions, "status", _status, "say whether the embedded server runs")
    url = add_command(actions, "url", _url, "print the URL to connect with, starting the server if needed")
    url.add_argument(
        "database", nargs="?", type=identifier, metavar="DATABASE", default=DATABASE,
        help=f"database in the URL (default: {DATABASE})",
    )  # fmt: skip
    url.add_argument(
        "--jdbc", action="store_true",
        help="print a JDBC URL, with the port and the password of a read-only login",
    )  # fmt: skip
    psql = add_command(actions, "psql", _psql, "open psql, starting the server if needed")
    psql.add_argument(
        "--database",
        type=identifier,
        metavar="DATABASE",
        default=DATABASE,
        help=f"database to open (default: {DATABASE})",
    )
    psql.add_argument("arguments", nargs="*", help="arguments for psql; put its options after --")
    _add_roles(actions)


def _add_roles(actions: Any) -> None:
    roles = add_command(
        actions, "roles", _roles, f"make the roles {READER} and {LOADER}, and logins for them"
    )
    login = roles.add_mutually_exclusive_group()
    login.add_argument(
        "--reader", type=identifier, metavar="NAME",
        help="make a login that may read; asks for its password [env: SPARKIFY_PASSWORD]",
    )  # fmt: skip
    login.add_argument(
        "--loader",
        type=identifier,
        metavar="NAME",
        help="make a login that may load; password as for --reader",
    )
    add_dsn(roles)


def _port(text: str) -> int:
    return 0 if text == "off" else port(text)


def _start(options: Options) -> int:
    from sparkify.database.reading import refuse_missing
    from sparkify.server import Server

    server = Server()
    if options.port is not None:
        server.listen(options.port or None)
    server.start()
    note(f"The server is running. Connect with: psql '{server.url()}'")
    if chosen := server.status().port:
        note(f"It listens on port {chosen} of this machine; for the URL: sparkify db url --jdbc")
    try:
        refuse_missing(server.url(), to_sample=f"sparkify db psql --database {SAMPLE_DATABASE}")
    except NoWarehouse as nothing:
        note(f"{nothing}")
    return DONE


def _stop(_: Options) -> int:
    from sparkify.server import Server

    Server().stop()
    note("The server is down.")
    return DONE


def _status(_: Options) -> int:
    from sparkify.server import Server

    status = Server().status()
    state = "running" if status.running else "not running"
    listens = f", port {status.port}" if status.port else ""
    print(f"{state}, home {status.home}, log {status.log}{listens}")
    return DONE if status.running else FAILED


def _url(options: Options) -> int:
    from sparkify.server import Server

    server = Server()
    server.start()
    if options.jdbc:
        from sparkify.operations.bi import jdbc_url

        print(jdbc_url(server, options.database))
    else:
        print(server.url(options.database))
    return DONE


def _psql(options: Options) -> int:
    from sparkify.database.reading import refuse_missing
    from sparkify.server import Server

    server = Server()
    server.start()
    url = server.url(options.database)
    refuse_missing(url, to_sample=f"add --database {SAMPLE_DATABASE}")
    os.execv(server.psql_path, ["psql", url, *options.arguments])  # noqa: S606


def _roles(options: Options) -> int:
    from sparkify.operations.roles import create_roles

    name, group = (options.reader, READER) if options.reader else (options.loader, LOADER)
    create_roles(options.dsn, login=(name, group, _password(name)) if name else None)
    note(f"{LOADER} owns the warehouse, and {READER} may read it.")
    if name:
        note(f"{name} may log in as a member of {group}.")
    return DONE


def _password(name: str) -> str:
    password = os.environ.get("SPARKIFY_PASSWORD", "")
    if not password and sys.stdin.isatty():
        from getpass import getpass

        password = getpass(f"Password for {name}: ")
        if password != getpass("Again: "):
            raise UsageError("The two passwords differ.")
    if not password:
        raise UsageError(f"{name} needs a password: set SPARKIFY_PASSWORD, or run this in a terminal.")
    return password
