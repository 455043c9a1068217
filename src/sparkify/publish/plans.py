"""The three plans for publishing a staged month.

`choose` picks `Attach` for days that are new to the warehouse, `Insert` for days that it has plays of, and
`Split` for a month with both. Attaching is many times faster than inserting: the staged tables themselves
become partitions, and their keys are built and checked for all rows together.
"""

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.activity import StagedActivity
from sparkify.publish.background import Background, Work, succeeded
from sparkify.publish.books import add_rows, move_to_duplicates
from sparkify.publish.days import StagedDays
from sparkify.publish.late import LATE, insert_plays
from sparkify.publish.listening import ListeningRollups, index_heard_songs
from sparkify.publish.partitions import Span
from sparkify.publish.staged import MonthSummary, StagedMonth
from sparkify.schema.rollups import queries_of
from sparkify.transform.sessions import MonthSessions

if TYPE_CHECKING:
    from concurrent.futures import Future

_attach: Final = queries("publish/attach")
_levels: Final = queries("publish/levels")

MANY_PLAYS: Final = 20_000
"""With at least this many plays, a partition ends with their last day, so that later days can be attached,
too. With fewer, it covers the rest of the month, and later plays are inserted row by row."""

FEW_TIMES, MANY_TIMES = 1, 3
"""How foreign keys of new plays are checked depends on how many times as many rows `time` has already. Up to
the first, by hashing the tables that they refer to, unless the plays are frozen. Up to the second, by
merging, which reads all of `time`, too, but takes less for each row; of frozen plays and times it reads
indexes alone. Beyond it each play is looked up: that does not grow with `time`."""


def choose(summary: MonthSummary) -> "type[Publication]":
    """The plan for a staged month."""
    covered_until = summary.covered_until
    if covered_until is None or summary.earliest >= covered_until:
        return Attach
    return Insert if summary.latest < covered_until else Split


class Publication(ABC):
    """Publishes one staged month; some of the work is done in the `background`, if there is one."""

    def __init__(self, month: StagedMonth, summary: MonthSummary, background: Background | None) -> None:
        self._month = month
        self._summary = summary
        self._background = background
        self._submitted: dict[str, Future[None]] = {}  # background work by name: its table, or "frozen"
        self._since = summary.covered_until or month.span.since
        self._has_repeated = self._has_clashes = False
        month.names["overlaps"] = sql.Literal(summary.overlaps)
        month.names["covered_until"] = sql.Literal(summary.covered_until)

    def carry_out(self) -> None:
        """Publish what is staged into the star and the tables that follow from it."""
        self._drop_repeated()
        self._match_again()
        self._publish_users()
        self._insert_heard_songs()
        self._take_levels()
        self._publish_plays()
        self._remove_unheard_songs()
        self._compute_levels()
        self._publish_rollups()

    def counted_activity(self) -> StagedActivity | None:
        """What the month comes to, if it was counted in the background; wait for it."""
        return None

    @abstractmethod
    def _publish_plays(self) -> None: ...

    @abstractmethod
    def _publish_rollups(self) -> None: ...

    def _drop_repeated(self) -> None:
        """Keep one variant of each play that several chunks staged."""
        month = self._month
        if self._summary.overlaps and month.run("find_repeated").rowcount:
            self._has_repeated = True
            # The planner expects one row from a join on two columns: its loop took minutes, not a second.
            with planner(month.connection, enable_nestloop="off"):
                lost = month.run("remove_repeated").fetchall()
                move_to_duplicates(month.connection, month.run_id, lost)
        # Staged users' days still count the plays that are gone, so those days are computed from plays.
        staged_since = month.span.until if self._has_repeated else self._since
        month.names["staged_since"] = sql.Literal(staged_since.date())

    def _match_again(self) -> None:
        if not self._summary.is_matched:
            with planner(self._month.connection, enable_nestloop="off"):  # as in _drop_repeated
                self._month.run("match_again")

    def _publish_users(self) -> None:
        month = self._month
        month.run("decide_users")
        add_rows(month.connection, "users", month.number("count_new_users"))
        month.into_star(sql_queries.user_table_insert, sql.Identifier("latest"))
        month.run("keep_latest_plays")

    def _insert_heard_songs(self) -> None:
        self._month.run("insert_heard_songs")
        index_heard_songs(self._month.connection)

    def _remove_unheard_songs(self) -> None:
        if self._has_repeated or self._has_clashes:
            self._month.run("remove_unheard_songs")
        if self._has_clashes:
            self._month.run("remove_replaced_songs")

    def _take_levels(self) -> None:
        self._month.run("find_touched_days")
        self._month.run("take_levels")

    def _compute_levels(self) -> None:
        self._month.run("find_plays")
        plays = {
            "plays": sql.SQL(_levels["plays_of_touched_days"]),
            "heard_plays": sql.SQL(_levels["heard_plays_of_touched_days"]).format(**self._month.names),
        }
        definition = sql.SQL(queries_of("user_level_days")["definition"]).format(**plays)
        self._month.run("compute_levels", definition=definition)

    def _rollups(self) -> ListeningRollups:
        return ListeningRollups(self._month.connection, self._month.names, late_before=self._since.date())


