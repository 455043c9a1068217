"""`sparkify check`: each check finds its kind of damage, and none finds anything in a sound warehouse."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg import Connection, IsolationLevel, sql
from psycopg.conninfo import make_conninfo

from sparkify import analytics, etl
from sparkify.cli import main
from sparkify.database.connection import connect
from sparkify.errors import SparkifyError
from sparkify.extract.batches import Batch
from sparkify.extract.find import find_files
from sparkify.operations.check import check, checks, examine
from sparkify.operations.forget import forget
from sparkify.publish.run import publish_run
from sparkify.stage.runs import begin_run
from sparkify.stage.stager import Stager
from tests.support.data import NOVEMBER, play, song, view, write
from tests.support.warehouse import UNGRANTED_LOCKS, one, wait_until

DAY = 24 * 3600 * 1000
CHECKS = checks()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months, matched and unmatched plays, duplicates, rejects, changes of level."""
    root = tmp_path_factory.mktemp("world")
    plays = [
        play(NOVEMBER + at * DAY, userId=str(at % 3), itemInSession=at, level="paid" if at % 4 else "free")
        for at in range(40)
    ]
    plays += [
        play(NOVEMBER + at, song="Unknown", userId="7", level="free" if at % 2 else "paid") for at in range(5)
    ]
    write(root, "log_data/a.json", *plays, "torn", "torn too")
    write(root, "log_data/b.json", *plays[:9], play(NOVEMBER + 3 * DAY + 1, userId="8"))
    views = [
        play(NOVEMBER + at * DAY, page="Home", userId=user) for at, user in enumerate(["", "7", "", "1"])
    ]
    write(root, "log_data/c.json", *views)
    write(root, "song_data/a.json", song(), song("S2", title="Other", artist_id="A2", artist_name="B"))
    write(root, "song_data/b.json", song(title="Z"), "torn")
    return root


@pytest.fixture(scope="module")
def loaded(world: Path, module_dsn: str) -> Iterator[Connection[Any]]:
    etl.run(world, dsn=module_dsn)
    with connect(module_dsn) as connection:
        yield connection


def found(findings: list[Any]) -> list[str]:
    return [finding.name for finding in findings if finding.found]


# Attaching would check the bounds and the foreign key: a constraint that claims to be valid spares the first,
# and without its key the second is not asked.
UNTRUE_BOUNDS = """
ALTER TABLE songplays DROP CONSTRAINT songplays_time_fkey;
ALTER TABLE {schema}.{table} DETACH PARTITION partitions.{table}_2018_11;
UPDATE partitions.{table}_2018_11 SET start_time = start_time {change}
    WHERE start_time = (SELECT {row}(start_time) FROM partitions.{table}_2018_11);
ALTER TABLE partitions.{table}_2018_11 ADD CONSTRAINT untrue
    CHECK (start_time >= '2018-11-01 00:00+00' AND start_time < '2018-12-01 00:00+00') NOT VALID;
UPDATE pg_constraint SET convalidated = true WHERE conname = 'untrue';
ALTER TABLE {schema}.{table} ATTACH PARTITION partitions.{table}_2018_11
    FOR VALUES FROM ('2018-11-01 00:00+00') TO ('2018-12-01 00:00+00')
"""

