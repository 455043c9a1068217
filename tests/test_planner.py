"""Planner switches hold for the statements that need them, and for no other."""

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection

from sparkify.database.planner import planner, session_settings
from tests.support.warehouse import one


def test_a_switch_holds_during_the_block_only(db: Connection[Any]) -> None:
    with db.transaction():
        with planner(db, enable_nestloop="off", work_mem="3MB"):
            assert one(db, "SHOW enable_nestloop") == "off"
            assert one(db, "SHOW work_mem") == "3MB"
        assert one(db, "SHOW enable_nestloop") == "on"
        assert one(db, "SHOW work_mem") != "3MB"


def test_blocks_can_be_nested(db: Connection[Any]) -> None:
    """The inner block restores what the outer one set, not the session's value."""
    with db.transaction(), planner(db, work_mem="8MB"):
        with planner(db, work_mem="16MB", enable_sort="off"):
            assert one(db, "SHOW work_mem") == "16MB"
        assert (one(db, "SHOW work_mem"), one(db, "SHOW enable_sort")) == ("8MB", "on")


def test_without_a_transaction_the_block_is_one(db: Connection[Any]) -> None:
    """Otherwise SET LOCAL would do nothing but warn."""
    with planner(db, enable_sort="off"):
        assert one(db, "SHOW enable_sort") == "off"
    assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert one(db, "SHOW enable_sort") == "on"


def test_a_failed_statement_leaves_no_switch_behind(db: Connection[Any]) -> None:
    with db.transaction():
        with pytest.raises(psycopg.errors.DivisionByZero), db.transaction(), planner(db, enable_sort="off"):
            db.execute("SELECT 1 / 0")
        assert one(db, "SHOW enable_sort") == "on"
        with pytest.raises(psycopg.errors.DivisionByZero), planner(db, enable_sort="off"), db.transaction():
            db.execute("SELECT 1 / 0")
        assert one(db, "SHOW enable_sort") == "on"
    with pytest.raises(psycopg.errors.DivisionByZero), planner(db, enable_sort="off"):
        db.execute("SELECT 1 / 0")
    assert one(db, "SHOW enable_sort") == "on"


def test_an_error_of_python_leaves_no_switch_behind(db: Connection[Any]) -> None:
    with db.transaction():
        with pytest.raises(KeyError), planner(db, enable_sort="off"):
            raise KeyError
        assert one(db, "SHOW enable_sort") == "on"


def test_with_settings_of_the_session_each_statement_stays_its_own(db: Connection[Any]) -> None:
    with session_settings(db, default_statistics_target="7", enable_sort="off"):
        assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert (one(db, "SHOW default_statistics_target"), one(db, "SHOW enable_sort")) == ("7", "off")
    assert (one(db, "SHOW default_statistics_target"), one(db, "SHOW enable_sort")) == ("100", "on")
    with pytest.raises(psycopg.errors.DivisionByZero), session_settings(db, enable_sort="off"):
        db.execute("SELECT 1 / 0")
    assert one(db, "SHOW enable_sort") == "on"


def test_rows_keep_the_transaction_that_wrote_them(db: Connection[Any]) -> None:
    """Publication knows a chunk by the xmin of its rows: the block must not be a subtransaction."""
    with db.transaction():
        db.execute("CREATE TEMP TABLE made (at integer) ON COMMIT DROP")
        with planner(db, enable_sort="off"):
            db.execute("INSERT INTO made VALUES (1)")
        assert one(db, "SELECT xmin::text = pg_current_xact_id()::text FROM made")


def test_an_unknown_setting_is_an_error(db: Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.UndefinedObject), planner(db, enable_wishes="on"):
        pass


@pytest.mark.parametrize(
    "call",
    [
        "analytics.text_id(title)",
        "analytics.track_id(title, artist)",
        "etl.heard_song_id(title, artist, length)",
        "etl.songplay_id(artist_key, artist_key, artist_key, now())",
        "analytics.milliseconds(length)",
    ],
)
def test_functions_of_the_rules_are_inlined(db: Connection[Any], call: LiteralString) -> None:
    plan = db.execute("EXPLAIN VERBOSE SELECT " + call + " FROM analytics.heard_songs").fetchall()
    assert call.partition("(")[0] not in str(plan)


@pytest.mark.parametrize(
    ("call", "table"),
    [
        ("etl.variant(ROW(p.*)::songplays, gen_random_uuid())", "(SELECT * FROM songplays) p"),
        ("etl.view_variant(ROW(p.*)::analytics.page_views)", "(SELECT * FROM analytics.page_views) p"),
        ("etl.view_variant(p)", "analytics.page_views p"),
    ],
)
def test_functions_of_rows_are_inlined(
    db: Connection[Any], call: LiteralString, table: LiteralString
) -> None:
    plan = db.execute("EXPLAIN VERBOSE SELECT " + call + " FROM " + table).fetchall()
    assert call.partition("(")[0] not in str(plan)
