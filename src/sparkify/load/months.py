"""Publish a staged month: one transaction, after which readers see the month as a whole.

A month that the warehouse does not have yet is attached: the staged tables themselves become its partitions, keys made
and checked set-wise, which is many times faster than checking them row by row. Into a month that exists, what is new is
inserted, and the documented rule decides where the same play comes with other content.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Final, LiteralString, cast

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.load.runs import month_table, month_tables
from sparkify.sql import load

_sql: Final = load("publish")
_PARTITIONED: Final = {
    "time": ("public", "time"),
    "heard_plays": ("analytics", "heard_plays"),
    "songplays": ("public", "songplays"),
}


def publish_month(connection: Connection[Any], run_id: int, month: date, *, wait: bool = True) -> None:
    """Publish one staged month of a run; nothing happens when it is published already.

    Waits for batches that stage for the month at this moment; or leaves it alone then, unless `wait`.
    """
    with connection.transaction():
        connection.execute(_sql["lock_publisher"])
        lock = _sql["lock_month" if wait else "lock_month_if_free"]
        if connection.execute(lock, [run_id, month]).fetchone() is None:
            return
        _Publication(connection, run_id, month).publish()


class _Publication:
    """One month on its way from staging into the star, inside one transaction."""

    def __init__(self, connection: Connection[Any], run_id: int, month: date) -> None:
        self._connection = connection
        self._run_id = run_id
        self._month = month
        self._tables = month_tables(run_id, month)
        self._names: dict[str, sql.Composable] = {
            **self._tables,
            "run_id": sql.Literal(run_id),
            "month": sql.Literal(month),
            "since": sql.Literal(datetime(month.year, month.month, 1, tzinfo=UTC)),
            "until": sql.Literal(
                datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
            ),
            "songplays_there": self._partition("songplays"),
            "heard_plays_there": self._partition("heard_plays"),
        }

    def publish(self) -> None:
        overlaps, as_matched = self._row("find_overlaps")
        if as_matched is None:  # the tables were made, and then the batch came to nothing
            self._drop_leftovers()
            self._run("forget_month")
            return
        self._names["overlaps"] = sql.Literal(overlaps)
        repeated = bool(overlaps and self._run("find_repeated").rowcount)
        if repeated:
            self._move_to_duplicates(self._by_hashing("remove_repeated"))
        self._run("insert_heard_songs")
        if not as_matched:
            self._by_hashing("match_again")
        self._upsert_users()
        self._run("find_touched_days")
        if self._exists():
            self._insert()
        else:
            if overlaps:
                self._run("unique_times")
            self._attach(as_staged=as_matched and not overlaps, days_as_staged=not repeated)
        self._drop_leftovers()
        self._run("forget_month")

    def _upsert_users(self) -> None:
        self._run("decide_users")
        self._count("users", self._scalar("count_new_users"))
        self._into_star(sql_queries.user_table_insert, sql.Identifier("latest"))
        self._run("keep_latest_plays")

    def _attach(self, *, as_staged: bool, days_as_staged: bool) -> None:
        songplays, matched, times = self._row("sum_counts" if as_staged else "count_rows")
        for table, parent in _PARTITIONED.items():
            staged = self._tables[table]
            self._connection.execute(
                sql.SQL(_sql["attach"]).format(
                    staged=staged,
                    staged_name=sql.Identifier(month_table(self._run_id, self._month, table)),
                    name=sql.Identifier(f"{table}_{self._month:%Y_%m}"),
                    parent=sql.Identifier(*parent),
                    since=self._names["since"],
                    until=self._names["until"],
                )
            )
        if days_as_staged:
            self._run("take_levels")
            self._compute_levels("mixed_days")
        else:  # what was staged counts plays that are gone
            self._compute_levels("touched_days")
        self._count("songplays", songplays)
        self._count("matched", matched)
        self._count("time", times)

    def _insert(self) -> None:
        # Keys are checked row by row here. Left to itself, PostgreSQL plans the check of a key to a partitioned table anew
        # for every row, because a plan for one partition looks cheaper than one for all: four times the time.
        self._connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        self._run("analyze")
        self._count("time", self._into_star(sql_queries.time_table_insert, self._tables["time"]))
        self._run("find_clashes")
        self._count("matched", self._scalar("matched_by_replacing"))
        self._run("replace_songplays")
        self._run("replace_heard_plays")
        self._move_to_duplicates(self._run("duplicates_staged"))
        self._move_to_duplicates(self._run("still_there"))
        self._move_to_duplicates(self._run("duplicates_there"), "move_loaded_to_duplicates")
        self._run("remove_clashes")
        songplays, matched, _ = self._row("count_rows")
        self._into_star(sql_queries.songplay_table_insert, self._tables["songplays"])
        self._run("insert_heard_plays")
        self._compute_levels("touched_days")
        self._count("songplays", songplays)
        self._count("matched", matched)

    def _compute_levels(self, days: str) -> None:
        names = {"days": sql.Identifier(days)}
        self._run("find_plays", **names)
        self._run("compute_levels", **names)

    def _drop_leftovers(self) -> None:
        for table in self._tables.values():
            self._connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(table))

    def _exists(self) -> bool:
        name = self._partition("songplays").as_string(self._connection)
        row = self._connection.execute(_sql["table_exists"], [name]).fetchone()
        return bool(row and row[0])

    def _partition(self, table: str) -> sql.Identifier:
        return sql.Identifier("partitions", f"{table}_{self._month:%Y_%m}")

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
        self._connection.execute("SET LOCAL enable_nestloop TO DEFAULT")
        return result

    def _row(self, name: str) -> tuple[Any, ...]:
        return cast("tuple[Any, ...]", self._run(name).fetchone())

    def _scalar(self, name: str) -> int:
        return int(self._row(name)[0])