DAMAGE = [
    ("tables_there", "DROP VIEW analytics.user_levels CASCADE"),
    ("tables_there", "ALTER TABLE users DROP COLUMN gender"),
    ("columns_ours", "ALTER TABLE songs ADD COLUMN mine text"),
    ("columns_ours", "ALTER TABLE users DROP COLUMN gender; ALTER TABLE users ADD COLUMN gender text"),
    ("rows_visible", "ALTER TABLE analytics.user_days ENABLE ROW LEVEL SECURITY"),
    ("constraints_there", "ALTER TABLE songplays DROP CONSTRAINT songplays_user_fkey"),
    ("constraints_there", "ALTER TABLE etl.manifest DROP CONSTRAINT manifest_books_balance"),
    ("constraints_there", "ALTER TABLE users ALTER level DROP NOT NULL"),
    ("constraints_there", "ALTER TABLE etl.latest_plays DROP CONSTRAINT latest_plays_pkey"),
    ("indexes_valid", "DROP INDEX analytics.heard_plays_song"),
    ("indexes_valid", "DROP INDEX analytics.heard_songs_artist"),
    *(
        ("indexes_valid", f"UPDATE pg_index SET {flag} = false"
                          " WHERE indexrelid = 'etl.manifest_run'::regclass")
        for flag in ("indisvalid", "indisready", "indislive")
    ),
    ("keys_enforced", "ALTER TABLE songs ADD CONSTRAINT short CHECK (duration < 9) NOT VALID"),
    ("keys_enforced", "ALTER TABLE songs DISABLE TRIGGER ALL"),
    ("keys_enforced", "UPDATE pg_trigger SET tgenabled = 'R' WHERE tgrelid = 'songs'::regclass"),
    ("constraints_there", "ALTER TABLE etl.manifest DROP CONSTRAINT manifest_file_id_version_key"),
    ("tables_logged", "ALTER TABLE etl.row_counts SET UNLOGGED"),
    ("tables_logged", "UPDATE pg_class SET relpersistence = 'u' WHERE relname = 'songplays'"),
    ("tables_logged", "UPDATE pg_class SET relpersistence = 'u' WHERE relname = 'runs_run_id_seq'"),
    ("sequences", "ALTER TABLE etl.runs ALTER run_id RESTART"),
    ("sequences", "ALTER TABLE etl.known_files ALTER file_id RESTART"),
    ("sequences", "ALTER TABLE etl.manifest ALTER manifest_id RESTART"),
    ("sequences", "ALTER TABLE etl.known_files ALTER file_id RESTART WITH 2147000000; "
                  "INSERT INTO etl.known_files (kind, path, run_id, first_run_id)"
                  " VALUES ('log', '/x', 1, 1)"),
    ("partitions_complete", "ALTER TABLE analytics.heard_plays DETACH PARTITION"
                            " partitions.heard_plays_2018_12"),
    ("partitions_complete", "ALTER TABLE analytics.artist_months DETACH PARTITION"
                            " partitions.artist_months_2018_12"),
    *(
        ("partition_bounds", UNTRUE_BOUNDS.format(schema=schema, table=table, row=row, change=change))
        for schema, table in (("public", "songplays"), ("public", "time"),
                              ("analytics", "heard_plays"), ("analytics", "page_views"))
        for row, change in (("min", "- interval '1 year'"), ("max", "+ interval '1 year'"))
    ),
    *(
        ("books_balance", "ALTER TABLE etl.manifest DROP CONSTRAINT manifest_books_balance;"
                          f"UPDATE etl.manifest SET {column} = {column} + 1")
        for column in ("lines", "blank", "page_views", "bare_pages", "loaded", "duplicates", "rejected",
                       "forgotten", "dismissed")
    ),
    ("files_have_books", "DELETE FROM etl.manifest WHERE loaded = 9 OR rejected = 2"),
    ("files_have_books", "UPDATE etl.known_files SET run_id = 99"),
    ("files_have_books", "UPDATE etl.manifest SET run_id = 99"),
    ("files_have_books", "INSERT INTO etl.manifest (file_id, version, run_id) VALUES (99, '1-1', 1)"),
    ("files_have_books", "INSERT INTO etl.manifest (file_id, version, run_id) SELECT file_id, '', 1"
                         " FROM etl.known_files"),
    ("books_rejected", "DELETE FROM etl.rejected_records WHERE line = 2"),
    ("books_rejected", "UPDATE etl.rejected_records SET file_id = file_id + 1"),
    ("books_rejected", "INSERT INTO etl.rejected_records VALUES (99, 1, 99, 1, 'invalid_json', '', '', 0)"),
    ("books_loaded", "UPDATE etl.manifest SET loaded = loaded + 1, duplicates = duplicates - 1"
                     " WHERE duplicates > 0"),
    ("books_loaded", "DELETE FROM etl.catalogue_records WHERE song_id = 'S2'"),
    ("books_loaded", "UPDATE etl.manifest m SET loaded = loaded - 1, blank = blank + 1"
                     " FROM etl.known_files f WHERE f.file_id = m.file_id AND kind = 'song'"),
    ("lineage", "UPDATE analytics.heard_plays SET file_id = 99 WHERE line = 3"),
    ("lineage", "UPDATE analytics.page_views SET file_id = 99 WHERE line = 3"),
    ("lineage", "UPDATE etl.catalogue_records SET file_id = file_id + 90"),
    *(
        ("lineage", f"UPDATE {table} SET file_id = f.file_id FROM etl.known_files f WHERE kind = '{other}'"
                    f" AND {where}")
        for table, other, where in (("analytics.heard_plays", "song", "line = 3"),
                                    ("analytics.page_views", "song", "line = 3"),
                                    ("etl.catalogue_records", "log", "song_id = 'S2'"))
    ),
    ("lineage", "UPDATE analytics.heard_plays SET line = 0 WHERE line = 3"),
    ("lineage", "UPDATE analytics.page_views SET line = 0 WHERE line = 3"),
    ("row_counts", "UPDATE etl.row_counts SET row_count = row_count + 1 WHERE table_name = 'matched'"),
    ("row_counts", "DELETE FROM etl.row_counts WHERE table_name = 'time'"),
    ("plays_have_users", "DELETE FROM users WHERE user_id = 1"),
    ("plays_have_users", "INSERT INTO users (user_id, level) VALUES (99, 'free')"),
    ("plays_have_time", "DELETE FROM time WHERE day = 3"),
    ("plays_have_time", "INSERT INTO time VALUES ('2018-11-30 23:00+00', 23, 30, 48, 11, 2018, 4)"),
    *(
        ("time_units", f"UPDATE time SET {unit} = {unit} + 1 WHERE day = 3")
        for unit in ("hour", "day", "week", "month", "year", "weekday")
    ),
    ("time_units", "UPDATE time SET start_time = start_time + interval '1 microsecond' WHERE day = 3"),
    ("songs_have_artists", "DELETE FROM artists WHERE artist_id = 'A2'"),
    ("songs_have_artists", "UPDATE songplays SET artist_id = 'A2' WHERE artist_id IS NOT NULL"),
    *(
        ("songs_have_artists", "ALTER TABLE songplays DROP CONSTRAINT songplays_song_has_artist;"
                               f"UPDATE songplays SET {column} = NULL WHERE user_id = 1")
        for column in ("song_id", "artist_id")
    ),
    ("plays_have_lines", "DELETE FROM analytics.heard_plays WHERE line = 3"),
    ("plays_have_lines", "DELETE FROM songplays WHERE user_id = 1"),
    ("heard_songs", "DELETE FROM analytics.heard_songs WHERE song_id IS NULL"),
    ("heard_songs", "UPDATE analytics.heard_songs SET length = length + 1 WHERE song_id IS NULL"),
    (
        "heard_songs",
        "INSERT INTO analytics.heard_songs (heard_song_id, title, artist, length, track_id, artist_key)"
        " SELECT etl.heard_song_id(t, t, 1), t, t, 1, analytics.track_id(t, t), analytics.text_id(t)"
        " FROM (VALUES ('x')) x (t)",
    ),
    ("heard_songs", "UPDATE analytics.heard_songs SET artist_key = artist_key + 1"),
    ("heard_songs", "UPDATE analytics.heard_songs SET track_id = track_id + 1"),
    ("text_as_read", "UPDATE analytics.heard_songs SET title = 'OÃ¹' WHERE song_id IS NULL"),
    ("text_as_read", "UPDATE analytics.heard_songs SET artist = 'BjÃ¶rk' WHERE song_id IS NULL"),
    ("text_as_read", "UPDATE etl.catalogue_records SET title = 'OÃ¹'"),
    ("text_as_read", "UPDATE etl.catalogue_records SET artist_name = 'BjÃ¶rk'"),
    ("text_as_read", "UPDATE analytics.user_agents SET user_agent = 'Ã©'"),
    ("identities", "UPDATE songplays SET session_id = session_id + 1 WHERE user_id = 7"),
    ("identities", "UPDATE songplays SET songplay_id = -songplay_id WHERE user_id = 7;"
                   "UPDATE analytics.heard_plays SET songplay_id = -songplay_id"),
    ("catalogue_winners", "UPDATE songs SET year = 1999"),
    ("catalogue_winners", "UPDATE artists SET location = NULL"),
    ("catalogue_winners", "DELETE FROM songs WHERE song_id = 'S2'"),
    ("catalogue_winners", "INSERT INTO songs VALUES ('S9', 'Mine', 'A2', NULL, 1)"),
    ("catalogue_winners", "DELETE FROM artists WHERE artist_id = 'A2'"),
    ("catalogue_winners", "INSERT INTO artists VALUES ('A9', 'Mine')"),
    ("song_keys", "DELETE FROM etl.song_keys WHERE song_id = 'S2'"),
    ("song_keys", "UPDATE etl.song_keys SET artist_id = 'A2'"),
    ("song_keys", "UPDATE etl.song_keys SET heard_song_id = gen_random_uuid()"),
    ("song_keys", "INSERT INTO etl.song_keys VALUES (gen_random_uuid(), 'S9', 'A2')"),
    ("matches", "UPDATE analytics.heard_songs SET song_id = NULL, artist_id = NULL"),
    ("matches", "UPDATE analytics.heard_songs SET song_id = 'S2', artist_id = 'A2' WHERE song_id IS NULL;"
                "UPDATE songplays SET song_id = 'S2', artist_id = 'A2' WHERE song_id IS NULL"),
    ("matches", "UPDATE songplays SET song_id = NULL, artist_id = NULL WHERE user_id = 1"),
    *(
        ("matches", ";".join(f"UPDATE {table} SET {column} = 'x' WHERE song_id IS NOT NULL"
                             for table in tables))
        for tables in (["songplays"], ["analytics.heard_songs", "songplays"])
        for column in ("song_id", "artist_id")
    ),
    ("latest_plays", "UPDATE users SET level = 'zero' WHERE user_id = 1"),
    ("latest_plays", "UPDATE etl.latest_plays SET variant = variant || 'x' WHERE user_id = 1"),
    ("latest_plays", "DELETE FROM etl.latest_plays WHERE user_id = 1"),
    ("latest_plays", "INSERT INTO etl.latest_plays VALUES (99, now(), 1, 1, 1, '')"),
    ("latest_plays", "UPDATE etl.latest_plays SET start_time = start_time + interval '1 ms'"),
    *(
        ("latest_plays", f"UPDATE etl.latest_plays SET {column} = {column} + 1 WHERE user_id = 1")
        for column in ("session_id", "item_in_session", "songplay_id")
    ),
    (
        "rollup_user_level_days",
        "UPDATE analytics.user_level_days SET level = 'zero' WHERE user_id = 7 AND stretch_no = 2",
    ),
    ("rollup_user_level_days", "DELETE FROM analytics.user_level_days WHERE user_id = 7 AND stretch_no = 5"),
    (
        "rollup_user_level_days",
        "UPDATE analytics.user_level_days SET last_play = first_play + interval '1 ms'",
    ),
    ("page_view_ids", "UPDATE analytics.page_views SET user_id = NULL WHERE user_id = 7"),
    ("page_view_months", "ALTER TABLE analytics.page_views DETACH PARTITION partitions.page_views_2018_11;"
                         "ALTER TABLE analytics.page_views ATTACH PARTITION partitions.page_views_2018_11"
                         " FOR VALUES FROM ('2018-11-01 00:00+00') TO ('2018-11-30 00:00+00')"),
    ("page_view_months", "CREATE TABLE partitions.mine PARTITION OF analytics.page_views"
                         " FOR VALUES FROM ('2018-09-02 00:00+00') TO ('2018-10-01 00:00+00')"),
    ("page_view_months", "CREATE TABLE partitions.mine PARTITION OF analytics.page_views"
                         " FOR VALUES FROM ('2018-09-02 00:00+00') TO ('2018-10-02 00:00+00')"),
    ("page_view_months", "CREATE TABLE partitions.mine PARTITION OF analytics.page_views DEFAULT"),
    ("page_views_of_forgotten", "INSERT INTO etl.forgotten_sessions"
                                " SELECT etl.session_digest(key, 818) FROM etl.forgotten_key"),
    ("books_page_views", "UPDATE etl.manifest SET page_views = page_views - 1, bare_pages = bare_pages + 1"
                         " WHERE page_views > 0"),
    ("rollup_user_days", "DELETE FROM analytics.user_days WHERE user_id = 7"),
    ("rollup_user_days", "UPDATE analytics.user_days SET tracks[1] = tracks[1] + 1 WHERE user_id = 7"),
    ("rollup_user_days", "UPDATE analytics.user_days SET location = NULL WHERE user_id = 1"),
    ("rollup_user_days", "INSERT INTO analytics.user_days SELECT * FROM analytics.user_days"
                         " WHERE user_id = 7"),
    ("user_agents", "DELETE FROM analytics.user_agents"),
    ("user_agents", "UPDATE analytics.user_agents SET user_agent = ''"),
    ("user_agents", "INSERT INTO analytics.user_agents VALUES (analytics.text_id('mine'), 'mine')"),
    ("rollup_sessions", "UPDATE analytics.sessions SET started_at = started_at + interval '1 ms'"),
    ("rollup_sessions", "DELETE FROM analytics.sessions WHERE user_id = 7"),
    ("rollup_first_days", "UPDATE analytics.first_days SET first_day = first_day + 1 WHERE user_id = 7"),
    ("rollup_user_months", "UPDATE analytics.user_months SET plays = plays + 1 WHERE user_id = 7"),
    ("rollup_track_months", "UPDATE analytics.track_months SET users[1] = 99"),
    ("rollup_track_months", "UPDATE analytics.track_months SET days[1] = 31"),
    ("rollup_artist_months", "DELETE FROM analytics.artist_months WHERE month = '2018-12-01'"),
    ("rollup_day_quarters", "UPDATE analytics.day_quarters SET quarter = 95 - quarter"
                            " WHERE day = '2018-11-03'"),
    ("rollup_first_days", "UPDATE analytics.first_days SET first_quarter = 95 - first_quarter"
                          " WHERE user_id = 7"),
    ("rollup_listeners", "UPDATE analytics.listeners SET new_listeners = 0"
                         " WHERE period = 'week' AND new_listeners > 0"),
    ("rollup_listeners", "UPDATE analytics.listeners SET sessions = sessions + 1"
                         " WHERE period = 'month' AND level IS NULL"),
    ("rollup_lifetimes", "UPDATE analytics.lifetimes SET last_day = last_day + 1 WHERE user_id = 7"),
    ("rollup_lifetimes", "DELETE FROM analytics.lifetimes WHERE user_id = 7"),
    ("rollup_page_days", "UPDATE analytics.page_days SET users = '{8}' WHERE level = 'paid'"),
    ("rollup_page_months", "UPDATE analytics.page_months SET errors = errors + 1"),
    (
        "rollup_subscription_events",
        "INSERT INTO analytics.subscription_events VALUES (7, now(), 'Help', NULL, '2018-11-01')",
    ),
    ("rollup_upgrades", "INSERT INTO analytics.upgrades VALUES (7, '2018-11-01', now())"),
    ("rollup_session_days", "UPDATE analytics.session_days SET last_page = 'Help' WHERE user_id = 7"),
    ("rollup_session_days", "DELETE FROM analytics.session_days WHERE user_id = 7"),
    ("rollup_session_starts", "UPDATE analytics.session_starts SET seconds = seconds + 1"),
    ("rollup_track_feedback_days", "INSERT INTO analytics.track_feedback_days"
                                   " VALUES ('2018-11-01', 'paid', '{1}', '{1}', '{0}', '{0}', '{0}')"),
    ("rollup_track_feedback_months", "INSERT INTO analytics.track_feedback_months VALUES ('2018-11-01',"
                                     " 'paid', '{1}', '{1}', '{0}', '{0}', '{0}', '{1}', '{1}')"),
    ("rollup_user_week_counts", "UPDATE analytics.user_week_counts SET level = 'free' WHERE level = 'paid'"),
    ("rollup_user_week_counts", "UPDATE analytics.user_week_counts SET sessions = 9 WHERE user_id = 7"),
    ("rollup_week_outcomes", "UPDATE analytics.week_outcomes SET weeks = weeks + 1"),
    ("rollup_week_outcomes", "UPDATE analytics.week_outcomes SET help = help + 1"),
    ("staging_left", "CREATE TABLE staging.run1_2018_11_time ()"),
    ("staging_left", "CREATE TABLE staging.run1_2018_11_time (line int) PARTITION BY RANGE (line)"),
    ("staging_left", "INSERT INTO etl.staged_months VALUES (1, '2018-11-01')"),
    ("staging_left", "INSERT INTO etl.staged_slices SELECT 1, '2018-11-01', 1, now(), now(), 1, 1, 1, 1"),
    ("staging_left", "INSERT INTO etl.staged_parts VALUES (1, 1, 0, 1)"),
    ("dead_runs", "INSERT INTO etl.runs DEFAULT VALUES"),
    ("dead_runs", "INSERT INTO etl.runs (state) VALUES ('publishing')"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_a_check_finds_its_damage(loaded: Connection[Any], name: str, damage: str) -> None:
    with loaded.transaction(force_rollback=True):
        loaded.execute("SET LOCAL session_replication_role = replica")  # turns foreign keys off
        for statement in damage.split(";"):
            assert loaded.execute(statement).rowcount != 0  # type: ignore[call-overload]
        ((finding,), _) = examine(loaded, [name])
    assert finding.found > 0
    assert finding.examples


def test_every_check_is_seen_to_fail() -> None:
    assert {name for name, _ in DAMAGE} == set(CHECKS)


def test_a_sound_warehouse_has_no_findings(loaded: Connection[Any], module_dsn: str, capsys: Any) -> None:
    assert found(check(module_dsn)) == []
    assert main(["check", "--dsn", module_dsn, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == "sound"
    assert [entry["name"] for entry in document["checks"]] == list(CHECKS)


def test_what_the_command_says_of_damage(
    dsn: str, db: Connection[Any], world: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    etl.run(world, dsn=dsn)
    db.execute("UPDATE users SET level = E'ze\\x1bro'")
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["check", "--dsn", dsn]) == 1
    out = capsys.readouterr().out
    assert "latest_plays: 5 found" in out
    assert "What to do: " in out
    assert "\x1b" not in out
    table = out.split("\n\n")[0].splitlines()
    assert len(table) == 1 + len(CHECKS)
    assert max(map(len, table)) <= 80
    assert main(["check", "--dsn", dsn, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    (entry,) = [entry for entry in document["checks"] if entry["found"]]
    assert (document["status"], entry["name"], len(entry["examples"])) == ("damaged", "latest_plays", 5)


def test_a_table_that_is_gone(dsn: str, db: Connection[Any], capsys: Any) -> None:
    db.execute("DROP TABLE analytics.heard_plays")
    assert main(["check", "--dsn", dsn]) == 1
    said = capsys.readouterr()
    assert "analytics.heard_plays" in said.out
    assert said.err == ""


@pytest.mark.parametrize("table", ["songs", "artists", "songplays"])
def test_a_column_of_others_is_reported(dsn: str, db: Connection[Any], table: LiteralString) -> None:
    db.execute("ALTER TABLE " + table + " ADD COLUMN mine text")
    assert found(check(dsn)) == ["columns_ours"]


def test_an_empty_database_gets_one_line(server_dsn: str, capsys: Any) -> None:
    assert main(["check", "--dsn", make_conninfo(server_dsn, dbname="postgres")]) == 1
    assert "no warehouse" in capsys.readouterr().err


def test_a_sound_warehouse_after_many_histories(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    """Files that grow, shrink, change and repeat others; late and removed songs; a held and a dead run."""
    (tmp_path / "song_data").mkdir()
    plays = [play(NOVEMBER + at * DAY, itemInSession=at) for at in range(40)]
    better = [event | {"level": "free"} for event in plays[5:15]]
    steps: list[dict[str, list[Any]]] = [
        {"log_data/a.json": plays[:20]},
        {"log_data/a.json": [*plays[10:30], "torn"], "log_data/b.json": plays[:12]},  # new lines, lost lines
        {"log_data/c.json": better, "song_data/a.json": [song()]},  # wins over a and b; late songs
        {"log_data/a.json": plays[28:29], "song_data/a.json": [song("S2", title="Other")]},
        {"log_data/a.json": plays, "log_data/b.json": [], "song_data/a.json": []},
    ]
    for files in steps:
        for name, records in files.items():
            write(tmp_path, name, *records)
        etl.run(tmp_path, dsn=dsn)
        assert found(check(dsn)) == []
    write(tmp_path, "log_data/d.json", *plays[:3], play(NOVEMBER + 90 * DAY), "torn")
    write(tmp_path, "log_data/a.json", *plays, "torn")
    assert etl.run(tmp_path, dsn=dsn, max_rejects=1).status == "held"
    assert found(check(dsn)) == []
    forget([15], dsn=dsn)
    assert found(check(dsn)) == []


def test_a_folder_that_was_taken_for_the_other_kind_and_then_loaded_rightly(dsn: str, tmp_path: Path) -> None:
    """A path has books as a song file and as a log file."""
    for folder in ("a", "b"):
        write(tmp_path, f"{folder}/1.json", "torn")  # could be a log or a song
    etl.run(song_data=tmp_path / "a", log_data=tmp_path / "b", dsn=dsn)
    write(tmp_path, "a/1.json", play(), play(NOVEMBER + 1))
    write(tmp_path, "b/1.json", song())
    etl.run(song_data=tmp_path / "b", log_data=tmp_path / "a", dsn=dsn)
    assert found(check(dsn)) == []


def test_rejects_of_a_path_are_counted_by_kind(dsn: str, tmp_path: Path) -> None:
    write(tmp_path, "a/1.json", "torn", "torn")
    etl.run(song_data=tmp_path / "a", dsn=dsn)
    etl.run(log_data=tmp_path / "a", dsn=dsn)
    assert [(row["reason"], row["lines"]) for row in analytics.rejects(dsn=dsn)] == [("invalid_json", 2)] * 2


def test_months_that_come_while_it_checks_are_no_damage(
    dsn: str, db: Connection[Any], world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month staged before the snapshot and attached after it shows its plays, but nothing else of it."""
    etl.run(world, dsn=dsn)
    write(tmp_path, "log_data/later.json", play(NOVEMBER + 90 * DAY, userId="77"))
    run_check = examine.__globals__["_run"]
    with begin_run(dsn, db) as run_id:
        stager = Stager(dsn, run_id, time.time())
        stager.stage(Batch(tuple(find_files(tmp_path / "log_data", "log"))))
        stager.close()
        seen = []

        def run(cursor: Any, name: str) -> Any:
            if name == "row_counts":
                publish_run(db, dsn, run_id)  # the second time, it is published already
            finding = run_check(cursor, name)
            seen.append((name, finding.found))
            return finding

        monkeypatch.setitem(examine.__globals__, "_run", run)
        assert found(check(dsn)) == []
    assert ("plays_have_users", 1) in seen


@pytest.mark.parametrize("months", [1, 2])
def test_a_check_begins_again_when_a_month_came_and_gives_up_in_the_end(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, months: int
) -> None:
    """Damage is reported as soon as two rounds find it and no month came between them."""
    write(tmp_path, "log_data/0.json", play())
    etl.run(tmp_path, dsn=dsn)
    db.execute("UPDATE etl.row_counts SET row_count = row_count + 1 WHERE table_name = 'songplays'")
    run_check, rounds = examine.__globals__["_run"], 0

    def run(cursor: Any, name: str) -> Any:
        nonlocal rounds
        finding = run_check(cursor, name)
        if name == "row_counts":
            if 1 <= rounds <= months:
                write(tmp_path, f"log_data/{rounds}.json", play(NOVEMBER + 40 * rounds * DAY))
                etl.run(tmp_path, dsn=dsn)
            rounds += 1
        return finding

    monkeypatch.setitem(examine.__globals__, "_run", run)
    monkeypatch.setitem(examine.__globals__, "MOST_ATTEMPTS", 2)
    if months == 1:
        assert found(check(dsn)) == ["row_counts"]
    else:
        with pytest.raises(SparkifyError, match="A load kept adding months to the warehouse"):
            check(dsn)
    assert rounds == 3


def test_definitions_are_computed_as_loads_compute_them(
    loaded: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nested loops: with statistics, one over an array took minutes for a million plays."""
    run_check, seen = examine.__globals__["_run"], []

    def run(cursor: Any, name: str) -> Any:
        seen.extend(cursor.execute("SHOW enable_nestloop").fetchone().values())
        return run_check(cursor, name)

    monkeypatch.setitem(examine.__globals__, "_run", run)
    examine(loaded, ["rollup_track_feedback_days"])
    assert seen == ["off"]


@pytest.mark.parametrize("kind", ["play", "page view"])
def test_a_month_that_comes_is_noticed(dsn: str, tmp_path: Path, kind: str) -> None:
    write(tmp_path, "a/log_data/a.json", play())
    etl.run(tmp_path / "a", dsn=dsn)
    later = play(NOVEMBER + 31 * 86_400_000) if kind == "play" else view(NOVEMBER + 31 * 86_400_000)
    write(tmp_path, "b/log_data/b.json", later)
    with connect(dsn) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        with connection.transaction():
            assert examine(connection, ["tables_there"])[1]
            etl.run(tmp_path / "b", dsn=dsn)
            assert not examine(connection, ["tables_there"])[1]
        assert examine(connection, ["tables_there"])[1]


def test_a_run_at_work_is_no_dead_one(dsn: str, db: Connection[Any], world: Path) -> None:
    etl.run(world, dsn=dsn)
    with begin_run(dsn, db):
        assert found(check(dsn)) == []
    assert found(check(dsn)) == ["dead_runs"]


def test_locks_of_others_do_not_hide_a_dead_run(
    loaded: Connection[Any], maintenance: Connection[Any]
) -> None:
    with loaded.transaction(force_rollback=True):
        run_id = one(loaded, "INSERT INTO etl.runs DEFAULT VALUES RETURNING run_id")
        of_a_run = "SELECT pg_advisory_xact_lock(hashtext('sparkify run'), %s)"
        loaded.execute("SELECT pg_advisory_xact_lock(hashtext('sparkify'), %s)", [run_id])
        loaded.execute(of_a_run, [run_id + 1])
        both = "SELECT pg_advisory_xact_lock(hashtext('sparkify run')::bigint << 32 | %s)"
        loaded.execute(both, [run_id])  # one key of 64 bits
        with maintenance.transaction():  # in another database
            maintenance.execute(of_a_run, [run_id])
            assert found(examine(loaded, ["dead_runs"])[0]) == ["dead_runs"]
        loaded.execute(of_a_run, [run_id])
        assert found(examine(loaded, ["dead_runs"])[0]) == []


def test_a_standby_reports_no_dead_run(loaded: Connection[Any]) -> None:
    """A real one takes seconds to start: this server says that it is one."""
    with loaded.transaction(force_rollback=True):
        loaded.execute("INSERT INTO etl.runs DEFAULT VALUES")
        loaded.execute(
            "CREATE FUNCTION pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true';"
            "SET LOCAL search_path = public, pg_catalog"
        )
        assert found(examine(loaded, ["dead_runs"])[0]) == []


def test_reading_is_all_it_needs(dsn: str, db: Connection[Any], world: Path, server_dsn: str) -> None:
    etl.run(world, dsn=dsn)
    role = f"reader_{one(db, 'SELECT pg_backend_pid()')}"
    db.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    try:
        db.execute(sql.SQL("GRANT USAGE ON SCHEMA analytics, etl TO {}").format(sql.Identifier(role)))
        db.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public, analytics, etl TO {}").format(
                sql.Identifier(role)
            )
        )
        reader = make_conninfo(dsn, options=f"-c role={role}")
        assert found(check(reader)) == []
        db.execute(sql.SQL("REVOKE SELECT ON etl.rejected_records FROM {}").format(sql.Identifier(role)))
        with pytest.raises(SparkifyError, match=r"may not read all.*rejected_records.*role that loads"):
            check(reader)
    finally:
        db.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


def test_a_deadlock_with_create_tables_does_not_end_the_check(
    loaded: Connection[Any], module_dsn: str
) -> None:
    """Whoever changes the schema locks tables that the check reads, in another order."""
    name = one(loaded, "SELECT current_database()")
    loaded.execute(sql.SQL("ALTER DATABASE {} SET deadlock_timeout = '50ms'").format(sql.Identifier(name)))
    with ThreadPoolExecutor(1) as pool:
        with loaded.transaction():
            loaded.execute("SET LOCAL deadlock_timeout = '1min'")  # the check is to find the deadlock
            loaded.execute("LOCK TABLE analytics.week_outcomes")
            checked = pool.submit(check, module_dsn)
            waiting = f"{UNGRANTED_LOCKS} AND relation = 'analytics.week_outcomes'::regclass"
            wait_until(lambda: one(loaded, waiting) > 0)
            loaded.execute("LOCK TABLE users")  # which the check has read
        assert found(checked.result()) == []
    loaded.execute(sql.SQL("ALTER DATABASE {} RESET deadlock_timeout").format(sql.Identifier(name)))
