"""How commands print: data on stdout as JSON, CSV or sentences, and messages on stderr."""

import csv
import json
import sys
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sparkify.commands.arguments import Options
from sparkify.errors import OutputFailed


class HasDocument(Protocol):
    """The result of a command that can be printed as one JSON document."""

    def as_dict(self) -> dict[str, Any]:
        """The document."""
        ...


Result = TypeVar("Result", bound=HasDocument)


def print_result(result: Result, show: Callable[[Result], None], *, as_json: bool, done: str) -> None:
    """Print what a command has done, as one JSON document or in words by `show`.

    If stdout cannot be written, `done` is added to the `OutputFailed`: the work itself has succeeded.
    """
    try:
        if as_json:
            print_json(result.as_dict())
        else:
            show(result)
        sys.stdout.flush()
    except OutputFailed as error:
        raise OutputFailed(f"{error} {done}") from error.__cause__


def print_json(document: Any) -> None:
    """Print one JSON document: times in ISO format, bytes as text with escapes where they are not UTF-8."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, bytes):
            return value.decode("utf-8", "backslashreplace")
        return int(value)

    print(json.dumps(document, default=plain, indent=2))


def print_answer(
    options: Options, found: Any, rows: Sequence[dict[str, Any]], show: Callable[[], None]
) -> None:
    """Print an answer as JSON, its `rows` as CSV, or in words by `show`, as the options say."""
    if options.json:
        print_json(found)
    elif options.csv:
        print_csv(rows)
    else:
        show()


def print_csv(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as CSV with a header, also if there is no row."""
    from sparkify.database.reading import column_names

    writer = csv.DictWriter(_Lines(), column_names(rows), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)


class _Lines:
    """Standard output for CSV whose lines end with a line feed.

    Python quotes a carriage return in a text only if lines end with one; unquoted, it would end a row.
    """

    def write(self, line: str) -> None:
        line = line.removesuffix("\r\n")
        print(printable(line, lines=True) if sys.stdout.isatty() else line)  # a terminal would obey controls


def print_sentence(text: str) -> None:
    """Print a sentence on stdout, broken between words at the terminal's width."""
    from rich.console import Console
    from rich.text import Text

    Console().print(Text(text), highlight=False)


def note(message: str) -> None:
    """Print a message on stderr, on one line: commands in it can then be copied from any terminal."""
    print(printable(message), file=sys.stderr)


def note_more(rows: Sequence[Any], limit: int) -> None:
    """Say that there are more rows than the first `limit`, if so. Ask for one more to know."""
    if len(rows) > limit:
        note("There are more. To see them, choose a larger --limit.")


def hours(seconds: int) -> str:
    """Seconds in hours, to a tenth if they are few, like ``0.5 hours``."""
    found = seconds / 3600
    return f"{found:,.{0 if found >= 10 else 1}f} hours"


def by_level(rows: Sequence[dict[str, Any]]) -> str:
    """The plays of each level, like ``free 2, paid 1``; of many levels, the three with most plays by name."""
    most = sorted(rows, key=lambda row: -row["plays"])
    shown = [row for row in rows if row in most[:3]]
    found = [f"{printable(row['level'])[:20] or '(empty)'} {row['plays']:,}" for row in shown]
    if others := most[3:]:
        found.append(f"other levels {sum(row['plays'] for row in others):,}")
    return ", ".join(found)


def counted(number: int, noun: str) -> str:
    """The number and its noun, like ``1 file`` and ``2,000 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str, *, lines: bool = False) -> str:
    """The text with control and format characters escaped: it can neither steer a terminal nor fake a line.

    Line feeds are escaped too, unless the text is meant to have several `lines`.
    """
    return "".join(
        char
        if not _steers(char) or (lines and char == "\n")
        else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def _steers(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" or unicodedata.category(char) in {"Zl", "Zp"}


def encodable(text: str) -> str:
    """The text as standard output will show it: with escapes for characters that its encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
