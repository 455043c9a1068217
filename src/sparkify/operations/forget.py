"""Forget people: delete all that the warehouse has about them, and keep later runs from loading it again.

Forgetting is one transaction. It waits until nobody stages or publishes, and keeps others from starting. So
it finds all that was staged before, and later staging knows of the forgotten people: no concurrent load can
undo it.
"""

import operator
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.errors import SparkifyError, UsageError
from sparkify.extract.rejects import Reject, RejectedLine
from sparkify.publish.books import add_rows
from sparkify.publish.listening import forget_users
from sparkify.publish.partitions import PARTITIONED, only
from sparkify.schema.structure import structure
from sparkify.stage.blockers import warning_of_blockers
from sparkify.stage.copy import columns_of
from sparkify.stage.runs import lock_publisher
from sparkify.stage.tables import COUNTED_TABLES, month_tables
from sparkify.transform.forgotten import WITHHELD, Forgotten, digest

_sql: Final = queries("operations/forget")
_BATCH: Final = 5000
"""Rejects deleted with one statement."""

LOCK_TIMEOUT: Final = "2min"
"""How long to wait for a lock before giving up. Then nobody is forgotten."""

VACUUM_LOCK_TIMEOUT: Final = "2s"
"""How long to wait for a table that is in use."""


@dataclass(slots=True)
class Erasure:
    """What was removed, or would be: rows by table, staged plays and page views, and rejected lines.

    Page views without a user in their sessions count too. `texts_withheld` counts other rejected lines, whose
    text was removed because they may be about these people. `files` are those of the plays, the page views
    and the rejected lines that name them. `unvacuumed` tables were in use, or the end of the work was cut
    short: the space of their deleted rows was not freed, and their statistics may still name them.
    """

    people: int
    newly_forgotten: int = 0
    songplays: int = 0
    users: int = 0
    time: int = 0
    heard_songs: int = 0
    page_views: int = 0
    staged_plays: int = 0
    staged_page_views: int = 0
    rejects: int = 0
    texts_withheld: int = 0
    files: list[str] = field(default_factory=list)
    unvacuumed: list[str] = field(default_factory=list)
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return asdict(self)


def forget(user_ids: Iterable[int], *, dsn: str | None = None, dry_run: bool = False) -> Erasure:
    """Remove people from the warehouse, and keep digests of their ids. It is safe to repeat.

    When they are forgotten, tables are vacuumed. Ctrl-C then ends only that, and the report says what is
    left.

    With `dry_run` nothing is changed, and the report says what would be removed.

    Raises:
        UsageError: an id is no whole number within 64 bits.
        SparkifyError: it could not be done. Either way, nothing is changed.
    """
    people = _whole_numbers(user_ids)
    dsn = resolve(dsn)
    with server_errors(), open_existing(dsn, for_questions=False) as connection:
        try:
            with warning_of_blockers(dsn), connection.transaction(force_rollback=dry_run):
                erasure = _Erasure(connection, people)
                erasure.run()
        except psycopg.errors.LockNotAvailable:
            raise SparkifyError(
                "A load or another session keeps a lock that this needs. Nobody was forgotten; try again when"
                " it has ended."
            ) from None
        erasure.done.dry_run = dry_run
        if not dry_run:
            erasure.done.unvacuumed = _vacuum(connection, erasure.changed_tables)
    return erasure.done


def _whole_numbers(user_ids: Iterable[int]) -> list[int]:
    """The different ids, in order. PostgreSQL would round a float and forget somebody else."""
    if isinstance(user_ids, str | bytes) or not isinstance(user_ids, Iterable):
        raise UsageError(f"Give a list of user ids, not {user_ids!r}.")
    ids = list(user_ids)
    for user_id in ids:
        if isinstance(user_id, bool) or not hasattr(user_id, "__index__"):
            raise UsageError(f"A user id is a whole number, not {user_id!r}.")
    found = sorted(set(map(operator.index, ids)))
    for user_id in found:
        if not -(2**63) <= user_id < 2**63:
            raise UsageError(f"{user_id} is not a user id: those have 64 bits.")
    return found


