"""Publish a staged month: one transaction, after which readers see the month as a whole.

What the warehouse has no partition for yet is attached: the staged tables themselves become a partition, keys made and
checked set-wise, which is many times faster than checking them row by row. Into partitions that exist, what is new is
inserted, and the documented rule decides where the same play comes with other content.

While the plays get their keys, what was heard is counted for the rollups, on a second connection if there is one.
"""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString, cast

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.database.queries import queries
from sparkify.database.session import Helper
from sparkify.publish.partitions import PARTITIONED, Span
from sparkify.publish.rollups import Rollups, count_staged, index_heard_songs, summarize_sessions
from sparkify.stage.tables import month_tables

_sql: Final = queries("publish/months")
_PLAYS: Final = ("time", "heard_plays", "songplays")
_LATE: Final = {table: sql.Identifier(f"late_{table}") for table in _PLAYS}

A_LARGE_PIECE: Final = 20_000
"""Plays. What comes behind so many is worth a partition of its own; behind fewer it may be inserted row by row."""

MANY_TIMES: Final = 10
"""A partition's key to `time` is checked through its index when all of `time` is so many times larger: a hash of it would cost
by what the warehouse has, not by what comes."""


def publish_month(
    connection: Connection[Any],
    run_id: int,
    month: date,
    *,
    helper: Helper | None = None,
    wait: bool = True,
    retried: bool = False,
) -> None:
    """Publish one staged month of a run; nothing happens when it is published already.

    With a `helper` what was heard is counted at the same time, where it counts as it was staged; that needs staging to be
    committed. Waits for batches that stage for the month at this moment; or leaves it alone then, unless `wait`. `retried`
    are plays of lines that were rejected: what the warehouse has from the same file is from another line of it.
    """
    with connection.transaction():
        connection.execute(_sql["lock_publisher"])
        lock = _sql["lock_month" if wait else "lock_month_if_free"]
        if connection.execute(lock, [run_id, month]).fetchone() is None:
            return
        _Publication(connection, run_id, month, retried=retried).publish(helper)
    summarize_sessions(connection)


