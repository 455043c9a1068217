"""Questions that tests ask of a warehouse (its content as checksums, its books), and helpers that wait."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import Connection, sql

from sparkify.database.connection import connect
from sparkify.schema import rollups

CONTENT = {
    "songplays": "SELECT * FROM songplays",
    "users": "SELECT * FROM users",
    "songs": "SELECT * FROM songs",
    "artists": "SELECT * FROM artists",
    "time": "SELECT * FROM time",
    "heard_songs": "SELECT * FROM analytics.heard_songs",
    # If two files have an event, either may count as its source; what was heard may not differ.
    "heard_plays": "SELECT start_time, songplay_id, heard_song_id, item_in_session"
    " FROM analytics.heard_plays",
    "page_views": "SELECT start_time, page_view_id, session_id, item_in_session, user_id, level, page,"
    " auth, method, status FROM analytics.page_views",
    "user_levels": "SELECT * FROM analytics.user_levels",
    "row_counts": "SELECT * FROM etl.row_counts",
}
CONTENT |= {name: f"SELECT * FROM analytics.{name}" for name in rollups.NAMES}

# In this database: tests that run at the same time wait for locks in others of the same server.
UNGRANTED_LOCKS = (
    "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    " WHERE datname = current_database() AND NOT granted"
)
LOCK_WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def checksums(connection: Connection[Any], queries: dict[str, str] = CONTENT) -> dict[str, str]:
    """A checksum of each table that does not depend on the order of its rows."""
    result = {}
    for name, query in queries.items():
        row = connection.execute(
            sql.SQL(
                "SELECT count(*), md5(string_agg(md5(r::text), '' ORDER BY md5(r::text))) FROM ({}) r"
            ).format(
                sql.SQL(query)  # type: ignore[arg-type]
            )
        ).fetchone()
        assert row is not None
        result[name] = f"{row[0]} rows, {row[1]}"
    return result


def content(dsn: str) -> dict[str, str]:
    """The checksums of a database whose books were checked."""
    with connect(dsn) as connection:
        check_books(connection)
        return checksums(connection)


def one(connection: Connection[Any], query: str, *parameters: Any) -> Any:
    """The single value of a query."""
    row = connection.execute(query, parameters or None).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0] if len(row) == 1 else row


def totals(connection: Connection[Any]) -> Any:
    """The books of all files added up, which do not depend on the file that an event counts for."""
    return connection.execute(
        "SELECT kind, sum(lines), sum(blank), sum(page_views), sum(bare_pages), sum(loaded),"
        " sum(duplicates), sum(rejected)"
        " FROM etl.files GROUP BY kind ORDER BY kind"
    ).fetchall()


def check_books(connection: Connection[Any]) -> None:
    """Check that each loaded line is a play of its file, that kept counts are right and staging is empty."""
    assert (
        connection.execute(
            "SELECT path, loaded, count(p.*) FROM etl.files f LEFT JOIN analytics.heard_plays p USING"
            " (file_id)"
            " WHERE kind = 'log' GROUP BY path, loaded HAVING loaded <> count(p.*)"
        ).fetchall()
        == []
    )
    assert one(connection, "SELECT count(*) FROM etl.staged_months") == 0
    assert one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == 0
    for table, rows in connection.execute("SELECT * FROM etl.row_counts WHERE table_name <> 'matched'"):
        assert rows == one(connection, f"SELECT count(*) FROM {table}")
    matched = one(connection, "SELECT row_count FROM etl.row_counts WHERE table_name = 'matched'")
    assert matched == one(connection, "SELECT count(song_id) FROM songplays")
    assert one(connection, "SELECT count(*) FROM songplays") == one(
        connection,
        "SELECT count(*) FROM songplays JOIN analytics.heard_plays USING (start_time, songplay_id)",
    )


@contextmanager
def brief_waits_for_locks() -> Iterator[None]:
    """Let `create_tables` wait for a lock for a tenth of a second instead of two seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparkify.create_tables.LOCK_TIMEOUT", "-900ms")  # deadlock_timeout is a second
        yield


def free_port() -> int:
    """A free TCP port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def wait_until(done: Callable[[], bool]) -> None:
    """Wait until it is done, for a minute at most."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
