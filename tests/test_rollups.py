"""Every rollup is what a computation from the plays gives, after any loads in any order."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from sparkify import analytics, etl
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.extract.lines import CHUNK_BYTES
from sparkify.operations.check import checks, examine
from sparkify.operations.forget import forget
from sparkify.publish import plans
from sparkify.publish.partitions import PARTITIONED
from sparkify.publish.staged import StagedMonth
from sparkify.simulate import simulate
from sparkify.transform.plays import PlayTransform
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import checksums, one

DAY = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def simulated(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection[Any]]:
    """Forty days of simulated listening, loaded."""
    root = tmp_path_factory.mktemp("simulated")
    simulate(root, users=30, songs=50, days=40, seed=1)
    etl.run(root, dsn=module_dsn)
    with connect(module_dsn) as connection:
        yield connection


def differences(connection: Connection[Any]) -> list[Any]:
    """Where the rollups differ from the plays; test_check.py shows that each of these checks finds damage."""
    found, _ = examine(
        connection, [name for name in checks() if name.startswith("rollup_") or name == "user_agents"]
    )
    return [(finding.name, finding.examples) for finding in found if finding.found]


# Every rollup once more, from the plays and as plainly as possible. `check` compares a table with the
# definition that made it, so it cannot find what is wrong with a definition.
HEARD = """
    SELECT user_id, session_id, (start_time AT TIME ZONE 'UTC')::date AS day, start_time, level, location,
           user_agent, title, artist, length
    FROM songplays
    JOIN analytics.heard_plays USING (start_time, songplay_id)
    JOIN analytics.heard_songs USING (heard_song_id)
