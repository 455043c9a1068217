"""The classic loader of this schema, as in tutorials: a few INSERTs and one SELECT for every play.

    python -m benchmarks.tutorial DSN FILE [FILE …]

Pandas reads a file as a whole; then its rows go to the five tables one by one, and a file is one transaction.
Prints how many plays it loaded in how many seconds, of the clock and of the processor, without the start of
the program.
"""

import json
import sys
import time
from typing import Any, Final

import pandas as pd
import psycopg2

_TIME_INSERT: Final = "INSERT INTO time VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
_USER_INSERT: Final = """
INSERT INTO users VALUES (%s, %s, %s, %s, %s) ON CONFLICT (user_id) DO UPDATE SET level = EXCLUDED.level
"""
_SONG_SELECT: Final = """
SELECT s.song_id, s.artist_id FROM songs s JOIN artists a ON s.artist_id = a.artist_id
WHERE s.title = %s AND a.name = %s AND s.duration = %s
"""
_SONGPLAY_INSERT: Final = "INSERT INTO songplays VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"


def load_file(connection: Any, path: str, first_id: int) -> int:
    """Load one log file; returns its number of plays."""
    events = pd.read_json(path, lines=True, convert_dates=False)
    plays = events[events["page"] == "NextSong"]
    cursor = connection.cursor()
    moments = pd.to_datetime(plays["ts"], unit="ms", utc=True)
    for moment in moments:
        cursor.execute(
            _TIME_INSERT,
            (moment, moment.hour, moment.day, moment.week, moment.month, moment.year, moment.weekday()),
        )
    for _, row in plays[["userId", "firstName", "lastName", "gender", "level"]].iterrows():
        cursor.execute(_USER_INSERT, list(row))
    for number, (_, row) in enumerate(plays.iterrows()):
        cursor.execute(_SONG_SELECT, (row.song, row.artist, row.length))
        song_id, artist_id = cursor.fetchone() or (None, None)
        cursor.execute(
            _SONGPLAY_INSERT,
            (first_id + number, moments[row.name], row.userId, row.level, song_id, artist_id, row.sessionId,
             row.location, row.userAgent),
        )  # fmt: skip
    connection.commit()
    return len(plays)


def main() -> None:
    """Load the files that the arguments name."""
    dsn, *paths = sys.argv[1:]
    connection = psycopg2.connect(dsn)
    begun, cpu, plays = time.perf_counter(), time.process_time(), 0
    for path in paths:
        plays += load_file(connection, path, plays)
    cpu = time.process_time() - cpu
    print(json.dumps({"plays": plays, "seconds": time.perf_counter() - begun, "cpu": cpu}))


if __name__ == "__main__":
    main()
