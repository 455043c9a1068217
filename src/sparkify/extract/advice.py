"""Advise on files that cannot be loaded, by the endings of their names or by their first bytes."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from sparkify.extract.compression import COMPRESSIONS
from sparkify.extract.files import READABLE
from sparkify.extract.kinds import KINDS

_ARCHIVE: Final = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|7z|rar|lzma|lz4|z|br|sz|snappy)\b")
_TABLE: Final = re.compile(r"\.(csv|tsv|parquet|pq|orc|avro|arrow|feather|xlsx?|ods|xml|ya?ml|db|sqlite3?)\b")

_SHOWN: Final = 8
"""A message lists at most this many endings; ``--json`` has them all."""

_FORMATS: Final = [
    (re.compile(beginning, re.DOTALL), f"is {what}")
    for beginning, what in (
        (
            rb"version https://git-lfs\.",
            "a pointer of Git LFS, not the data: run `git lfs pull` in its repository",
        ),
        (
            rb"(?i)\s*<(!doctype|html|head|body|\?xml)",
            "a web page, perhaps an error message: download it again",
        ),
        *(
            (
                compression.first_bytes,
                f"compressed by {compression.name} but not named so: rename it to .json.{ending}",
            )
            for ending, compression in COMPRESSIONS.items()
        ),
        (rb"PK\x03\x04", "a ZIP archive: unpack it"),
        (
            rb"\xff\xfe|\xfe\xff|\x00?[^\x00]\x00[^\x00]",
            "UTF-16 text: convert it with `iconv -f utf-16 -t utf-8`",
        ),
    )
]
"""How files in other formats begin, and what to do with them."""


# --- by name ------------------------------------------------------------------------------------------------


def remarks_on_others(folder: str, endings: Counter[str]) -> list[str]:
    """Count a folder's other files by ending, and advise on them."""
    return [f"Not read in {folder}: {_listed(endings)}.", *advice_for(endings)]


def nothing_read(folder: str, endings: Counter[str]) -> str:
    """The error message for a folder in which nothing can be read."""
    if not endings:
        return f"{folder} is empty. Name a folder with {READABLE}."
    advice = advice_for(endings) or ["If they hold JSON, let their names end in .json."]
    return " ".join([f"There are no {READABLE} in {folder}; {_listed(endings)}.", *advice])


def advice_for(endings: Iterable[str]) -> list[str]:
    """Say what to do with archives and tables."""
    archives = sorted(filter(_ARCHIVE.match, endings))
    tables = sorted(filter(_TABLE.match, endings))
    advice = []
    if archives:
        advice.append(f"Archives ({', '.join(archives)}) are not opened: unpack them.")
    if tables:
        advice.append(
            f"Tables ({', '.join(tables)}) are not read:"
            " write them as JSON, one object a line, into a .json file."
        )
    return advice


def _listed(endings: Counter[str]) -> str:
    count = endings.total()
    most = sorted(endings, key=lambda ending: (-endings[ending], ending))
    shown = [f"{endings[ending]:,} {ending}" for ending in most[:_SHOWN]] if len(most) > 1 else most
    if more := sum(endings[ending] for ending in most[_SHOWN:]):
        shown.append(f"{more:,} more")
    return f"{count:,} other file{'' if count == 1 else 's'}: {', '.join(shown)}"


# --- by content ---------------------------------------------------------------------------------------------


def faults(rows: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """Say what is wrong with files in which no line passes; returns, by path, the rest of a sentence that
    begins with the path.

    A row is path, kind and number of rejected lines; then line number, reason and beginning of the first one.
    The text quotes no line, because readers can see the stored reports. Files in other formats come first.
    """
    recognised, others = {}, {}
    for path, kind, rejected, line, reason, beginning in rows:
        if what := next((what for pattern, what in _FORMATS if pattern.match(beginning)), None):
            recognised[path] = what
        elif reason == "truncated_stream":
            others[path] = "is damaged or cut off, and no whole line is left: copy it again"
        elif rejected == 1:
            others[path] = (
                f"has nothing to load: its only line is not {KINDS[kind].record} ({reason})."
                f" See it with `sparkify rejects show{_file_option(path)}`"
            )
        else:
            others[path] = (
                f"has nothing to load: none of its {rejected:,} lines is {KINDS[kind].record}"
                f" (line {line:,} is {reason}). See them with `sparkify rejects show{_file_option(path)}`"
            )
    return recognised | others


def _file_option(path: str) -> str:
    """The option that chooses this file alone; empty if its path cannot be copied from a message."""
    return f" --file {shlex.quote(path)}" if path.isprintable() else ""