"""
PLAINLY = {
    "user_months": (
        "user_id, month, level, location, user_agent_id, plays, milliseconds",
        """SELECT user_id, date_trunc('month', day)::date, level, location, analytics.text_id(user_agent),
                  count(*), sum(analytics.milliseconds(length))
           FROM heard GROUP BY 1, 2, 3, 4, 5""",
    ),
    "track_months": (
        "track_id, month, level, plays, users, days",
        """SELECT analytics.track_id(title, artist), date_trunc('month', day)::date, level, count(*)::integer,
                  array_agg(user_id ORDER BY day, user_id),
                  array_agg(extract(day FROM day)::smallint ORDER BY day)
           FROM heard GROUP BY 1, 2, 3""",
    ),
    "artist_months": (
        "artist_key, month, level, plays",
        """SELECT analytics.text_id(artist), date_trunc('month', day)::date, level, count(*)::integer
           FROM heard GROUP BY 1, 2, 3""",
    ),
    "day_quarters": (
        "day, quarter, level, zone, plays, milliseconds",
        """SELECT day, (extract(hour FROM at) * 4 + extract(minute FROM at)::integer / 15)::smallint, level,
                  analytics.zone_of(location), count(*)::integer, sum(analytics.milliseconds(length))
           FROM heard CROSS JOIN LATERAL (SELECT start_time AT TIME ZONE 'UTC' AS at) local
           GROUP BY 1, 2, 3, 4""",
    ),
    "first_days": (
        "user_id, first_day, first_quarter",
        """SELECT user_id, first::date, (extract(epoch FROM first::time) / 900)::integer::smallint
           FROM (SELECT user_id,
                        date_bin('15 minutes', min(start_time AT TIME ZONE 'UTC'), '2000-01-01') AS first
                 FROM heard GROUP BY user_id) firsts""",
    ),
    "listeners": (
        "period, start, level, listeners, new_listeners, plays",
        """SELECT period, date_trunc(period, day)::date, level, count(DISTINCT user_id)::integer,
                  (count(DISTINCT user_id) FILTER (WHERE first_day >= date_trunc(period, day)))::integer,
                  count(*)
           FROM heard
           JOIN (SELECT user_id, min(day) AS first_day FROM heard GROUP BY user_id) firsts USING (user_id)
           CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
           GROUP BY GROUPING SETS ((1, 2, 3), (1, 2))""",
    ),
    "listeners, sessions": (
        "period, start, level, sessions",
        """SELECT period, date_trunc(period, day)::date, level, count(*)::integer
           FROM (SELECT DISTINCT ON (user_id, session_id) * FROM heard
                 ORDER BY user_id, session_id, start_time) began
           CROSS JOIN unnest(ARRAY['day', 'week', 'month']) AS period
           GROUP BY GROUPING SETS ((1, 2, 3), (1, 2))""",
    ),
}


@pytest.mark.parametrize("name", PLAINLY)
def test_a_rollup_counts_what_it_says(simulated: Connection[Any], name: str) -> None:
    columns, query = PLAINLY[name]
    table = name.partition(",")[0]
    there = "WHERE sessions > 0" if name == "listeners, sessions" else ""
    counted = simulated.execute(f"WITH heard AS MATERIALIZED ({HEARD}) {query}").fetchall()  # type: ignore[call-overload]
    kept = simulated.execute(f"SELECT {columns} FROM analytics.{table} {there}").fetchall()  # type: ignore[call-overload]
    assert len(kept) > 10
    assert sorted(map(repr, counted)) == sorted(map(repr, kept))


def test_random_loads(dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Late plays, repeats with other content, changed files, late and corrected songs, months in pieces."""
    chance = random.Random(1)
    monkeypatch.setattr(plans, "MANY_PLAYS", 40)

    levels = ["free", "paid", "paid"] * 8 + list("abcdefghijkl")

    def any_play(days: range) -> dict[str, Any]:
        day, user = chance.choice(days), chance.randrange(1, 6)
        session = user * 100 + day // 2  # sessions cross midnight and the ends of months
        item = chance.randrange(6)
        # Odd users never change level, place or device, so a row of their days has several plays.
        more = {} if user % 2 else {
            "level": chance.choice(levels), "location": chance.choice(["Chicago, IL", None, "", "L" * 9000]),
            "userAgent": chance.choice(["Mozilla", None, "U" * 9000]),
        }  # fmt: skip
        if chance.random() < 0.3:
            more |= {
                "page": chance.choice(["Home", "Upgrade", "Submit Upgrade", "Submit Downgrade", "P" * 9000]),
                "status": chance.choice([200, 404, None]), "level": chance.choice([*levels, None]),
            }  # fmt: skip
        ts = NOVEMBER + day * DAY + (item // 2 * 7919 + session * 104_729) % DAY
        who = "" if "page" in more and chance.random() < 0.3 else str(user)
        return play(
            ts, userId=who, sessionId=session, itemInSession=item,
            length=chance.choice([0.0005, 269.58322, 1e300]),
            song=chance.choice("abcdef"), artist=chance.choice(["Elena", "Sigur Ros", "Bjork"]), **more,
        )  # fmt: skip

    span = [range(24, 34), range(31, 40), range(20, 75), range(33, 35)]
    for run, days in enumerate(chance.sample(span, k=len(span))):
        for file in range(2):
            write(tmp_path, f"log_data/{file}-{run // 2}.json", *(any_play(days) for _ in range(40)))
        write(
            tmp_path, f"song_data/{chance.randrange(3)}.json",
            song(chance.choice(["S1", "S2"]), title=chance.choice("ab"), duration=269.58322),
        )  # fmt: skip
        etl.run(tmp_path, dsn=dsn, batch_bytes=chance.choice([None, 10_000]))
        assert differences(db) == [], f"after run {run}"
    gone = db.execute("SELECT user_id FROM users ORDER BY user_id LIMIT 2").fetchall()
    assert forget([user_id for (user_id,) in gone], dsn=dsn).page_views > 0
    assert differences(db) == []


@pytest.mark.parametrize("days", [(75, 40, 5), (40, 75, 39)])
def test_an_earlier_play_changes_what_was_first_in_other_months(
    dsn: str, db: Connection[Any], tmp_path: Path, days: tuple[int, ...]
) -> None:
    """The user was new in another week and month, and the session began there."""
    for at, day in enumerate(days):
        write(
            tmp_path, f"log_data/{day}.json",
            play(NOVEMBER + day * DAY, userId="1", sessionId=1, itemInSession=at),
            play(NOVEMBER + 75 * DAY + at, userId="2", sessionId=2, itemInSession=at),
        )  # fmt: skip
        etl.run(tmp_path, dsn=dsn)
        assert differences(db) == []


@pytest.mark.parametrize("apart", ["one chunk", "batches", "runs, the later first"])
def test_plays_at_one_moment_have_one_order(
    dsn: str, db: Connection[Any], tmp_path: Path, apart: str
) -> None:
    """A session has the level with which the history of levels begins, and counts for that level."""
    plays = [
        play(NOVEMBER + day * DAY, itemInSession=item, sessionId=day, level=level)
        for day, levels in enumerate((("paid", "free"), ("free", "paid"), ("b", "a", "b")))
        for item, level in enumerate(levels)
    ]
    by_item = [[event for event in plays if event["itemInSession"] == item] for item in range(3)]
    files = {"one chunk": [plays], "batches": by_item}.get(apart, by_item[::-1])
    for name, events in enumerate(files):
        write(tmp_path, f"log_data/{name}.json", *events)
        if "runs" in apart:
            etl.run(tmp_path, dsn=dsn)
    etl.run(tmp_path, dsn=dsn, batch_bytes=1)
    assert db.execute("SELECT session_id, level FROM analytics.sessions ORDER BY 1").fetchall() == [
        (0, "paid"), (1, "free"), (2, "b"),
    ]  # fmt: skip
    began = "SELECT day - '2018-11-01', level FROM analytics.user_level_days WHERE stretch_no = 1 ORDER BY 1"
    assert db.execute(began).fetchall() == [(0, "paid"), (1, "free"), (2, "b")]
    changes = db.execute("SELECT level_before, level FROM analytics.level_changes").fetchall()
    assert sorted(changes) == [
        ("a", "b"), ("b", "a"), ("free", "paid"), ("paid", "b"), ("paid", "free"),
    ]  # fmt: skip
    assert sum(row["changes"] for row in analytics.level_changes(dsn=dsn)) == len(changes)
    counted = (
        "SELECT level, sessions FROM analytics.listeners WHERE period = 'month' AND sessions > 0"
        " ORDER BY level"
    )
    assert db.execute(counted).fetchall() == [("b", 1), ("free", 1), ("paid", 1), (None, 3)]
    assert [
        finding
        for finding in examine(db, ["rollup_sessions", "rollup_listeners", "rollup_user_level_days"])[0]
        if finding.found
    ] == []


@pytest.mark.parametrize("batch_bytes", [1, None])
def test_levels_are_taken_as_staged_where_one_batch_knows_the_order(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_bytes: int | None
) -> None:
    """A user's day at several levels is computed if several batches have it, or plays at one moment do."""
    chance = random.Random(1)
    days: dict[tuple[int, int], list[tuple[int, int, str]]] = defaultdict(list)
    for file in range(3):
        events = []
        for item in range(400):
            user, day, ms = chance.randrange(60), chance.randrange(2), chance.randrange(30)
            level = chance.choice("aab") if user % 3 else "a"
            days[user, day].append((ms, file, level))
            events.append(
                play(
                    NOVEMBER + day * DAY + ms, userId=str(user), itemInSession=file * 1000 + item,
                    sessionId=user, level=level, location=chance.choice("xy"),
                )
            )  # fmt: skip
        write(tmp_path, f"log_data/{file}.json", *events)
    computed: list[tuple[int, int]] = []
    run = StagedMonth.run

    def watched(month: StagedMonth, name: str, **names: Any) -> Any:
        result = run(month, name, **names)
        if name == "find_touched_days":
            computed.extend(
                month.connection.execute("SELECT user_id, day - '2018-11-01' FROM touched_days").fetchall()
            )
        return result

    monkeypatch.setattr(StagedMonth, "run", watched)
    etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=batch_bytes)
    assert [finding.examples for finding in examine(db, ["rollup_user_level_days"])[0] if finding.found] == []
    expected = {
        key
        for key, plays in days.items()
        if len({level for _, _, level in plays}) > 1
        and (
            (batch_bytes and len({file for _, file, _ in plays}) > 1)
            or len({ms for ms, _, _ in plays}) < len({(ms, level) for ms, _, level in plays})
        )
    }
    assert 0 < len(expected) < len(days)
    assert sorted(computed) == sorted(expected)