class _Publication:
    """One month on its way from staging into the star, inside one transaction."""

    def __init__(self, connection: Connection[Any], run_id: int, month: date, *, retried: bool) -> None:
        self._connection = connection
        self._run_id = run_id
        self._month = month
        self._tables = month_tables(run_id, month)
        self._whole = Span.of_month(month)
        self._names: dict[str, sql.Composable] = {
            **self._tables,
            "run_id": sql.Literal(run_id),
            "month": sql.Literal(month),
            "retried": sql.Literal(retried),
            "since": sql.Literal(self._whole.since),
            "until": sql.Literal(self._whole.until),
            "songplays_there": self._there("songplays"),
            "heard_plays_there": self._there("heard_plays"),
        }

    def publish(self, helper: Helper | None) -> None:
        overlaps, as_matched, plays, earliest, latest = self._row("find_overlaps")
        if as_matched is None:  # the tables were made, and then the batch came to nothing
            self._drop_leftovers()
            self._run("forget_month")
            return
        (covered_until,) = self._row("covered_until")
        since: datetime = covered_until or self._whole.since
        late, new = earliest < since, latest >= since
        whole = plays < A_LARGE_PIECE
        piece = Span(since, self._whole.until if whole else min(_midnight_after(latest), self._whole.until))
        self._names["covered_until"] = sql.Literal(covered_until)
        self._names["overlaps"] = sql.Literal(overlaps)
        repeated = bool(overlaps and self._run("find_repeated").rowcount)
        if repeated:
            self._move_to_duplicates(self._by_hashing("remove_repeated"))
        # Where repeated plays were removed, what was staged of users' days counts plays that are gone.
        as_staged = not repeated
        staged_since = since if as_staged else self._whole.until
        self._names["staged_since"] = sql.Literal(staged_since.date())

        counted = helper is not None and as_staged and new and not late
        with (
            helper.meanwhile(self._connection, count_staged, self._whole, self._names)
            if helper and counted
            else nullcontext()
        ):
            clashes = self._publish_plays(
                piece if new else None, late=late, overlaps=overlaps, as_matched=as_matched, plays=plays
            )
            self._publish_heard_songs(repeated=repeated, clashes=clashes)
            self._run("find_touched_days")
            self._run("find_plays")
            self._run("compute_levels")
            self._run("take_levels")
        rollups = Rollups(self._connection, self._names, late_before=since.date())
        if new:
            rollups.attach(piece, as_staged=as_staged, counted=counted)
        rollups.update()
        self._drop_leftovers()
        self._run("forget_month")

    def _publish_plays(
        self, piece: Span | None, *, late: bool, overlaps: str | None, as_matched: bool, plays: int
    ) -> bool:
        if not as_matched:
            self._by_hashing("match_again")
        self._upsert_users()
        clashes = False
        if late and piece:
            self._run("set_late_aside")
            clashes = self._insert(_LATE)
        elif late:
            clashes = self._insert(self._tables)
        if piece:
            if overlaps:
                self._run("unique_times")
            self._attach(piece, as_staged=as_matched and not overlaps and not late, plays=plays)
        return clashes

    def _publish_heard_songs(self, *, repeated: bool, clashes: bool) -> None:
        if repeated or clashes:
            self._run("drop_unheard_songs")
        self._run("insert_heard_songs")
        if clashes:
            self._run("remove_unheard_songs")
        index_heard_songs(self._connection)

    def _upsert_users(self) -> None:
        self._run("decide_users")
        self._count("users", self._scalar("count_new_users"))
        self._into_star(sql_queries.user_table_insert, sql.Identifier("latest"))
        self._run("keep_latest_plays")

    def _attach(self, piece: Span, *, as_staged: bool, plays: int) -> None:
        songplays, matched, times = self._row("sum_counts" if as_staged else "count_rows")
        self._count("songplays", songplays)
        self._count("matched", matched)
        (known_times,) = self._row("count_times")
        self._count("time", times)
        by_index = known_times > MANY_TIMES * plays
        for table in _PLAYS:
            if table == "songplays" and by_index:
                self._run("check_by_index")
            piece.attach(self._connection, table, self._tables[table])
        if by_index:
            self._run("check_by_any")

    def _insert(self, tables: Mapping[str, sql.Identifier]) -> bool:
        # Keys are checked row by row here. Left to itself, PostgreSQL plans the check of a key to a partitioned table anew
        # for every row, because a plan for one partition looks cheaper than one for all: four times the time.
        self._connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        names = {table: tables[table] for table in _PLAYS}
        self._run("analyze", **names)
        self._count("time", self._into_star(sql_queries.time_table_insert, names["time"]))
        clashes: bool = self._run("find_clashes", **names).rowcount > 0
        self._count("matched", self._scalar("matched_by_replacing"))
        self._run("replace_songplays")
        self._run("replace_heard_plays")
        self._move_to_duplicates(self._run("duplicates_staged"))
        self._move_to_duplicates(self._run("still_there"))
        self._move_to_duplicates(self._run("duplicates_there"), "move_loaded_to_duplicates")
        self._run("remove_clashes", **names)
        songplays, matched, _ = self._row("count_rows", **names)
        self._into_star(sql_queries.songplay_table_insert, names["songplays"])
        self._run("insert_heard_plays", **names)
        self._count("songplays", songplays)
        self._count("matched", matched)
        return clashes

    def _drop_leftovers(self) -> None:
        for table in self._tables.values():
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))

    def _there(self, table: str) -> sql.Composable:
        """What the warehouse has of the month."""
        return sql.SQL("(SELECT * FROM {} WHERE start_time >= {} AND start_time < {})").format(
            sql.Identifier(PARTITIONED[table][0], table),
            sql.Literal(self._whole.since),
            sql.Literal(self._whole.until),
        )

    def _move_to_duplicates(
        self, counts: Iterable[tuple[int, int]], books: str = "move_to_duplicates"
    ) -> None:
        for file_id, count in list(counts):
            self._connection.execute(
                _sql[books],
                {"file_id": file_id, "count": count, "run_id": self._run_id, "month": self._month},
            )

    def _into_star(self, statement: LiteralString, staged: sql.Identifier) -> int:
        return self._connection.execute(sql.SQL(statement).format(staged=staged)).rowcount

    def _count(self, table: str, rows: int) -> None:
        if rows:
            self._connection.execute(_sql["add_rows"], [rows, table])

    def _run(self, name: str, **names: sql.Composable) -> Any:
        return self._connection.execute(sql.SQL(_sql[name]).format(**(self._names | names)))

    def _by_hashing(self, name: str, **names: sql.Composable) -> Any:
        # The planner takes what a join on two columns gives for one row, and would loop: minutes instead of a second.
        self._connection.execute("SET LOCAL enable_nestloop = off")
        result = self._run(name, **names)
        self._connection.execute("SET LOCAL enable_nestloop = on")
        return result

    def _row(self, name: str, **names: sql.Composable) -> tuple[Any, ...]:
        return cast("tuple[Any, ...]", self._run(name, **names).fetchone())

    def _scalar(self, name: str) -> int:
        return int(self._row(name)[0])


def _midnight_after(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)
