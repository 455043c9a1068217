"""Files that are at fault as a whole: no line of them passes, and often what they are instead says what to do."""

import re
import shlex
from collections.abc import Iterable
from typing import Any, Final

_FORMATS: Final = [
    (re.compile(beginning, re.DOTALL), what)
    for beginning, what in (
        (rb"version https://git-lfs\.", "is a pointer of Git LFS, not the data: run `git lfs pull` where it comes from"),
        (rb"(?i)\s*<(!doctype|html|head|body|\?xml)", "is a web page, perhaps an error message: download the file again"),
        (rb"\x1f\x8b", "is compressed by gzip but not named so: rename it to .json.gz"),
        (rb"\x28\xb5\x2f\xfd", "is compressed by Zstandard but not named so: rename it to .json.zst"),
        (rb"BZh[1-9]1AY", "is compressed by bzip2 but not named so: rename it to .json.bz2"),
        (rb"\xfd7zXZ\x00", "is compressed by xz but not named so: rename it to .json.xz"),
        (rb"PK\x03\x04", "is a ZIP archive: unpack it"),
        (rb"\xff\xfe|\xfe\xff|\x00?[^\x00]\x00[^\x00]", "is UTF-16 text: convert it with `iconv -f utf-16 -t utf-8`"),
    )
]  # fmt: skip


def faults(rows: Iterable[tuple[Any, ...]]) -> dict[str, str]:
    """What is wrong with each file of which no line passes: the end of a sentence that begins with its path.

    A row is path, kind, how many lines were rejected, and of the first of them number, reason and beginning. Nothing of a line
    is quoted: reports are kept, and readers see them. Files that are something else come first.
    """
    recognised, others = {}, {}
    for path, kind, rejected, line, reason, beginning in rows:
        what = next((what for pattern, what in _FORMATS if pattern.match(beginning)), None)
        if what:
            recognised[path] = what
        elif reason == "truncated_stream":
            others[path] = "is damaged or cut off, and no whole line is left: copy it again"
        else:
            wanted = "a song record" if kind == "song" else "a log event"
            show = f"with `sparkify rejects show{_chosen(path)}`"
            others[path] = (
                f"has nothing to load: its only line is not {wanted} ({reason}). See it {show}"
                if rejected == 1
                else f"has nothing to load: none of its {rejected:,} lines is {wanted} (line {line:,} is {reason}). See them {show}"
            )
    return recognised | others


def _chosen(path: str) -> str:
    """The option that chooses a file by its name; empty where a name cannot be copied from a message."""
    name = path.rpartition("/")[2]
    return f" --file {shlex.quote(name)}" if name.isprintable() and not name.startswith(("-", "~")) else ""
