"""``sparkify create-tables``."""

from typing import Any

from sparkify.commands.arguments import DONE, Options, add_command, add_dsn
from sparkify.commands.output import note


def add(commands: Any) -> None:
    """Declare the command."""
    create = add_command(
        commands, "create-tables", _create_tables, "create the database and its tables where they are missing"
    )
    create.add_argument("--drop", action="store_true", help="drop the tables first, with all that was loaded")
    add_dsn(create)


def _create_tables(options: Options) -> int:
    from sparkify.create_tables import create_tables

    create_tables(options.dsn, drop=options.drop)
    note("The warehouse is ready, and empty." if options.drop else "The warehouse is ready.")
    return DONE
