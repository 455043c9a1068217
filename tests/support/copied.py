"""PostgreSQL's binary COPY format: read what the core writes, as Python values, and write what it reads."""

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)

Read = Callable[[bytes], Any]


def integer(data: bytes) -> int:
    assert len(data) in {2, 4, 8}
    return int.from_bytes(data, "big", signed=True)


def double(data: bytes) -> float:
    (value,) = struct.unpack(">d", data)
    return float(value)


def text(data: bytes) -> str:
    return data.decode()


def moment(data: bytes) -> datetime:
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=integer(data))


def day(data: bytes) -> date:
    return date(2000, 1, 1) + timedelta(days=integer(data))


def integers(data: bytes) -> tuple[int, ...]:
    dimensions, has_nulls, type_, count, first = struct.unpack_from(">iiIii", data)
    size = {21: 2, 23: 4, 20: 8}[type_]
    assert (dimensions, has_nulls, first, len(data)) == (1, 0, 1, 20 + count * (4 + size))
    values = [data[at : at + 4 + size] for at in range(20, len(data), 4 + size)]
    assert all(integer(value[:4]) == size for value in values)
    return tuple(integer(value[4:]) for value in values)


COLUMNS: Final[dict[str, list[Read]]] = {
    "songplays": [integer, moment, integer, text, text, text, integer, text, text],
    "heard_plays": [moment, integer, bytes, integer, integer, integer],
    "time": [moment, *[integer] * 6],
    "heard_songs": [bytes, text, text, double, text, text, integer, integer],
    "repeated": [moment, integer, integer],
    "page_views": [moment, *[integer] * 4, *[text] * 4, integer, integer, integer],
    "users": [integer, *[text] * 4, moment, *[integer] * 3, bytes],
    "levels": [integer, day, integer, text, moment, moment],
    "user_days": [integer, day, text, text, integer, integer, integer, *[integers] * 4],
    "user_agents": [integer, text],
    "sessions": [integer, integer, moment, text, moment, integer],
    "catalogue": [integer, integer, *[text] * 5, double, double, integer, double, bytes],
    "wanted": [integer, bytes],
}
"""How to read the columns of each table that the core writes."""


def field(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


def row(*fields: bytes) -> bytes:
    return struct.pack(">h", len(fields)) + b"".join(map(field, fields))


END: Final = struct.pack(">h", -1)


def rows(table: str, data: bytes | None) -> list[tuple[Any, ...]]:
    """The rows for a table, in order; None is no rows."""
    if data is None:
        return []
    assert data.startswith(HEADER)
    at, found = len(HEADER), []
    columns = COLUMNS[table]
    while (count := integer(data[at : at + 2])) != -1:
        at += 2
        assert count == len(columns)
        values = []
        for read in columns:
            size = integer(data[at : at + 4])
            at += 4
            values.append(None if size < 0 else read(data[at : at + size]))
            at += max(size, 0)
        found.append(tuple(values))
    assert at + 2 == len(data)
    return found
