"""Shared by the commands: parsers, options that several commands take, and exit codes."""

import argparse
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final, Never

from sparkify.errors import UsageError
from sparkify.server.names import refuse_long

if TYPE_CHECKING:
    from sparkify.analytics import Selection

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
HELD: Final = 3
INTERRUPTED: Final = 130

Options = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong with the arguments."""

    def error(self, message: str) -> Never:
        """Raise the message as a `UsageError`."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The value of an option. Older Pythons drop the -- of --option=--, and check nothing."""
        value = super()._get_values(action, arg_strings)
        if value == [] and action.option_strings and action.nargs is None:
            self.error(f"argument {'/'.join(action.option_strings)}: expected one argument")
        return value


def add_command(
    commands: Any, name: str, run: Callable[[Options], int], text: str
) -> argparse.ArgumentParser:
    """Add a command. `run` takes the parsed options and returns the exit code; `text` is its help."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=_sentence(text))
    parser.set_defaults(command=run)
    return parser


def add_group(commands: Any, name: str, text: str) -> Any:
    """Add a command that only has subcommands, and return what they are added to."""
    group = commands.add_parser(name, help=text, description=_sentence(text))
    return group.add_subparsers(required=True, metavar="ACTION", dest="action")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def add_option_or_variable(parser: argparse.ArgumentParser, option: str, variable: str, text: str) -> None:
    """Add an option that defaults to an environment variable; the help names the variable."""
    parser.add_argument(
        option,
        type=not_empty,
        default=os.environ.get(variable, "").strip() or None,
        help=f"{text} [env: {variable}]",
    )


def add_dsn(parser: argparse.ArgumentParser) -> None:
    """Let the user choose the PostgreSQL server."""
    add_option_or_variable(
        parser, "--dsn", "SPARKIFY_DSN",
        "PostgreSQL to use: a URL or connection string (default: PGHOST and so on, else the embedded server)",
    )  # fmt: skip


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the user ask for JSON."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_json_or_csv(parser: argparse.ArgumentParser) -> None:
    """Let the user ask for JSON or CSV."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--json", action="store_true", help="print one JSON document")
    either.add_argument("--csv", action="store_true", help="print CSV with a header")


def add_limit(parser: argparse.ArgumentParser, default: int) -> None:
    """Let the user choose how many rows are shown."""
    parser.add_argument(
        "--limit", type=positive, default=default, metavar="N", help=f"rows to show (default: {default})"
    )


def add_days_and_level(parser: argparse.ArgumentParser) -> None:
    """Let the user choose which days to count, and which level."""
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="first day to count")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="last day to count")
    parser.add_argument("--level", choices=["free", "paid"], help="count only what is done on this level")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Let the user choose which plays to count."""
    add_days_and_level(parser)
    parser.add_argument(
        "--location", type=named, metavar="PLACE", help="count only plays at this place (see `top locations`)"
    )
    add_option_or_variable(
        parser, "--tz", "SPARKIFY_TZ",
        "time zone of days and hours, like America/New_York (default: UTC)",
    )  # fmt: skip


def chosen_selection(options: Options) -> "Selection":
    """The plays that the user chose.

    Raises:
        UsageError: the first day is after the last.
    """
    from sparkify.analytics import UTC, Selection

    if options.since and options.until and options.since > options.until:
        raise UsageError(f"The first day, {options.since}, is after the last, {options.until}.")
    location, zone = getattr(options, "location", None), getattr(options, "tz", None)
    return Selection(options.since, options.until, options.level, location, zone or UTC)


def positive(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def user_id(text: str) -> int:
    """Parse a user id: a whole number within 64 bits, as the warehouse stores it."""
    if (
        not text.removeprefix("-").isdecimal()
        or not text.isascii()
        or not -(2**63) <= int(text[:400]) < 2**63
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is not a user id, a whole number")
    return int(text)


def port(text: str) -> int:
    """Parse a TCP port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def not_empty(text: str) -> str:
    """Accept text that is not empty: an empty one is probably a variable that a script has not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the value is empty: perhaps a variable is not set")
    return text


def utf8(text: str) -> str:
    """Accept text that is valid UTF-8: the warehouse holds no other, so nothing else could match."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def named(text: str) -> str:
    """Accept a name that the warehouse may have."""
    return utf8(not_empty(text))


def identifier(text: str) -> str:
    """Accept the name of a database or a role."""
    refuse_long(named(text))
    return text


def day(text: str) -> date:
    """Parse a day like 2018-11-30."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2018-11-30") from None
