"""Publish the catalogue records that a run staged, in one transaction.

Songs and artists get their winning records, and plays follow: a late-arriving song gives plays its ids, a
corrected song moves them, and plays lose the ids of a song that no file names any more.
"""

from typing import Any, Final

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.books import add_rows
from sparkify.stage.runs import lock_publisher
from sparkify.stage.tables import catalogue_table, table_exists

_sql: Final = queries("publish/catalogue")


def catalogue_is_staged(connection: Connection[Any], run_id: int) -> bool:
    """Whether the catalogue of a run is still to be published."""
    return table_exists(connection, catalogue_table(run_id))


def publish_catalogue(connection: Connection[Any], run_id: int) -> None:
    """Publish the catalogue records that a run staged; do nothing if they are published already."""
    with connection.transaction():
        lock_publisher(connection)
        if catalogue_is_staged(connection, run_id):
            _Catalogue(connection, run_id).publish()


class _Catalogue:
    """The staged catalogue inside the transaction that publishes it."""

    def __init__(self, connection: Connection[Any], run_id: int) -> None:
        self._connection = connection
        self._staged = catalogue_table(run_id)
        self._names = {"catalogue": self._staged, "run_id": sql.Literal(run_id)}

    def publish(self) -> None:
        """Publish it."""
        # While songs move between artists, foreign keys are broken for a moment.
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        self._run("find_touched")
        self._run("replace_records")
        self._decide()
        self._into_star()
        self._rematch()
        self._run("count")
        self._connection.execute(sql.SQL("DROP TABLE {}").format(self._staged))

    def _decide(self) -> None:
        """Find the winning records of the songs and artists that were touched."""
        if self._scalar("touches_much"):
            self._run("decide_at_once")
        else:
            with planner(self._connection, enable_seqscan="off"):
                self._run("decide_one_by_one")

    def _into_star(self) -> None:
        for statement, winners in (
            (sql_queries.artist_table_insert, "winning_artists"),
            (sql_queries.song_table_insert, "winning_songs"),
        ):
            self._connection.execute(sql.SQL(statement).format(staged=sql.Identifier(winners)))
        self._run("remove_songs")

    def _rematch(self) -> None:
        """Match heard songs and plays with the changed catalogue."""
        self._run("rekey")
        self._run("note_change")
        self._run("rematch")
        add_rows(self._connection, "matched", self._scalar("matched_by_catalogue"))
        self._run("apply_matches")

    def _scalar(self, name: str) -> Any:
        return self._run(name).fetchone()[0]

    def _run(self, name: str) -> Any:
        return self._connection.execute(sql.SQL(_sql[name]).format(**self._names))
