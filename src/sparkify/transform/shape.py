"""The fast path's proof: a regular expression that matches only lines which the judge accepts as JSON objects.

DuckDB parses JSON leniently (trailing commas, NaN, duplicate keys, strings cast to numbers). A line that matches a
shape has none of these: the expression spells out the keys, each once and in this order, and the grammar of every
value. So a match proves what the parser does not check, and what does not match is left to the judge.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

STRING: Final = (
    r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]'
    # every escape but \u0000 and the surrogates: pairs of those are valid but rare, the judge takes them
    r"|u(?:000[1-9a-fA-F]|00[1-9a-fA-F][0-9a-fA-F]|0[1-9a-fA-F][0-9a-fA-F]{2}"
    r"|[1-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))"
    r'[^"\\\x00-\x1f]*)*"'
)
# Short enough that a double, or 64 bits, surely hold it; longer ones are for the judge.
NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?"
INTEGER: Final = r"-?(?:0|[1-9][0-9]{0,16})"
SCALAR: Final = f"(?:{STRING}|{NUMBER}|true|false|null)"

TEXT_FIELDS: Final = ("artist", "firstName", "gender", "lastName", "level", "location", "song", "userAgent")
FIELDS: Final = {
    **dict.fromkeys(TEXT_FIELDS, f"(?:{STRING}|null)"),
    **dict.fromkeys(("itemInSession", "sessionId", "ts"), f"(?:{INTEGER}|null)"),
    "length": f"(?:{NUMBER}|null)",
    "page": STRING,
    "userId": '(?:"[0-9]{0,18}"|[0-9]|[1-9][0-9]{1,16}|null)',
}
EVENT_TYPES: Final = json.dumps(
    {
        **dict.fromkeys(TEXT_FIELDS, "VARCHAR"),
        **dict.fromkeys(("itemInSession", "sessionId", "ts"), "BIGINT"),
        "length": "DOUBLE",
        "page": "VARCHAR",
        "userId": "VARCHAR",
    }
)

NOTHING: Final = r"[^\s\S]"
MOST_SHAPES: Final = 4
# Of bounded length, and at most 100 of them: DuckDB fails on an expression that is too large to compile.
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_ -]{1,100}")


def shape(samples: Iterable[str]) -> str:
    """An expression (RE2) for lines with the same keys in the same order as one of the sample lines."""
    orders: dict[tuple[str, ...], int] = {}
    for sample in samples:
        order = _keys(sample)
        if order:
            orders[order] = orders.get(order, 0) + 1
    common = sorted(orders, key=lambda order: (-orders[order], order))[:MOST_SHAPES]
    return "|".join(rf"\{{{_members(order)}\}}\r?\n" for order in common) or NOTHING


def _members(order: tuple[str, ...]) -> str:
    return ", ?".join(f'"{key}": ?{FIELDS.get(key, SCALAR)}' for key in order)


def _keys(sample: str) -> tuple[str, ...]:
    """The keys of a line, or nothing when no shape can be made for it."""
    try:
        pairs = json.loads(sample, object_pairs_hook=lambda pairs: pairs)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        return ()
    keys = tuple(key for key, _ in pairs)
    usable = len(set(keys)) == len(keys) and len(keys) <= 100 and all(map(_PLAIN_KEY.fullmatch, keys))
    return keys if usable else ()
