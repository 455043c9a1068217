"""What the commands have in common: how arguments are declared, exit codes, JSON."""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Never

from sparkify.errors import UsageError

DONE: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
HELD: Final = 3
INTERRUPTED: Final = 130
TERMINATED: Final = 143

Options = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> Never:
        """Raise it as a `UsageError`."""
        raise UsageError(f"{message}; see {self.prog} --help")


def add_command(
    commands: Any, name: str, command: Callable[[Options], int], text: str
) -> argparse.ArgumentParser:
    """Add a command that runs `command`, which gives its exit code; `text` is its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + "."
    )
    parser.set_defaults(command=command)
    return parser


def add_group(commands: Any, name: str, text: str) -> Any:
    """Add a command that has commands of its own, and give the place for them."""
    return commands.add_parser(name, help=text).add_subparsers(required=True, metavar="ACTION", dest="action")


def with_dsn(parser: argparse.ArgumentParser) -> None:
    """Let the server be chosen."""
    parser.add_argument(
        "--dsn",
        help="PostgreSQL to use [SPARKIFY_DSN] (default: the PG* variables, else the embedded server)",
    )


def with_json(parser: argparse.ArgumentParser) -> None:
    """Let the answer be one JSON document."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def with_limit(parser: argparse.ArgumentParser, default: int) -> None:
    """Let the number of rows be chosen."""
    parser.add_argument(
        "--limit", type=positive, default=default, metavar="N", help=f"rows to show (default: {default})"
    )


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def port(text: str) -> int:
    """A port of a machine."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def utf8(given: str) -> str:
    """Text; nothing in the warehouse is like bytes that are not UTF-8."""
    try:
        given.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{given!r} is not UTF-8") from None
    return given


def day(text: str) -> date:
    """A day."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day like 2018-11-30") from None


def with_selection(parser: argparse.ArgumentParser) -> None:
    """Let plays be chosen."""
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="the first day, UTC")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="the last day, UTC")
    parser.add_argument("--level", choices=["free", "paid"], help="only plays on this plan")
    parser.add_argument(
        "--location", type=utf8, metavar="PLACE", help="only plays at this place, as `top locations` shows it"
    )


def with_form(parser: argparse.ArgumentParser) -> None:
    """Let the answer be one JSON document, or CSV."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--csv", action="store_true", help="print CSV with a header")


def print_json(document: Any) -> None:
    """Print one JSON document; times in ISO format, bytes with escapes for what is not UTF-8."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return int(value)

    print(json.dumps(document, default=plain, indent=2))


def print_csv(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as CSV with a header; nothing at all when there are none."""
    if rows:
        writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