class Attach(Publication):
    """Turns the staged tables into partitions: the warehouse has no plays of these days."""

    def __init__(self, month: StagedMonth, summary: MonthSummary, background: Background | None) -> None:
        super().__init__(month, summary, background)
        self._sessions = self._known_sessions()
        self._days = self._staged_days()
        self._activity = StagedActivity(month.span, month.tables, self._sessions)

    def _drop_repeated(self) -> None:
        """Drop repeated plays; then begin to make keys and to count, if there were none."""
        super()._drop_repeated()
        if self._are_plays_as_staged:
            # The publication makes the keys of `heard_plays` itself: it would wait for them, because the
            # second connection has as much to do until the days of users are needed.
            self._submit("frozen", self._freeze, as_whole=False)
            self._submit("songplays", partial(self._add_keys, "songplays"))
            if not self._summary.overlaps:  # else `time` has rows twice
                self._submit("time", partial(self._add_keys, "time"))
        if self._are_days_as_staged:
            self._submit_counts()

    @property
    def _are_plays_as_staged(self) -> bool:
        return self._summary.is_matched and self._are_days_as_staged

    @property
    def _are_days_as_staged(self) -> bool:
        """Whether the staged days of users are those of all plays that are attached."""
        return self._summary.earliest >= self._since and not self._has_repeated

    def _submit_counts(self) -> None:
        self._submit("user_days", partial(self._days.prepare, in_background=True))
        is_new = self._summary.covered_until is None
        if is_new and not self._month.span.is_attached(self._month.connection, "page_views"):
            self._submit("page_views", self._count_activity)

    def _count_activity(self, connection: Connection[Any]) -> None:
        month = self._month
        month.span.add_keys(connection, "page_views", month.tables["page_views"], unique=not month.is_ahead)
        self._activity.prepare(connection)

    def counted_activity(self) -> StagedActivity | None:
        """What the month comes to, if it was counted in the background; wait for it."""
        is_counted = self._wait_for("page_views")
        if self._sessions:
            self._sessions.free()
        return self._activity if is_counted else None

    def _submit(self, name: str, work: Work, *, as_whole: bool = True) -> None:
        if self._background and self._summary.plays >= MANY_PLAYS:
            self._submitted[name] = self._background.submit(work, as_whole=as_whole)

    def _freeze(self, connection: Connection[Any]) -> None:
        connection.execute(sql.SQL(_attach["freeze"]).format(**self._month.tables))

    def _add_keys(self, table: str, connection: Connection[Any]) -> None:
        # If this publication fails, the run may stage a play again, and must be able to.
        unique = not self._month.is_ahead
        self._span().add_keys(connection, table, self._month.tables[table], unique=unique)

    def _wait_for(self, name: str) -> bool:
        """Wait for some work, if it was submitted; returns whether it was done."""
        return name in self._submitted and succeeded(self._submitted[name])

    def _attach(self, table: str) -> None:
        self._wait_for(table)  # what is not ready, attaching completes
        self._span().attach(self._month.connection, table, self._month.tables[table])

    def _publish_plays(self) -> None:
        self._attach_plays("counts_as_staged" if self._are_plays_as_staged else "counts_now")

    def _publish_rollups(self) -> None:
        rollups = self._rollups()
        are_ready = self._wait_for("user_days")
        # If that work failed, its tables are gone, but `self._days` would still publish them.
        days = self._days if are_ready else self._staged_days()
        rollups.attach(self._span(), days, as_staged=not self._has_repeated, are_ready=are_ready)
        rollups.update()

    def _attach_plays(self, counts: str) -> None:
        """Attach the plays; the query `counts` counts them."""
        month, connection = self._month, self._month.connection
        times_twice = month.run("unique_times").rowcount if self._summary.overlaps else 0
        songplays, matched, times = month.row(counts, times_twice=sql.Literal(times_twice))
        checked = self._checked_by(month.number("times_there"))
        add_rows(connection, "songplays", songplays)
        add_rows(connection, "matched", matched)
        add_rows(connection, "time", times)
        self._attach("time")
        with planner(connection, **checked):
            self._attach("songplays")
        self._attach("heard_plays")

    def _checked_by(self, times: int) -> dict[str, str]:
        """Planner settings that decide how foreign keys are checked when `time` has `times` rows."""
        plays, staged = self._summary.plays, sql.Literal(self._month.tables["songplays"].as_string())
        is_frozen = self._wait_for("frozen") and self._month.row("is_frozen", staged=staged)[0]
        return {
            "enable_hashjoin": "on" if times <= FEW_TIMES * plays and not is_frozen else "off",
            "enable_mergejoin": "on" if times <= MANY_TIMES * plays else "off",
        }

    def _known_sessions(self) -> MonthSessions | None:
        """The sessions of the month, if they have exactly the staged plays, and these are new."""
        sessions = self._month.sessions.of(self._month.date)
        # Forgetting somebody changes the catalogue's version, too.
        is_whole = sessions.plays == self._summary.plays and self._summary.earliest >= self._since
        return sessions if self._summary.is_matched and is_whole else None

    def _staged_days(self) -> StagedDays:
        sessions = None if self._has_repeated else self._sessions
        return StagedDays(self._span(), self._month.tables, sessions)

    def _span(self) -> Span:
        """The partition's span: to the end of the month, or of the last day when there are many plays."""
        end = self._month.span.until
        if self._summary.plays >= MANY_PLAYS:
            end = min(_midnight_after(self._summary.latest), end)
        return Span(self._since, end)


class Insert(Publication):
    """Inserts rows into existing partitions: the warehouse has plays of all these days."""

    def _publish_plays(self) -> None:
        self._has_clashes = insert_plays(self._month, self._month.tables)

    def _publish_rollups(self) -> None:
        self._rollups().update()


class Split(Attach):
    """Inserts the first days, which the warehouse has plays of, and attaches the others."""

    def _publish_plays(self) -> None:
        self._month.run("set_late_aside")
        self._has_clashes = insert_plays(self._month, LATE)
        self._attach_plays("counts_now")


def _midnight_after(moment: datetime) -> datetime:
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)
