"""Publish the catalogue records that a run staged: one transaction.

Songs and artists get the winning records; plays follow: a song that comes late gives its plays their ids, a corrected
one moves them, one that no file speaks of any more takes them away.
"""

from typing import Any, Final, LiteralString

from psycopg import Connection, sql

from sparkify import sql_queries
from sparkify.database.queries import queries
from sparkify.stage.tables import catalogue_table, table_exists

_sql: Final = queries("publish/catalogue")
_publish: Final = queries("publish/months")


def catalogue_is_staged(connection: Connection[Any], run_id: int) -> bool:
    """Whether the catalogue of a run is still to be published."""
    return table_exists(connection, catalogue_table(run_id))


def publish_catalogue(connection: Connection[Any], run_id: int) -> None:
    """Publish what a run has staged of the catalogue; nothing happens when that is done already."""
    staged = catalogue_table(run_id)
    names = {"catalogue": staged, "run_id": sql.Literal(run_id)}

    def run(name: str) -> Any:
        return connection.execute(sql.SQL(_sql[name]).format(**names))

    def into_star(statement: LiteralString, winners: str) -> None:
        query = sql.SQL(statement).format(staged=sql.Identifier(winners))
        connection.execute(query)

    with connection.transaction():
        connection.execute(_publish["lock_publisher"])
        if not catalogue_is_staged(connection, run_id):
            return
        # While songs move from artist to artist, keys are broken for a moment within the transaction.
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        run("find_touched")
        run("replace_records")
        (much,) = run("touches_much").fetchone()
        run("decide_at_once" if much else "decide_one_by_one")
        into_star(sql_queries.artist_table_insert, "winning_artists")
        into_star(sql_queries.song_table_insert, "winning_songs")
        run("remove_songs")
        run("rekey")
        run("note_change")
        run("rematch")
        (more,) = run("matched_by_catalogue").fetchone()
        run("apply_matches")
        run("count")
        connection.execute(_publish["add_rows"], [more, "matched"])
        connection.execute(sql.SQL("DROP TABLE {}").format(staged))
