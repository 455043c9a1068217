"""``sparkify db``: the embedded PostgreSQL, and the roles of any."""

import os
import sys
from typing import Any

from sparkify.commands.arguments import DONE, FAILED, Options, add_command, add_group, port, with_dsn
from sparkify.errors import UsageError
from sparkify.server.names import DATABASE


def add(commands: Any) -> None:
    """Declare them."""
    actions = add_group(commands, "db", "the embedded PostgreSQL")
    for name, text in (
        ("start", "start it"),
        ("stop", "stop it"),
        ("status", "say whether it runs"),
        ("url", "print a URL to connect with"),
        ("psql", "open psql"),
    ):
        action = add_command(actions, name, _db, text)
        if name == "start":
            action.add_argument(
                "--port",
                type=_port,
                metavar="N|off",
                help="also listen on this port of 127.0.0.1, for tools that read with a password; remembered until --port off",
            )
        elif name == "url":
            action.add_argument(
                "database",
                nargs="?",
                metavar="DATABASE",
                default=DATABASE,
                help=f"which one (default: {DATABASE})",
            )
            action.add_argument(
                "--jdbc",
                action="store_true",
                help="print the JDBC URL, with the port and the password of a login that only reads",
            )
        elif name == "psql":
            action.add_argument("arguments", nargs="*", help="given to psql; options after --")
    roles = add_command(
        actions, "roles", _roles, "make the roles sparkify_reader and sparkify_loader, and logins for them"
    )
    login = roles.add_mutually_exclusive_group()
    login.add_argument(
        "--reader",
        metavar="NAME",
        help="a login that may read; its password is asked for, or in SPARKIFY_PASSWORD",
    )
    login.add_argument("--loader", metavar="NAME", help="a login that may load")
    with_dsn(roles)


def _port(text: str) -> int:
    return 0 if text == "off" else port(text)


def _db(options: Options) -> int:
    from sparkify.server import Server  # noqa: PLC0415

    server = Server()
    if options.action == "stop":
        server.stop()
        print("The server is down.", file=sys.stderr)
        return DONE
    if options.action == "status":
        status = server.status()
        state = "running" if status.running else "not running"
        listens = f", port {status.port}" if status.port else ""
        print(f"{state}, home {status.home}, log {status.log}{listens}")
        return DONE if status.running else FAILED
    if options.action == "start" and options.port is not None:
        server.listen(options.port or None)
    server.start()
    if options.action == "url":
        if options.jdbc:
            from sparkify.operations.bi import jdbc_url  # noqa: PLC0415

            print(jdbc_url(server, options.database))
        else:
            print(server.url(options.database))
    elif options.action == "psql":
        os.execv(server.psql_path, ["psql", server.url(), *options.arguments])  # noqa: S606
    else:
        print(f"The server is running. Connect with: psql '{server.url()}'", file=sys.stderr)
        if chosen := server.status().port:
            print(f"It listens on port {chosen} of this machine: sparkify db url --jdbc", file=sys.stderr)
    return DONE


def _roles(options: Options) -> int:
    from sparkify.operations.roles import create_roles  # noqa: PLC0415
    from sparkify.server.names import (  # noqa: PLC0415
        LOADER,
        READER,
    )

    name, group = (options.reader, READER) if options.reader else (options.loader, LOADER)
    create_roles(options.dsn, login=(name, group, _password(name)) if name else None)
    print(f"The warehouse belongs to {LOADER}, and {READER} may read it.", file=sys.stderr)
    if name:
        print(f"{name} may log in as a member of {group}.", file=sys.stderr)
    return DONE


def _password(name: str) -> str:
    password = os.environ.get("SPARKIFY_PASSWORD", "")
    if not password and sys.stdin.isatty():
        from getpass import getpass  # noqa: PLC0415

        password = getpass(f"Password for {name}: ")
        if password != getpass("Again: "):
            raise UsageError("These were two different passwords.")
    if not password:
        raise UsageError(f"{name} needs a password: set SPARKIFY_PASSWORD, or run this in a terminal.")
    return password
