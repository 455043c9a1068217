"""The judge: the one strict definition of a valid line.

It decides whether a line is accepted and with which values, or for which reason it is rejected; docs/rules.md
explains the rules. The compiled core (core/event.c, core/song.c) may accept a line only if the judge would,
with the same values; tests/test_core_reading.py compares them. The judge sees one line at a time, so a
line's neighbours cannot matter.
"""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from sparkify.extract.rejects import Reject, Rejected
from sparkify.extract.strict_json import Digits, decode_object, shown, strip, type_of

MAX_ID_BYTES: Final = 1000
"""A longer song_id or artist_id is rejected: one index has both, and its rows are limited to 2.7 kB."""

INT64_MAX: Final = 2**63 - 1

T = TypeVar("T")


class Play(NamedTuple):
    """The fields kept of a valid line with page NextSong. `ts` is in milliseconds since 1970, UTC.

    The texts from `level` and what `users` shows are in the order of core/columns.h.
    """

    user_id: int
    session_id: int
    item_in_session: int
    ts: int
    song: str
    artist: str
    length: float
    level: str
    location: str | None
    user_agent: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None


class PageView(NamedTuple):
    """The fields kept of a line with another page. `ts` is in milliseconds since 1970, UTC.

    What is missing or odd is None; so is the user of an event while nobody was logged in.
    """

    session_id: int
    item_in_session: int
    ts: int
    user_id: int | None
    level: str | None
    page: str
    auth: str | None
    method: str | None
    status: int | None


class CatalogueRecord(NamedTuple):
    """The fields of a valid record of a song file, as in core/columns.h.

    Year 0 and an empty location are None.
    """

    song_id: str
    title: str
    artist_id: str
    artist_name: str
    artist_location: str | None
    artist_latitude: float | None
    artist_longitude: float | None
    year: int | None
    duration: float


BLANK: Final = "blank"
BARE_PAGE: Final = "bare page"


def judge_event(line: bytes, ts_range: tuple[int, int]) -> Play | PageView | Reject | str:
    """Decide on one line of a log file: a `Play`, a `PageView`, a `Reject`, `BLANK` or `BARE_PAGE`.

    `ts_range` is the accepted range of event times, in milliseconds; its end is excluded. The fields are
    checked in the order in which they stand here, and the first that fails gives the reason.
    """
    line = strip(line)
    if not line.strip():
        return BLANK
    try:
        event = decode_object(line)
        page = _text(event, "page")
        if page != "NextSong":
            return _judge_view(event, page, ts_range)
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
    except Rejected as rejected:
        return rejected.reject


def _judge_view(event: dict[str, Any], page: str, ts_range: tuple[int, int]) -> PageView | str:
    """A page view, or `BARE_PAGE` if the event cannot be identified."""
    try:
        return PageView(
            session_id=_integer(event, "sessionId"),
            item_in_session=_integer(event, "itemInSession"),
            ts=_within(_integer(event, "ts"), "ts", ts_range),
            user_id=_if_valid(_user_id, event),
            level=_if_valid(_text, event, "level"),
            page=page,
            auth=_if_valid(_text, event, "auth"),
            method=_if_valid(_text, event, "method"),
            status=_if_valid(_status, event),
        )
    except Rejected:
        return BARE_PAGE


def judge_song(record: bytes) -> CatalogueRecord | Reject | str:
    """Decide on one record of a song file: a `CatalogueRecord`, a `Reject` or `BLANK`.

    A title or artist's name may be a number of digits only: programs that guess types write "1999" as 1999.
    """
    record = strip(record)
    if not record.strip():
        return BLANK
    try:
        song = decode_object(record)
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
    except Rejected as rejected:
        return rejected.reject


def _required(record: dict[str, Any], name: str) -> Any:
    value = record.get(name)
    if value is None:
        raise Rejected("missing_field", f"{name} is {'null' if name in record else 'missing'}")
    return value


def _optional(record: dict[str, Any], name: str, field: Callable[[dict[str, Any], str], T]) -> T | None:
    return None if record.get(name) is None else field(record, name)


def _if_valid(field: Callable[..., T], *arguments: Any) -> T | None:
    try:
        return field(*arguments)
    except Rejected:
        return None


def _text(record: dict[str, Any], name: str) -> str:
    value = _required(record, name)
    if not isinstance(value, str):
        raise Rejected("wrong_type", f"{name} is {type_of(value)} where text belongs")
    return value


def _text_or_digits(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return str(value) if isinstance(value, Digits) else _text(record, name)


def _not_empty(text: str, name: str) -> str:
    if not text:
        raise Rejected("empty_field", f"{name} is empty")
    return text


def _identifier(record: dict[str, Any], name: str) -> str:
    text = _not_empty(_text(record, name), name)
    if len(text.encode()) > MAX_ID_BYTES:
        raise Rejected("out_of_range", f"{name} is longer than {MAX_ID_BYTES:,} bytes")
    return text


def _number_of(record: dict[str, Any], name: str) -> Decimal | float:
    value = _required(record, name)
    if not isinstance(value, Decimal | float):
        raise Rejected("wrong_type", f"{name} is {type_of(value)} where a number belongs")
    return value


def _integer(record: dict[str, Any], name: str) -> int:
    value = _number_of(record, name)
    # adjusted() is the exponent of the first digit. It keeps 1e999999999 from becoming a billion digits.
    if isinstance(value, float) or (value and value.adjusted() > 19):
        raise Rejected("out_of_range", f"{name} {shown(value)} does not fit 64 bits")
    if value and (value.adjusted() < 0 or value != value.to_integral_value()):
        raise Rejected("wrong_type", f"{name} {shown(value)} is not an integer")
    return _within(int(value), name, (-INT64_MAX - 1, INT64_MAX + 1))


def _within(value: int, name: str, bounds: tuple[int, int]) -> int:
    if not bounds[0] <= value < bounds[1]:
        raise Rejected("out_of_range", f"{name} {value} is not between {bounds[0]} and {bounds[1] - 1}")
    return value


def _user_id(event: dict[str, Any]) -> int:
    value = _required(event, "userId")
    if not isinstance(value, str):
        return _integer(event, "userId")
    if not re.fullmatch("[0-9]+", _not_empty(value, "userId")):
        raise Rejected("wrong_type", f"userId {shown(value)} is not a string of digits")
    # Strip the zeros first: Python refuses to convert thousands of digits.
    digits = value.lstrip("0") or "0"
    if len(digits) > 19:
        raise Rejected("out_of_range", f"userId {shown(value)} does not fit 64 bits")
    return _within(int(digits), "userId", (0, INT64_MAX + 1))


def _status(event: dict[str, Any]) -> int:
    return _within(_integer(event, "status"), "status", (-(2**31), 2**31))


def _finite(record: dict[str, Any], name: str) -> float:
    number = float(_number_of(record, name))
    if not math.isfinite(number):
        raise Rejected("out_of_range", f"{name} is beyond what a double can hold")
    return number + 0.0  # turn -0.0 into 0.0, so that records that differ only in that are equal


def _seconds(record: dict[str, Any], name: str) -> float:
    number = _finite(record, name)
    if number <= 0:
        raise Rejected("out_of_range", f"{name} is {shown(number)}: a length is above 0")
    return number


def _year(record: dict[str, Any], name: str) -> int:
    return _within(_integer(record, name), name, (0, 10000))
