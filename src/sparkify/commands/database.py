"""``sparkify db``: the embedded PostgreSQL."""

import os
import sys
from typing import Any

from sparkify.commands.arguments import DONE, FAILED, Options, add_command, add_group


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
        if name == "psql":
            action.add_argument("arguments", nargs="*", help="given to psql; options after --")


def _db(options: Options) -> int:
    from sparkify.server import Server  # noqa: PLC0415

    server = Server()
    if options.action == "stop":
        server.stop()
        print("The server is down.", file=sys.stderr)
        return DONE
    if options.action == "status":
        status = server.status()
        print(f"{'running' if status.running else 'not running'}, home {status.home}, log {status.log}")
        return DONE if status.running else FAILED
    server.start()
    if options.action == "url":
        print(server.url())
    elif options.action == "psql":
        os.execv(server.psql_path, ["psql", server.url(), *options.arguments])  # noqa: S606
    else:
        print(f"The server is running. Connect with: psql '{server.url()}'", file=sys.stderr)
    return DONE