def test_a_batch_that_is_full_is_staged_in_pieces(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is finished early stages a user's day in several parts."""
    pieces: list[int] = []
    finish_batch = PlayTransform.finish_batch

    def counted(transform: PlayTransform) -> list[date]:
        found = finish_batch(transform)
        pieces.append(len(found))
        return found

    monkeypatch.setattr(PlayTransform, "finish_batch", counted)
    monkeypatch.setattr("sparkify.transform.plays.MOST_GATHERED_BYTES", 100_000)
    count = 4 * CHUNK_BYTES // 20_000
    lines = (
        play(NOVEMBER + at, itemInSession=at, userId=str(at % 2), userAgent="U" * 20_000)
        for at in range(count)
    )
    write(tmp_path, "log_data/long.json", *lines)
    etl.run(tmp_path, dsn=dsn, workers=1, batch_bytes=1 << 30)
    assert sum(pieces) > 1
    assert differences(db) == []
    assert [
        finding.name
        for finding in examine(db, ["rollup_user_level_days", "latest_plays"])[0]
        if finding.found
    ] == []
    assert one(db, "SELECT array_agg(plays) FROM analytics.user_days") == [count // 2, count // 2]


def test_the_order_of_lines_does_not_show(new_dsn: Callable[[], str], tmp_path: Path) -> None:
    lines = [
        play(NOVEMBER + at * DAY // 20, itemInSession=at, song=f"Song {at}", artist=f"Artist {at}")
        for at in range(20)
    ]
    found = []
    for name, order in (("as played", lines), ("backwards", lines[::-1])):
        write(tmp_path / name, "log_data/day.json", *order)
        dsn = new_dsn()
        etl.run(tmp_path / name, dsn=dsn)
        with connect(dsn) as connection:
            found.append(checksums(connection))
    assert found[0] == found[1]


def test_the_first_load_indexes_heard_songs(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    columns = (
        "SELECT array_agg(pg_get_indexdef(indexrelid, 1, true) ORDER BY indexrelid) FROM pg_index"
        " WHERE indrelid = 'analytics.heard_songs'::regclass AND NOT indisprimary"
    )
    assert one(db, columns) is None
    for day in range(2):
        write(tmp_path, f"log_data/{day}.json", play(NOVEMBER + day * DAY))
        etl.run(tmp_path, dsn=dsn)
        assert one(db, columns) == ["track_id", "artist_key"]
    db.execute("DROP INDEX analytics.heard_songs_artist")
    write(tmp_path, "log_data/2.json", play(NOVEMBER + 2 * DAY))
    etl.run(tmp_path, dsn=dsn)
    assert one(db, columns) == ["track_id", "artist_key"]


def test_block_indexes_of_others_are_left_alone(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    """Only an owner may summarise an index, and one of a partitioned table cannot be."""
    role = f"of_{db.info.dbname}"
    db.execute(f"CREATE ROLE {role}; CREATE ROLE {role}_other")  # type: ignore[call-overload]
    try:
        db.execute(
            "CREATE TABLE analytics.mine AS SELECT 1 AS x; CREATE INDEX ON analytics.mine USING brin (x);"
            " CREATE INDEX ON analytics.heard_plays USING brin (start_time);"
            f" ALTER TABLE analytics.mine OWNER TO {role}_other"  # type: ignore[arg-type]
        )
        write(tmp_path, "log_data/a.json", play())
        assert etl.run(tmp_path, dsn=dsn).status == "done"
        with db.transaction(force_rollback=True):
            db.execute(f"SET LOCAL ROLE {role}")  # type: ignore[call-overload]
            db.execute(queries("publish/listening")["summarize_indexes"])
    finally:
        db.execute("DROP TABLE IF EXISTS analytics.mine")
        db.execute(f"DROP ROLE {role}, {role}_other")  # type: ignore[call-overload]


def test_a_month_is_counted_from_what_is_staged_where_nothing_else_is_known(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If more plays of the month arrive, or late ones, only the rows they touch are counted again."""
    monkeypatch.setattr(plans, "MANY_PLAYS", 3)
    counted_again = (queries("publish/rollups/user_months"), "scope")
    counted = (queries("publish/counts"), "fill")
    for day, other in ((5, counted_again), (8, counted), (2, counted), (40, counted_again)):
        plays = (play(NOVEMBER + day * DAY + at, itemInSession=at, userId=str(at % 2)) for at in range(4))
        write(tmp_path, f"log_data/{day}.json", *plays)
        with monkeypatch.context() as patch:
            patch.setitem(*other, "SELECT 1 / 0")  # type: ignore[misc]
            assert etl.run(tmp_path, dsn=dsn).status == "done"
        assert differences(db) == []


def test_later_days_of_a_month_are_added(
    dsn: str, db: Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not counted again with all others; late days are, also if they come in the same load."""
    monkeypatch.setattr(plans, "MANY_PLAYS", 3)

    def load(*days: int) -> None:
        plays = [
            play(NOVEMBER + day * DAY + at, itemInSession=at, userId=str(at % 3),
                 level=("free", "paid")[at % 2], song="abc"[at * day % 3])
            for day in days for at in range(6)
        ]  # fmt: skip
        write(tmp_path, f"log_data/{days}.json", *plays)
        assert etl.run(tmp_path, dsn=dsn).status == "done"
        assert differences(db) == []

    load(5)
    with monkeypatch.context() as patch:
        for rollup in ("track_months", "artist_months"):
            file = queries(f"publish/rollups/{rollup}")
            patch.setitem(file, "scope", "SELECT 1 / 0")  # type: ignore[misc]
        load(7, 8)
        load(11)
    load(2, 13)
    load(13, 17)
    assert one(db, "SELECT sum(plays) FROM analytics.track_months") == 6 * 7


def test_no_blocks_are_left_out_of_a_block_index(dsn: str, db: Connection[Any], tmp_path: Path) -> None:
    create_tables(dsn)
    indexes = [
        index
        for (index,) in db.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'analytics' AND indexdef LIKE '%USING brin%'"
        )
    ]
    assert len(indexes) == 3
    for index in indexes:
        db.execute(f"ALTER INDEX analytics.{index} SET (pages_per_range = 1)")
        db.execute(f"REINDEX INDEX analytics.{index}")
    for day in range(2):
        plays = (
            play(NOVEMBER + day * DAY + at, sessionId=1000 * day + at, userId=str(at)) for at in range(500)
        )
        write(tmp_path, f"log_data/{day}.json", *plays)
        etl.run(tmp_path, dsn=dsn)
        assert one(db, "SELECT pg_relation_size('analytics.sessions') / 8192") > 2 * day + 2
        for index in indexes:
            assert one(db, "SELECT brin_summarize_new_values(%s)", f"analytics.{index}") == 0


def test_partitions_have_the_indexes_of_their_tables_and_no_others(simulated: Connection[Any]) -> None:
    """The indexes that a partition gets before it is attached are those that ATTACH needs; otherwise it would
    build its own as well."""
    counts = simulated.execute(
        "SELECT inhparent::regclass::text, (SELECT count(*) FROM pg_index WHERE indrelid = inhparent),"
        " array_agg(DISTINCT (SELECT count(*) FROM pg_index WHERE indrelid = inhrelid)) FROM pg_inherits"
        " JOIN pg_class c ON c.oid = inhparent WHERE relkind = 'p' GROUP BY inhparent"
    ).fetchall()
    assert len(counts) == len(PARTITIONED)
    assert [count for count in counts if count[2] != [count[1]]] == []


def test_a_reader_never_sees_plays_and_rollups_apart(dsn: str, tmp_path: Path) -> None:
    simulate(tmp_path, users=20, songs=50, days=35, seed=1)
    seen: list[Any] = []
    stop = threading.Event()
    names = ("user_months", "day_quarters", "user_days", "track_months", "artist_months")
    query = "SELECT (SELECT row_count FROM etl.row_counts WHERE table_name = 'songplays'), " + ", ".join(
        f"(SELECT coalesce(sum(plays), 0) FROM analytics.{name})" for name in names
    )

    def read() -> None:
        with connect(dsn) as reader:
            while not stop.is_set():
                seen.extend(reader.execute(query))  # type: ignore[arg-type]

    reader = threading.Thread(target=read)
    reader.start()
    etl.run(tmp_path, dsn=dsn)
    stop.set()
    reader.join()
    assert [row for row in seen if len({*row[:3]}) > 1] == []
    # A statement that is planned while a month is attached may lack the attached rows (docs/how-it-works.md);
    # it never has more.
    assert [row for row in seen if max(row[3:]) > row[0]] == []
