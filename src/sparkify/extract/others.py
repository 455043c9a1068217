"""Files that are not read: what is said of them, and what to do about them."""

import re
from collections import Counter
from typing import Final

from sparkify.extract.files import READABLE

_PACKED: Final = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|7z|rar|lzma|lz4|z|br|sz|snappy)\b")
_TABLES: Final = re.compile(
    r"\.(csv|tsv|parquet|pq|orc|avro|arrow|feather|xlsx?|ods|xml|ya?ml|db|sqlite3?)\b"
)

_SHOWN: Final = 8
"""So many endings are listed; ``--json`` has them all."""


def remarks(folder: str, others: Counter[str]) -> list[str]:
    """What lies in a folder beside the files that are read, and a line for each sort that needs one."""
    return [f"Not read in {folder}: {_listed(others)}.", *advice(others)]


def nothing_read(folder: str, others: Counter[str]) -> str:
    """What to say of a folder in which nothing can be read."""
    if not others:
        return f"{folder} is empty. Name a folder with {READABLE}."
    then = advice(others) or ["If they hold JSON, let their names end in .json."]
    return " ".join([f"There are no {READABLE} in {folder}; {_listed(others)}.", *then])


def advice(endings: Counter[str]) -> list[str]:
    """What to do about archives, and about tables."""
    archives = sorted(filter(_PACKED.match, endings))
    tables = sorted(filter(_TABLES.match, endings))
    said = []
    if archives:
        said.append(f"Archives ({', '.join(archives)}) are not opened: unpack them.")
    if tables:
        said.append(
            f"Tables ({', '.join(tables)}) are not read: write them as JSON, one object a line, into a .json file."
        )
    return said


def _listed(others: Counter[str]) -> str:
    count = others.total()
    most = sorted(others, key=lambda ending: (-others[ending], ending))
    shown = [f"{others[ending]:,} {ending}" for ending in most[:_SHOWN]] if len(most) > 1 else most
    if more := sum(others[ending] for ending in most[_SHOWN:]):
        shown.append(f"{more:,} more")
    return f"{count:,} other file{'' if count == 1 else 's'}: {', '.join(shown)}"
