"""Forget people: remove all that the warehouse has of them, and see that no later run brings them back.

One transaction. It waits until nobody stages and nobody publishes, and while it lasts nobody begins to: whatever was staged
before it, it finds; whatever is staged after it, is staged by somebody who knows of it. So a load that runs at this moment
cannot undo it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psycopg
from psycopg import Connection, sql

from sparkify.database.connection import resolve, server_errors
from sparkify.database.queries import queries
from sparkify.database.reading import open_existing
from sparkify.errors import SparkifyError
from sparkify.extract.rejects import Reject, RejectedLine
from sparkify.publish.books import add_rows
from sparkify.publish.rollups import forget_users
from sparkify.stage.runs import lock_publisher
from sparkify.stage.tables import month_tables
from sparkify.transform.forgotten import WITHHELD, Forgotten, digest

_sql: Final = queries("operations/forget")
_MANY: Final = 5000

_VACUUMED: Final = [
    sql.Identifier(schema, table)
    for schema, tables in (
        ("public", ("songplays", "users", "time")),
        (
            "analytics",
            (
                "heard_plays",
                "heard_songs",
                "user_level_days",
                "user_days",
                "user_months",
                "user_years",
                "track_months",
                "sessions",
            ),
        ),
        ("etl", ("latest_plays", "rejected_records")),
    )
    for table in tables
]


@dataclass(slots=True)
class Erasure:
    """What was removed, or would be: rows by table, staged plays, rejected lines; and of how many rejected lines the text,
    because nobody can tell whose they are. `files` had plays of theirs; `unvacuumed` tables were in use."""

    people: int
    newly_forgotten: int = 0
    songplays: int = 0
    users: int = 0
    time: int = 0
    heard_songs: int = 0
    staged_plays: int = 0
    rejects: int = 0
    texts_withheld: int = 0
    files: list[str] = field(default_factory=list)
    unvacuumed: list[str] = field(default_factory=list)
    dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        return asdict(self)


def forget(user_ids: Iterable[int], *, dsn: str | None = None, dry_run: bool = False) -> Erasure:
    """Remove people from the warehouse, and remember their ids as digests; may be repeated.

    With `dry_run` nothing is changed, and the report says what would have been.

    Raises:
        SparkifyError: it could not be done; then nothing is changed.
    """
    with server_errors(), open_existing(resolve(dsn), for_questions=False) as connection:
        try:
            with connection.transaction(force_rollback=dry_run):
                erasing = _Erasing(connection, user_ids)
                erasing.erase()
        except psycopg.errors.LockNotAvailable:
            raise SparkifyError(
                "A load has been busy with one batch or month for two minutes. Nobody was forgotten; try again when it"
                " has ended."
            ) from None
        erasing.done.dry_run = dry_run
        if not dry_run:
            erasing.done.unvacuumed = _vacuum(connection, [*_VACUUMED, *erasing.staged_tables])
    return erasing.done


class _Erasing:
    """The transaction. `done` says what it came to."""

    def __init__(self, connection: Connection[Any], user_ids: Iterable[int]) -> None:
        self._connection = connection
        self._user_ids = sorted(set(user_ids))
        self.done = Erasure(len(self._user_ids))
        self.staged_tables: list[sql.Identifier] = []

    def erase(self) -> None:
        done = self.done
        self._connection.execute("SET LOCAL lock_timeout = '2min'")
        self._run("close_gate")
        lock_publisher(self._connection)
        (key,) = self._run("key").fetchone()
        digests = [digest(key, user_id) for user_id in self._user_ids]
        done.newly_forgotten = self._connection.execute(_sql["remember"], [digests]).rowcount
        self._run("name_users", user_ids=sql.Literal(self._user_ids))
        self._run("find_plays")
        self._run("move_books")
        self._run("delete_heard_plays")
        done.songplays = self._delete("songplays")
        done.time = self._delete("time")
        done.users = self._delete("users")
        self._count("matched", self._scalar("count_matched"))
        for table in ("latest_plays", "levels"):
            self._run(f"delete_{table}")
        forget_users(self._connection)
        self._erase_staged()
        done.heard_songs = self._run("delete_heard_songs").rowcount
        done.files = [path for (path,) in self._run("files")]
        self._erase_rejects(Forgotten(key, digests))
        self._run("touch_catalogue")

    def _erase_staged(self) -> None:
        months = [
            {**month_tables(run_id, month), "run_id": sql.Literal(run_id)}
            for run_id, month in self._run("staged_months").fetchall()
        ]
        for names in months:
            self._run("find_staged", **names)
            if plays := self._scalar("count_staged"):
                self.done.staged_plays += plays
                self.staged_tables += [name for name in names.values() if isinstance(name, sql.Identifier)]
            self._run("move_staged_books", **names)
            self._run("delete_staged", **names)
            self._run("delete_staged_days", **names)
            if plays:
                self._run("count_staged_hours", **names)
            self._run("delete_staged_songs", **names)

    def _erase_rejects(self, forgotten: Forgotten) -> None:
        theirs: list[tuple[int, int]] = []
        doubtful: list[tuple[int, int]] = []
        with self._connection.cursor("rejects") as cursor:
            cursor.itersize = 50  # each may have a MiB
            for manifest_id, line, of_songs, reason, record, record_bytes in cursor.execute(_sql["rejects"]):
                reject = RejectedLine(line, Reject(reason, ""), record, record_bytes)
                kept = forgotten.keeps(reject, of_songs=of_songs)
                if kept is None:
                    theirs.append((manifest_id, line))
                elif kept is not reject:
                    doubtful.append((manifest_id, line))
        self.done.rejects, self.done.texts_withheld = len(theirs), len(doubtful)
        for start in range(0, len(theirs), _MANY):
            self._connection.execute(_sql["delete_rejects"], _columns(theirs[start : start + _MANY]))
        for start in range(0, len(doubtful), _MANY):
            columns = _columns(doubtful[start : start + _MANY])
            self._connection.execute(_sql["withhold_rejects"], [WITHHELD, *columns])

    def _delete(self, table: str) -> int:
        rows = int(self._run(f"delete_{table}").rowcount)
        self._count(table, rows)
        return rows

    def _count(self, table: str, rows: int) -> None:
        add_rows(self._connection, table, -rows)

    def _scalar(self, name: str) -> int:
        return int(self._run(name).fetchone()[0])

    def _run(self, name: str, **names: sql.Composable) -> Any:
        return self._connection.execute(sql.SQL(_sql[name]).format(**names))


def _columns(pairs: list[tuple[int, int]]) -> list[list[int]]:
    return [list(column) for column in zip(*pairs, strict=True)]


def _vacuum(connection: Connection[Any], tables: list[sql.Identifier]) -> list[str]:
    """Free the space of deleted rows; gives the tables that somebody else was busy with."""
    connection.execute("SET lock_timeout = '2s'")
    busy = []
    for table in tables:
        try:
            connection.execute(sql.SQL("VACUUM {}").format(table))
        except psycopg.errors.LockNotAvailable:
            busy.append(table.as_string())
        except psycopg.errors.UndefinedTable:
            pass  # staged, and meanwhile published or dropped
    return busy
