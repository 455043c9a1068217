"""The judge: the one strict definition of a valid line.

Whether a line is accepted, with which values, or for which reason it is rejected, is decided here and only here; the
rules are those of docs/rules.md. The fast path of `sparkify.transform` may accept a line only where the judge would,
with the same values. The judge sees nothing but the line: its neighbours cannot matter.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, NamedTuple, Never, TypeVar

MAX_LINE_BYTES: Final = 64 << 20
"""A longer line is rejected unread: the memory that one line can cost is bounded."""

MAX_DEPTH: Final = 100
"""Deeper nesting is not taken for JSON. Python's own limit counts the callers too: it would be another in a thread."""

MAX_TOKENS: Final = 1_000_000
"""A line with more strings, commas and brackets is not taken for JSON: a byte or two of each cost a hundred in memory."""

MAX_ID_BYTES: Final = 1000
"""A longer song_id or artist_id is rejected: PostgreSQL's indexes hold rows of up to 2.7 kB, and one has both."""

BOM: Final = b"\xef\xbb\xbf"
INT64_MAX: Final = 2**63 - 1

T = TypeVar("T")

_KINDS = {str: "a string", bool: "a boolean", dict: "an object", list: "an array"}


class Play(NamedTuple):
    """A valid line with page NextSong: what the warehouse keeps of it. `ts` is in milliseconds since 1970, UTC."""

    user_id: int
    session_id: int
    item_in_session: int
    ts: int
    level: str
    song: str
    artist: str
    length: float
    first_name: str | None
    last_name: str | None
    gender: str | None
    location: str | None
    user_agent: str | None


