"""Faults that were found by searching the code for ways to break a load; each of them was real."""

import gc
import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.extract.batches import Batch
from sparkify.extract.find import find_files
from sparkify.extract.plan import make_plan
from sparkify.publish.catalogue import publish_catalogue
from sparkify.publish.months import publish_month
from sparkify.stage.runs import begin_run
from sparkify.stage.stager import Stager
from sparkify.stage.tables import create_months
from tests.support.data import NOVEMBER, lines, play, song, write
from tests.support.warehouse import checksums, one


def _torn(record: dict[str, Any], key: str) -> str:
    text = json.dumps(record)
    return text[: text.rindex(f'"{key}":') + len(f'"{key}":')]


def _settle(root: Path) -> None:
    """Make the files look as if nobody had touched them for a while."""
    for path in root.rglob("*.json"):
        os.utime(path, (time.time() - 100,) * 2)


def _dies(dsn: str, db: Connection[Any], root: Path) -> None:
    """Start a run without a limit, which publishes its songs and one month ahead and then dies."""
    plan = make_plan(db, find_files(root / "song_data", "song") + find_files(root / "log_data", "log"))
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time())
        for batch in plan.batches("song"):
            stager.stage(batch)
        publish_catalogue(db, run_id)
        for batch in plan.batches("log"):
            stager.stage(batch)
        publish_month(db, run_id, date(2018, 11, 1))
        stager.close()


def test_the_last_line_is_torn_behind_its_last_colon(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", *(play(NOVEMBER + at) for at in range(5)), _torn(play(), "userId"))
    write(tmp_path, "song_data/a.json", *(song(f"S{at}") for at in range(5)), _torn(song(), "year"))
    books = etl.run(tmp_path, dsn=dsn).books
    assert (books.lines, books.loaded, books.rejected) == (12, 10, 2)


def test_the_song_of_a_repeated_play_is_matched_whenever_songs_are_published(
    new_dsn: Callable[[], str], tmp_path: Path
) -> None:
    write(tmp_path, "song_data/a.json", *(song(f"S{title}", title=title) for title in ("zz", "aa", "mm")))
    write(tmp_path, "log_data/a.json", *(play(song=title) for title in ("zz", "aa", "mm")))
    before_the_plays, after_them = new_dsn(), new_dsn()
    etl.run(tmp_path, dsn=before_the_plays)
    etl.run(tmp_path, dsn=after_them, max_rejects=10)
    with connect(before_the_plays) as one_way, connect(after_them) as other_way:
        assert checksums(one_way) == checksums(other_way)


def test_a_run_that_has_published_something_is_not_held(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "song_data/a.json", song("S1", title="Aaa wrong"))
    write(tmp_path, "log_data/a.json", play(), "torn{")
    _settle(tmp_path)
    _dies(dsn, db, tmp_path)
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).held_runs == []
    write(tmp_path, "song_data/a.json", song("S1", title="Zzz right"))
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT title FROM songs") == "Zzz right"
    assert one(db, "SELECT loaded FROM etl.files WHERE kind = 'log'") == 1
    assert one(db, "SELECT count(*) FROM analytics.heard_plays JOIN etl.known_files USING (file_id)") == 1


def test_a_run_that_has_published_nothing_is_held(
    db: Connection[Any], dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had a limit and died before its lines were counted; it has read no song."""
    write(tmp_path, "log_data/a.json", play(), "torn{")
    _settle(tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr(etl, "hold", None)
        with pytest.raises(TypeError):
            etl.run(tmp_path, dsn=dsn, max_rejects=0)
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).held_runs == [1]
    assert one(db, "SELECT count(*) FROM songplays") == 0


def test_a_month_for_which_nothing_was_staged_is_no_partition(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    write(tmp_path, "log_data/a.json", play())
    with begin_run(dsn, db) as run_id:  # dies in its first batch
        create_months(db, run_id, [date(2018, 11, 1), date(2018, 12, 1)])
    etl.run(tmp_path, dsn=dsn)
    months = db.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'songplays'::regclass"
    )
    assert months.fetchall() == [("partitions.songplays_2018_11",)]


def test_what_another_run_has_staged_of_an_unreadable_file_stays(
    db: Connection[Any], dsn: str, tmp_path: Path
) -> None:
    file = write(tmp_path, "log_data/f.json", play())
    write(tmp_path, "log_data/g.json", "torn{")
    _settle(tmp_path)
    planned = find_files(tmp_path / "log_data", "log")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=0).status == "held"
    content, status = file.read_bytes(), file.stat()
    file.unlink()
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time())
        assert list(stager.stage(Batch(tuple(planned[:1]))).unreadable) == [str(file)]
        stager.close()
    file.write_bytes(content)
    os.utime(file, ns=(status.st_mtime_ns,) * 2)
    write(tmp_path, "log_data/g.json", play(NOVEMBER + 5))  # the file is fixed: the held run is dropped
    etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 2


def test_names_that_look_alike_are_two_files(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/\\xff.json", play())
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/log_data/\xff.json")).write_bytes(lines(play(NOVEMBER + 2)))
    etl.run(tmp_path, dsn=dsn)
    assert one(db, "SELECT count(*) FROM songplays") == 2


def test_a_server_whose_transactions_are_serializable(db: Connection[Any], dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    etl.run(tmp_path, dsn=dsn + " options='-c default_transaction_isolation=serializable'")
    assert one(db, "SELECT count(*) FROM songplays") == 1


def test_queries_are_not_compiled(dsn: str) -> None:
    """JIT is off even if the connection string asks for it: compiling takes longer than most questions."""
    with connect(make_conninfo(dsn, options="-c jit=on")) as connection:
        assert one(connection, "SHOW jit") == "off"


def test_a_silent_network_does_not_keep_a_run_alive_for_hours(dsn: str) -> None:
    """After a minute of silence both ends give up a connection; on a Unix socket the kernel tells them."""
    wanted = {
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        "tcp_user_timeout": "60000",
    }
    with connect(dsn) as connection:
        assert wanted.items() <= connection.info.get_parameters().items()
        (check,) = connection.execute("SHOW client_connection_check_interval").fetchone() or ("",)
        assert check == "1s"
    with connect(make_conninfo(dsn, keepalives_idle=7)) as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "7"


def test_what_the_calling_program_froze_stays_frozen(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "log_data/a.json", play())
    usual = gc.get_threshold()
    gc.freeze()
    try:
        etl.run(tmp_path, dsn=dsn)
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
    etl.run(tmp_path, dsn=dsn)
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, usual)
