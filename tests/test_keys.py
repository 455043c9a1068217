"""A large catalogue gets its keys last in an empty warehouse that nobody uses, and only there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import etl
from sparkify.create_tables import open_warehouse
from sparkify.database.connection import connect
from sparkify.operations.check import check
from sparkify.publish import catalogue
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import checksums

KEYS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace IN ('public'::regnamespace, 'etl'::regnamespace)
UNION ALL
SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid::regclass::text ~ '^(songs|artists|songplays|etl\\.)'
ORDER BY 1, 2, 3
"""
OLD_KEY = "SELECT 'songs_pkey'::regclass::oid"


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Songs, some of which disagree, and a play; as many count as a large catalogue."""
    monkeypatch.setattr(catalogue, "A_LARGE_CATALOGUE", 4)
    songs = [song(f"S{number}", artist_id=f"A{number % 3}", title=f"t{number}") for number in range(5)]
    write(tmp_path, "song_data/a.json", *songs, song("S1", artist_id="A2", title="earlier", year=1950))
    write(tmp_path, "log_data/a.json", play(song="t4"), play(NOVEMBER + 1, song="earlier"))
    return tmp_path


def keys(db: Connection[Any]) -> list[tuple[Any, ...]]:
    return db.execute(KEYS).fetchall()


def key(db: Connection[Any]) -> Any:
    return db.execute(OLD_KEY).fetchone()


def test_keys_made_last_are_the_same_and_so_are_the_rows(
    dsn: str, new_dsn: Callable[[], str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = new_dsn()
    with open_warehouse(dsn) as db, open_warehouse(usual) as other:
        old = key(db)
        etl.run(data, dsn=dsn)
        assert key(db) != old
        assert [finding for finding in check(dsn) if finding.found] == []
        monkeypatch.setattr(catalogue, "A_LARGE_CATALOGUE", 1000)
        etl.run(data, dsn=usual)
        assert keys(db) == keys(other)
        assert checksums(db) == checksums(other)


OBSTACLES = {
    "a song": "INSERT INTO artists VALUES ('A9', 'x'); INSERT INTO songs VALUES ('S9', 'x', 'A9', NULL, 1)",
    "a reader": "",
    "a view": "CREATE VIEW v AS SELECT song_id, title, count(*) FROM songs GROUP BY song_id",
    "a comment": "COMMENT ON INDEX songs_pkey IS 'mine'",
    "an identity": "ALTER TABLE songs REPLICA IDENTITY USING INDEX songs_pkey",
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_keys_stay_where_somebody_needs_them(
    obstacle: str, dsn: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And then readers need not wait, either."""
    with open_warehouse(dsn) as db, connect(dsn) as other:
        db.execute(OBSTACLES[obstacle])
        old = key(db)
        other.execute("SET lock_timeout = '1s'")
        if obstacle == "a reader":
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM songs")

        def change(self: Any) -> None:
            other.execute("SELECT FROM songs, artists, songplays, etl.song_keys, etl.catalogue_records")
            as_it_is(self)

        as_it_is = catalogue._Catalogue._change  # noqa: SLF001
        monkeypatch.setattr(catalogue._Catalogue, "_change", change)  # noqa: SLF001
        etl.run(data, dsn=dsn)
        assert key(db) == old
        assert db.execute("SELECT count(*) FROM songs WHERE song_id < 'S9'").fetchone() == (5,)
        if obstacle == "a view":
            assert db.execute("SELECT count(*) FROM v").fetchone() == (5,)