class CatalogueRecord(NamedTuple):
    """A valid record of a song file, `year` 0 and empty location already None."""

    song_id: str
    title: str
    artist_id: str
    artist_name: str
    artist_location: str | None
    artist_latitude: float | None
    artist_longitude: float | None
    year: int | None
    duration: float


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line is set aside: the first reason that applies, and what exactly was wrong."""

    reason: str
    detail: str


BLANK: Final = "blank"
OTHER_PAGE: Final = "other page"


def too_long(size: int) -> Reject:
    """The reject of a line of so many bytes."""
    return Reject("line_too_long", f"{size:,} bytes; a line may have {MAX_LINE_BYTES:,}")


class _Rejected(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reject = Reject(reason, detail)


def strip(line: bytes) -> bytes:
    """The line without one trailing CR and without a leading byte order mark."""
    return line.removesuffix(b"\r").removeprefix(BOM)


def judge_event(line: bytes, ts_range: tuple[int, int]) -> Play | Reject | str:
    """Decide on one line of a log file: a `Play`, a `Reject`, `BLANK` or `OTHER_PAGE`.

    `ts_range` is the accepted range of event times in milliseconds, its end excluded.
    """
    line = strip(line)
    if not line.strip():
        return BLANK
    try:
        event = _decode_object(line)
        page = _text(event, "page")
        if page != "NextSong":
            return OTHER_PAGE
        return Play(
            user_id=_user_id(event),
            session_id=_integer(event, "sessionId"),
            item_in_session=_integer(event, "itemInSession"),
            ts=_within(_integer(event, "ts"), "ts", ts_range),
            level=_text(event, "level"),
            song=_not_empty(_text(event, "song"), "song"),
            artist=_text(event, "artist"),
            length=_seconds(event, "length"),
            first_name=_optional(event, "firstName", _text),
            last_name=_optional(event, "lastName", _text),
            gender=_optional(event, "gender", _text),
            location=_optional(event, "location", _text) or None,
            user_agent=_optional(event, "userAgent", _text),
        )
    except _Rejected as rejected:
        return rejected.reject


def judge_song(record: bytes) -> CatalogueRecord | Reject | str:
    """Decide on one record of a song file: a `CatalogueRecord`, a `Reject` or `BLANK`.

    A title or artist's name that is a whole number is taken as its digits: programs that guess types write "1999" so.
    """
    record = strip(record)
    if not record.strip():
        return BLANK
    try:
        song = _decode_object(record)
        return CatalogueRecord(
            song_id=_identifier(song, "song_id"),
            title=_text_or_digits(song, "title"),
            artist_id=_identifier(song, "artist_id"),
            artist_name=_text_or_digits(song, "artist_name"),
            artist_location=_optional(song, "artist_location", _text) or None,
            artist_latitude=_optional(song, "artist_latitude", _finite),
            artist_longitude=_optional(song, "artist_longitude", _finite),
            year=_optional(song, "year", _year) or None,
            duration=_seconds(song, "duration"),
        )
    except _Rejected as rejected:
        return rejected.reject


# --- the line as JSON ---------------------------------------------------------------------------------------------


def unsound(record: bytes) -> Reject | None:
    """Why a record is no JSON object, whatever its fields say; None when it is one."""
    try:
        _decode_object(strip(record))
    except _Rejected as rejected:
        return rejected.reject
    return None


def _constant(token: str) -> Never:
    raise _Rejected("invalid_json", f"{token} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Rejected("duplicate_key", f"the key {_shown(twice)} occurs twice")
    return result


class _Digits(Decimal):
    """A number that is written with digits alone: not -1, 1.0 or 1e3."""


def _number(token: str) -> Decimal | float:
    # Numbers repeat: 60 MB of them as objects of their own would take gigabytes.
    return _short_number(token) if len(token) <= 20 else _any_number(token)


def _any_number(token: str) -> Decimal | float:
    # A double rounds 1541105830796.0000001 to an integer; a Decimal does not. Beyond its exponents a double serves.
    if token.isdigit():
        return _Digits(token)
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


def _decode_object(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Rejected("invalid_utf8", f"byte {error.start + 1} is not UTF-8") from None
    if excess := too_much(line):
        raise _Rejected("invalid_json", excess)
    value = _decode(text)
    if "\\u" in text:
        if any("\x00" in string for string in _strings(value)):
            raise _Rejected("nul_character", "PostgreSQL cannot hold the character \\u0000")
        if any(_LONE_SURROGATE.search(string) for string in _strings(value)):
            raise _Rejected("lone_surrogate", "half of a surrogate pair is not a character")
    if not isinstance(value, dict):
        raise _Rejected("not_an_object", f"a record is a JSON object, this is {_kind(value)}")
    return value


def _decode(text: str) -> Any:
    try:
        try:
            return _decoder.decode(text)
        except _Rejected:
            _syntax.decode(text)  # what is not JSON at all, is that first of all
            raise
    except json.JSONDecodeError as error:
        raise _Rejected("invalid_json", f"character {error.pos + 1}: {error.msg}") from None


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


# --- its fields ---------------------------------------------------------------------------------------------------


def _kind(value: object) -> str:
    return "null" if value is None else _KINDS.get(type(value), "a number")


def _shown(value: object) -> str:
    text = str(value) if isinstance(value, Decimal | float) else json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _required(record: dict[str, Any], name: str) -> Any:
    value = record.get(name)
    if value is None:
        raise _Rejected("missing_field", f"{name} is {'null' if name in record else 'missing'}")
    return value


def _optional(record: dict[str, Any], name: str, field: Callable[[dict[str, Any], str], T]) -> T | None:
    return None if record.get(name) is None else field(record, name)


def _text(record: dict[str, Any], name: str) -> str:
    value = _required(record, name)
    if not isinstance(value, str):
        raise _Rejected("wrong_type", f"{name} is {_kind(value)} where text belongs")
    return value


def _text_or_digits(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return str(value) if isinstance(value, _Digits) else _text(record, name)


def _not_empty(text: str, name: str) -> str:
    if not text:
        raise _Rejected("empty_field", f"{name} is empty")
    return text


def _identifier(record: dict[str, Any], name: str) -> str:
    text = _not_empty(_text(record, name), name)
    if len(text.encode()) > MAX_ID_BYTES:
        raise _Rejected("out_of_range", f"{name} is longer than {MAX_ID_BYTES:,} bytes")
    return text


def _number_of(record: dict[str, Any], name: str) -> Decimal | float:
    value = _required(record, name)
    if not isinstance(value, Decimal | float):
        raise _Rejected("wrong_type", f"{name} is {_kind(value)} where a number belongs")
    return value


def _integer(record: dict[str, Any], name: str) -> int:
    value = _number_of(record, name)
    # adjusted(): where the first digit stands. Asking it first keeps 1e999999999 from becoming a billion digits.
    if isinstance(value, float) or (value and value.adjusted() > 19):
        raise _Rejected("out_of_range", f"{name} {_shown(value)} does not fit 64 bits")
    if value and (value.adjusted() < 0 or value != value.to_integral_value()):
        raise _Rejected("wrong_type", f"{name} {_shown(value)} is not an integer")
    return _within(int(value), name, (-INT64_MAX - 1, INT64_MAX + 1))


def _within(value: int, name: str, bounds: tuple[int, int]) -> int:
    if not bounds[0] <= value < bounds[1]:
        raise _Rejected("out_of_range", f"{name} {value} is not between {bounds[0]} and {bounds[1] - 1}")
    return value


def _user_id(event: dict[str, Any]) -> int:
    value = _required(event, "userId")
    if not isinstance(value, str):
        return _integer(event, "userId")
    if not re.fullmatch("[0-9]+", _not_empty(value, "userId")):
        raise _Rejected("wrong_type", f"userId {_shown(value)} is not a string of digits")
    # Without its zeros: Python refuses to read thousands of digits.
    digits = value.lstrip("0") or "0"
    if len(digits) > 19:
        raise _Rejected("out_of_range", f"userId {_shown(value)} does not fit 64 bits")
    return _within(int(digits), "userId", (0, INT64_MAX + 1))


def _finite(record: dict[str, Any], name: str) -> float:
    number = float(_number_of(record, name))
    if not math.isfinite(number):
        raise _Rejected("out_of_range", f"{name} is beyond what a double can hold")
    return number + 0.0  # -0.0 and 0.0 are one number, and records that differ in it are equal


def _seconds(record: dict[str, Any], name: str) -> float:
    number = _finite(record, name)
    if number <= 0:
        raise _Rejected("out_of_range", f"{name} is {_shown(number)}: a length is above 0")
    return number


def _year(record: dict[str, Any], name: str) -> int:
    return _within(_integer(record, name), name, (0, 10000))
