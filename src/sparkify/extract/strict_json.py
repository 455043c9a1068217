"""Strict JSON: the rules that a record must meet before its fields are judged (docs/rules.md)."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Never

from sparkify.extract.rejects import Reject, Rejected

MAX_DEPTH: Final = 100
"""Deeper nesting is rejected. Python's own recursion limit would vary: it counts the callers, too."""

MAX_TOKENS: Final = 1_000_000
"""A line with more strings, commas and brackets is rejected: each of them takes about a hundred bytes of
memory."""

BOM: Final = b"\xef\xbb\xbf"

_LARGEST_EXPONENT: Final = 10**18 - 1
"""Of a `Decimal`."""


class Digits(Decimal):
    """A number written with digits only, not as -1, 1.0 or 1e3."""


def strip(line: bytes) -> bytes:
    """The line without one trailing CR and without a leading byte order mark."""
    return line.removesuffix(b"\r").removeprefix(BOM)


def decode_object(line: bytes) -> dict[str, Any]:
    """The JSON object in a stripped line. Its numbers are `Decimal`, or an infinite float.

    Raises:
        Rejected: the line is not strict JSON, or not an object.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected("invalid_utf8", f"byte {error.start + 1} is not UTF-8") from None
    if excess := too_much(line):
        raise Rejected("invalid_json", excess)
    value = _decode(text)
    if "\\u" in text:
        if any("\x00" in string for string in _strings(value)):
            raise Rejected("nul_character", "PostgreSQL cannot hold the character \\u0000")
        if any(_LONE_SURROGATE.search(string) for string in _strings(value)):
            raise Rejected("lone_surrogate", "half of a surrogate pair is not a character")
    if not isinstance(value, dict):
        raise Rejected("not_an_object", f"a record is a JSON object, this is {type_of(value)}")
    return value


def unsound(record: bytes) -> Reject | None:
    """Why a record is not a JSON object; None when it is one, whatever its fields hold."""
    try:
        decode_object(strip(record))
    except Rejected as rejected:
        return rejected.reject
    return None


def too_much(line: bytes) -> str:
    """Why a line must not be parsed: it is nested too deeply or has too many parts. Empty when it may be."""
    brackets = line.count(b"[") + line.count(b"{")
    if brackets <= MAX_DEPTH and 2 * brackets + line.count(b",") + line.count(b'"') <= MAX_TOKENS:
        return ""
    depth = 0
    for count, token in enumerate(_TOKEN.finditer(line), 1):
        depth += _STEPS.get(token[0], 0)
        if depth > MAX_DEPTH:
            return f"nested more than {MAX_DEPTH} deep"
        if count > MAX_TOKENS:
            return f"more than {MAX_TOKENS:,} strings, commas and brackets"
    return ""


def type_of(value: object) -> str:
    """The JSON type of a value, as the detail of a reject names it."""
    return "null" if value is None else _TYPES.get(type(value), "a number")


def shown(value: object) -> str:
    """A value as the detail of a reject quotes it, in at most 60 characters."""
    text = str(value) if isinstance(value, Decimal | float) else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


_TYPES: Final = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_STEPS: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Rejected("duplicate_key", f"the key {shown(key)} occurs twice")
            seen.add(key)
    return result


def _constant(token: str) -> Never:
    raise Rejected("invalid_json", f"{token} is not a JSON number")


def _number(token: str) -> Decimal | float:
    # Short numbers repeat, so they are cached: as separate objects, 60 MB of them would take gigabytes.
    return _short_number(token) if len(token) <= 20 else _any_number(token)


def _any_number(token: str) -> Decimal | float:
    # A double would round 1541105830796.0000001 to an integer. It is for numbers that no Decimal can hold.
    if token.isdigit():
        return Digits(token)
    try:
        return Decimal(token)
    except InvalidOperation:  # beyond what a Decimal can hold
        digits, exponent = re.split("[eE]", token)
        is_tiny = exponent.startswith("-") or not Decimal(digits)
        return Decimal(f"{digits}e-{_LARGEST_EXPONENT}") if is_tiny else float(token)


_short_number: Final = lru_cache(1024)(_any_number)
_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number, parse_int=_number
)
_syntax: Final = json.JSONDecoder(parse_constant=_constant, parse_float=len, parse_int=len)


def _decode(text: str) -> Any:
    try:
        try:
            return _decoder.decode(text)
        except Rejected:
            _syntax.decode(text)  # a line that is not JSON at all is rejected for that first
            raise
    except json.JSONDecodeError as error:
        raise Rejected("invalid_json", f"character {error.pos + 1}: {error.msg}") from None


def _strings(value: object) -> Iterator[str]:
    """Every string and key inside a decoded value, without recursion."""
    stack = [value]
    while stack:
        match stack.pop():
            case str() as text:
                yield text
            case dict() as members:
                yield from members
                stack.extend(members.values())
            case list() as items:
                stack.extend(items)