class _Erasure:
    """The transaction that forgets; `done` is its report."""

    def __init__(self, connection: Connection[Any], user_ids: list[int]) -> None:
        self._connection = connection
        self._user_ids = user_ids
        self.done = Erasure(len(self._user_ids))
        self.changed_tables: list[sql.Identifier] = []

    def run(self) -> None:
        done = self.done
        self._connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        self._run("close_gate")
        lock_publisher(self._connection)
        (key,) = self._run("key").fetchone()
        digests = [digest(key, user_id) for user_id in self._user_ids]
        done.newly_forgotten = self._connection.execute(_sql["remember"], [digests]).rowcount
        self._run("name_users", user_ids=sql.Literal(self._user_ids))
        self._run("find_plays")
        self._run("move_books")
        months = self._staged_months()
        for names in months:
            self._run("find_staged_sessions", **names)
        self._run("remember_sessions")
        done.page_views = self._delete_page_views(sql.Identifier("analytics", "page_views"))
        self._run("delete_heard_plays")
        done.songplays = self._delete("delete_songplays", "songplays")
        done.time = self._delete("delete_time", "time")
        done.users = self._delete("delete_users", "users")
        self._count("matched", self._scalar("count_matched"))
        self._run("delete_latest_plays")
        self._run("delete_levels")
        forget_users(self._connection)
        for names in months:
            self._erase_staged(names)
        done.heard_songs = self._run("delete_heard_songs").rowcount
        self._erase_rejects(Forgotten(key, digests))
        done.files = [path for (path,) in self._run("list_files")]
        self._run("touch_catalogue")
        changed = self._run("changed_tables", tables=sql.Literal(list(structure().tables)))
        self.changed_tables = [sql.Identifier(*name) for name in changed.fetchall()]

    def _staged_months(self) -> list[dict[str, sql.Composable]]:
        """The names of the tables of each staged month."""
        return [
            {**month_tables(run_id, month), "run_id": sql.Literal(run_id)}
            for run_id, month in self._run("staged_months").fetchall()
        ]

    def _erase_staged(self, names: dict[str, sql.Composable]) -> None:
        """Delete what is staged of them in a month."""
        self._run("find_staged", **names)
        self.done.staged_plays += self._scalar("count_staged")
        self._run("move_staged_books", **names)
        self.done.staged_page_views += self._delete_page_views(names["page_views"])
        self._run("delete_staged", **names)
        self._run("delete_staged_days", **names)
        self._run("delete_staged_songs", **names)
        for table in COUNTED_TABLES:  # left by a publication that failed: the next one counts again
            self._run("drop_counted", counted=names[table])

    def _delete_page_views(self, table: sql.Composable) -> int:
        return int(self._run("delete_page_views", page_views=table).rowcount)

    def _erase_rejects(self, forgotten: Forgotten) -> None:
        theirs: list[tuple[int, int]] = []
        doubtful: list[tuple[int, int]] = []
        with self._connection.cursor("rejects") as cursor:
            cursor.itersize = 50  # a record may have a MiB
            for manifest_id, line, kind, reason, record, record_bytes in cursor.execute(_sql["rejects"]):
                reject = RejectedLine(line, Reject(reason, ""), record, record_bytes)
                kept = forgotten.keeps(reject, kind)
                if kept is None:
                    theirs.append((manifest_id, line))
                elif kept is not reject:
                    doubtful.append((manifest_id, line))
        self.done.rejects, self.done.texts_withheld = len(theirs), len(doubtful)
        for start in range(0, len(theirs), _BATCH):
            self._connection.execute(_sql["delete_rejects"], columns_of(theirs[start : start + _BATCH]))
        for start in range(0, len(doubtful), _BATCH):
            columns = columns_of(doubtful[start : start + _BATCH])
            self._connection.execute(_sql["withhold_rejects"], [WITHHELD, *columns])

    def _delete(self, query: str, table: str) -> int:
        rows = int(self._run(query).rowcount)
        self._count(table, rows)
        return rows

    def _count(self, table: str, rows: int) -> None:
        add_rows(self._connection, table, -rows)

    def _scalar(self, name: str) -> int:
        return int(self._run(name).fetchone()[0])

    def _run(self, name: str, **names: sql.Composable) -> Any:
        return self._connection.execute(sql.SQL(_sql[name]).format(**names))


def _vacuum(connection: Connection[Any], tables: list[sql.Identifier]) -> list[str]:
    """Free the space of deleted rows, and compute the statistics without them; returns the tables of which
    this could not be done.

    Nothing that goes wrong here is an error: the people are forgotten, and only this report says of which
    files to take them out.

    Statistics have frequent values, among them ids of people who listen much. A partitioned table has
    statistics besides those of its partitions.
    """
    can_clear = connection.info.server_version >= 180000
    analyze = sql.SQL("ANALYZE " + only(connection) + " {}")
    whole = [sql.Identifier(schema, table) for table, (schema, _) in PARTITIONED.items()]
    work = {table.as_string(): sql.SQL("VACUUM (ANALYZE) {}").format(table) for table in tables}
    work |= {table.as_string(): analyze.format(table) for table in whole}
    left = list(work)
    with suppress(KeyboardInterrupt, psycopg.Error):
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [VACUUM_LOCK_TIMEOUT])
        for table, statement in work.items():
            with suppress(psycopg.Error):
                try:
                    if can_clear:
                        connection.execute(_sql["clear_statistics"], [table])
                    connection.execute(statement)
                except psycopg.errors.UndefinedTable:
                    pass  # a staged table that has been published or dropped since
                left.remove(table)
    return left
