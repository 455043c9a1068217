"""Small handmade input: songs and plays that say exactly what a test needs."""

import json
from pathlib import Path
from typing import Any

NOVEMBER = 1541030400000  # 2018-11-01 00:00 UTC


def play(ts: int = NOVEMBER, **fields: Any) -> dict[str, Any]:
    """A valid event with page NextSong; `fields` replace its fields."""
    return {
        "artist": "Elena", "auth": "Logged In", "firstName": "Lily", "gender": "F", "itemInSession": 0,
        "lastName": "Koch", "length": 269.58322, "level": "paid", "location": "Chicago, IL", "method": "PUT",
        "page": "NextSong", "registration": 1541048010796.0, "sessionId": 818, "song": "Setanta matins",
        "status": 200, "ts": ts, "userAgent": '"Mozilla/5.0"', "userId": "15",
    } | fields  # fmt: skip


def view(ts: int = NOVEMBER, **fields: Any) -> dict[str, Any]:
    """A valid event with page Home; `fields` replace its fields."""
    return play(ts, artist=None, song=None, length=None, page="Home", method="GET") | fields


def song(song_id: str = "SOZCTXZ12AB0182364", **fields: Any) -> dict[str, Any]:
    """A valid record of a song file, by default the song of `play`; `fields` replace its fields."""
    return {
        "num_songs": 1, "artist_id": "AR5KOSW1187FB35FF4", "artist_latitude": 49.80388,
        "artist_longitude": 15.47491,
        "artist_location": "Dubai UAE", "artist_name": "Elena", "song_id": song_id, "title": "Setanta matins",
        "duration": 269.58322, "year": 0,
    } | fields  # fmt: skip


def lines(*records: dict[str, Any] | str) -> bytes:
    """The records as lines of JSON; a text stays as it is."""
    return b"".join((r if isinstance(r, str) else json.dumps(r)).encode() + b"\n" for r in records)


def write(root: Path, name: str, *records: dict[str, Any] | str) -> Path:
    """Write records to a file below `root`, like ``log_data/a.json``."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(*records))
    return path
