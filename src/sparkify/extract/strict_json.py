"""Strict JSON: what a line or a record must be before its fields are looked at. The rules are those of docs/rules.md."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, Never

from sparkify.extract.rejects import Reject, Rejected

MAX_DEPTH: Final = 100
"""Deeper nesting is not taken for JSON. Python's own limit counts the callers too: it would be another in a thread."""

MAX_TOKENS: Final = 1_000_000
"""A line with more strings, commas and brackets is not taken for JSON: a byte or two of each cost a hundred in memory."""

BOM: Final = b"\xef\xbb\xbf"

_KINDS = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}


def strip(line: bytes) -> bytes:
    """The line without one trailing CR and without a leading byte order mark."""
    return line.removesuffix(b"\r").removeprefix(BOM)


def unsound(record: bytes) -> Reject | None:
    """Why a record is no JSON object, whatever its fields say; None when it is one."""
    try:
        decode_object(strip(record))
    except Rejected as rejected:
        return rejected.reject
    return None


def _constant(token: str) -> Never:
    raise Rejected("invalid_json", f"{token} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Rejected("duplicate_key", f"the key {shown(twice)} occurs twice")
    return result


class Digits(Decimal):
    """A number that is written with digits alone: not -1, 1.0 or 1e3."""


def _number(token: str) -> Decimal | float:
    # Numbers repeat: 60 MB of them as objects of their own would take gigabytes.
    return _short_number(token) if len(token) <= 20 else _any_number(token)


def _any_number(token: str) -> Decimal | float:
    # A double rounds 1541105830796.0000001 to an integer; a Decimal does not. Beyond its exponents a double serves.
    if token.isdigit():
        return Digits(token)
    try:
        return Decimal(token)
    except InvalidOperation:
        return float(token)


_short_number = lru_cache(1024)(_any_number)
_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_number, parse_int=_number
)
_syntax = json.JSONDecoder(parse_constant=_constant, parse_float=len, parse_int=len)
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def decode_object(line: bytes) -> dict[str, Any]:
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
        raise Rejected("not_an_object", f"a record is a JSON object, this is {kind(value)}")
    return value


def _decode(text: str) -> Any:
    try:
        try:
            return _decoder.decode(text)
        except Rejected:
            _syntax.decode(text)  # what is not JSON at all, is that first of all
            raise
    except json.JSONDecodeError as error:
        raise Rejected("invalid_json", f"character {error.pos + 1}: {error.msg}") from None


def too_much(line: bytes) -> str:
    """Why a line is not to be parsed at all: it is nested too deeply, or has too many parts; empty when it may be."""
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


def kind(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), "a number")


def shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal | float) else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
