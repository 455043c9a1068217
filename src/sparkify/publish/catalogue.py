"""Publish the catalogue records that a run staged, in one transaction.

Songs and artists get their winning records, and plays follow: a late-arriving song gives plays its ids, a
corrected song moves them, and plays lose the ids of a song that no file names any more.
"""

from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.database.planner import planner
from sparkify.database.queries import queries
from sparkify.publish.books import add_rows
from sparkify.publish.keys import keys_made_last
from sparkify.stage.runs import lock_publisher
from sparkify.stage.tables import catalogue_table

_sql: Final = queries("publish/catalogue")
_CATALOGUE: Final = (
    sql.Identifier("public", "songs"),
    sql.Identifier("public", "artists"),
    sql.Identifier("etl", "catalogue_records"),
    sql.Identifier("etl", "song_keys"),
)
"""The tables that a catalogue fills."""

A_LARGE_CATALOGUE: Final = 10_000
"""From this many records, an empty warehouse gets their keys last. Fewer are inserted in less time than it
takes to drop keys and make them."""


def catalogue_is_staged(connection: Connection[Any], run_id: int) -> bool:
    """Whether the catalogue of a run is still to be published."""
    name = catalogue_table(run_id).as_string(connection)
    return connection.execute(_sql["is_staged"], [name]).fetchone() == (True,)


def publish_catalogue(connection: Connection[Any], run_id: int) -> None:
    """Publish the catalogue records that a run staged; do nothing if they are published already."""
    if not catalogue_is_staged(connection, run_id):  # as mostly: do not wait for the publisher
        return
    with connection.transaction():
        lock_publisher(connection)
        if catalogue_is_staged(connection, run_id):
            _Catalogue(connection, run_id).publish()


class _Catalogue:
    """The staged catalogue inside the transaction that publishes it."""

    def __init__(self, connection: Connection[Any], run_id: int) -> None:
        self._connection = connection
        self._staged = catalogue_table(run_id)
        self._names = {
            "catalogue": self._staged, "run_id": sql.Literal(run_id), "many": sql.Literal(A_LARGE_CATALOGUE),
        }  # fmt: skip

    def publish(self) -> None:
        """Publish it."""
        has_changed = (self._scalar("is_large") and self._fill()) or self._change()
        if has_changed:
            self._run("count")
        self._connection.execute(sql.SQL("DROP TABLE {}").format(self._staged))

    def _fill(self) -> bool:
        """Publish a large catalogue into an empty warehouse; returns whether it could be done.

        Otherwise the warehouse is not empty, or somebody uses it.
        """
        with keys_made_last(self._connection, _CATALOGUE, sql.Identifier("public", "songplays")) as possible:
            if possible:
                for name in ("add_records", "decide_all"):
                    self._run(name)
                self._insert(sql_queries.artist_table_insert, "winning_artists")
                self._insert(sql_queries.song_table_insert, "winning_songs")
                for name in ("add_keys", "note_new_catalogue"):
                    self._run(name)
        return possible

    def _change(self) -> bool:
        """Publish what changes in the catalogue, and let plays follow. Returns whether anything does."""
        self._run("find_touched")
        if not self._scalar("touches_any"):
            return False
        # While songs move between artists, foreign keys are broken for a moment.
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")
        self._run("remove_earlier_records")
        self._run("add_records")
        self._decide()
        self._insert(sql_queries.artist_table_insert + sql_queries.artist_table_update, "winning_artists")
        self._insert(sql_queries.song_table_insert + sql_queries.song_table_update, "winning_songs")
        self._run("remove_songs")
        self._rematch()
        return True

    def _decide(self) -> None:
        """Find the winning records of the songs and artists that were touched."""
        if self._scalar("touches_much"):
            self._run("decide_at_once")
        else:
            with planner(self._connection, enable_seqscan="off"):
                self._run("decide_one_by_one")

    def _insert(self, statement: LiteralString, winners: str) -> None:
        self._connection.execute(sql.SQL(statement).format(staged=sql.Identifier(winners)))

    def _rematch(self) -> None:
        """Match heard songs and plays with the changed catalogue."""
        self._run("drop_old_keys")
        self._run("add_keys")
        self._run("note_change")
        self._run("rematch")
        add_rows(self._connection, "matched", self._scalar("matched_by_catalogue"))
        self._run("apply_matches")

    def _scalar(self, name: str) -> Any:
        return self._run(name).fetchone()[0]

    def _run(self, name: str) -> Any:
        return self._connection.execute(sql.SQL(_sql[name]).format(**self._names))
