"""The limit: the server COPYs the finished rows of every table from its own files.

It makes the same tables with the same keys and indexes, in the fastest order known: it COPYs all rows,
frozen, into tables without keys, then adds primary keys and indexes, then foreign keys, then attaches the
months. It reads the wanted tables from the catalog of a database that the product has loaded, so that none is
missing.
"""

import re
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Self

import psycopg

from benchmarks.schema import Schema, Table, describe
from sparkify.create_tables import create_tables
from sparkify.database.connection import connect
from sparkify.database.queries import queries
from sparkify.schema.rollups import NAMES

# With so few rows it costs more to build the keys again than to keep them.
_FEW_ROWS: Final = 1_000

# Tables that the product analyzes with a tenth of the usual sample (SAMPLE in publish/counts.py).
_ROLLUPS: Final = re.compile(rf"\b({'|'.join((*NAMES, 'heard_songs'))})(_\d|$)")

STAR: Final = ("public.songplays", "public.users", "public.songs", "public.artists", 'public."time"')
"""The star, as the catalog writes the names of its tables."""

_SEQUENCES: Final = """
SELECT format('SELECT setval(%L, %s)', format('%I.%I', schemaname, sequencename), last_value)
FROM pg_sequences WHERE last_value IS NOT NULL
"""


@dataclass(frozen=True)
class Ready:
    """A loaded warehouse as files on the server, one for each table, and its description from the catalog."""

    folder: Path
    schema: Schema
    sequences: list[str]

    def star(self) -> "Ready":
        """The five tables of the star alone, without sequences."""
        tables = {name: table for name, table in self.schema.tables.items() if (table.parent or name) in STAR}
        analyzed = [name for name in self.schema.analyzed if name.removeprefix("ONLY ") in tables]
        return Ready(self.folder, Schema(tables, analyzed, definitions=[]), sequences=[])

    def file(self, table: str) -> str:
        """The file of a table's rows, as an SQL literal."""
        return "'" + str(self.folder / f"{table}.bin").replace("'", "''") + "'"


def dump(dsn: str, folder: Path) -> Ready:
    """Write every table of a loaded warehouse into a folder on the server."""
    schema = describe(dsn, checksums=True)
    with connect(dsn) as connection:
        sequences = [statement for (statement,) in connection.execute(_SEQUENCES)]
        ready = Ready(folder, schema, sequences)
        for table in schema.tables.values():
            if not table.is_partitioned:
                connection.execute(f"COPY {table.name} TO {ready.file(table.name)} (FORMAT binary)")
    return ready


def differences(dsn: str, ready: Ready) -> list[str]:
    """How a warehouse differs from the dumped one: definitions, rows, checksums. Empty if it does not."""
    return ready.schema.differences(describe(dsn, checksums=True))


def load(dsn: str, ready: Ready, connections: int) -> None:
    """Make the warehouse from the files, over this number of connections."""
    create_tables(dsn)
    with _Connections(dsn, connections) as pool:
        tables = ready.schema.tables.values()
        plain = [table for table in tables if not table.parent]
        months = [table for table in tables if table.parent]
        pool.now(queries("publish/listening")["index_heard_songs"])  # as the first load does
        pool.now("; ".join(_drop_keys(plain)))
        for done in [
            pool.queue(_fill, ready, table) for table in _largest_first(plain) if not table.is_partitioned
        ]:
            done.result()
        pool.now(
            "; ".join(
                [*ready.sequences, *(_add_foreign_keys(table) for table in plain if table.foreign_keys)]
            )
        )

        # Tables that others refer to come first, then those with foreign keys, then the rest, so that no
        # connection has to wait.
        referenced = {key[2] for table in tables for key in table.foreign_keys}
        attached: dict[str, list[Future[None]]] = {}
        for month in sorted(
            months, key=lambda month: (month.parent not in referenced, not month.foreign_keys)
        ):
            wait_for = [done for key in month.foreign_keys for done in attached.get(key[2], [])]
            done = pool.queue(_make_month, ready, month, wait_for)
            attached.setdefault(str(month.parent), []).append(done)
        for done in [done for parent in attached.values() for done in parent]:
            done.result()
        # These lock the tables that they refer to, so they come last.
        for month in months:
            if month.foreign_keys:
                pool.now(_attach(month))
        for done in [pool.queue(_analyze, name) for name in ready.schema.analyzed]:
            done.result()


class _Connections:
    """Connections that take work from one queue."""

    def __init__(self, dsn: str, count: int) -> None:
        self._free: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        self._all = [connect(dsn) for _ in range(count)]
        for connection in self._all:
            connection.execute("SET search_path = pg_catalog; SET TimeZone = 'UTC'")
            self._free.put(connection)
        self._pool = ThreadPoolExecutor(count)

    def queue(self, work: Callable[..., None], *arguments: Any) -> Future[None]:
        def run() -> None:
            connection = self._free.get()
            try:
                work(connection, *arguments)
            finally:
                self._free.put(connection)

        return self._pool.submit(run)

    def now(self, statements: str) -> None:
        self.queue(_execute, statements).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for connection in self._all:
            connection.close()


def _execute(connection: psycopg.Connection[Any], statements: str) -> None:
    if statements:
        connection.execute(statements)


def _analyze(connection: psycopg.Connection[Any], table: str) -> None:
    """Analyze with the sample size that the product uses."""
    if _ROLLUPS.search(table):
        connection.execute(
            f"SET default_statistics_target = 10; ANALYZE {table}; RESET default_statistics_target"
        )
    else:
        connection.execute(f"ANALYZE {table}")


def _fill(connection: psycopg.Connection[Any], ready: Ready, table: Table) -> None:
    """Fill one table. A large one has no keys while it is filled."""
    with connection.transaction():
        # COPY can freeze rows only in the transaction that truncated the table.
        connection.execute(
            f"TRUNCATE {table.name}; COPY {table.name} FROM {ready.file(table.name)} (FORMAT binary, FREEZE)"
        )
        if table.rows >= _FEW_ROWS:
            _execute(connection, _add_keys(table))


def _make_month(
    connection: psycopg.Connection[Any], ready: Ready, month: Table, wait_for: list[Future[None]]
) -> None:
    with connection.transaction():
        # A constraint with the bounds of the month saves ATTACH from reading the table again.
        connection.execute(
            f"CREATE TABLE {month.name} (LIKE {month.parent} INCLUDING CONSTRAINTS,"
            f" CONSTRAINT bounds CHECK ({month.condition}));"
            f"COPY {month.name} FROM {ready.file(month.name)} (FORMAT binary, FREEZE)"
        )
        _execute(connection, _add_keys(month))
    if not month.foreign_keys:
        connection.execute(_attach(month))
        return
    for done in wait_for:
        done.result()
    # Validated separately, so that two months can be validated at once.
    added = ", ".join(f"ADD CONSTRAINT {name} {text} NOT VALID" for name, text, _ in month.foreign_keys)
    connection.execute(f"ALTER TABLE {month.name} {added}")
    for name, _, referenced in month.foreign_keys:
        # A hash join would hash all months of `time`; both sides have an ordered index instead.
        hashed = "off" if ready.schema.tables[referenced].is_partitioned else "on"
        connection.execute(
            f"SET enable_hashjoin = {hashed}; ALTER TABLE {month.name} VALIDATE CONSTRAINT {name}"
        )


def _attach(month: Table) -> str:
    return (
        f"ALTER TABLE {month.parent} ATTACH PARTITION {month.name} {month.bounds};"
        f"ALTER TABLE {month.name} DROP CONSTRAINT bounds"
    )


def _drop_keys(tables: list[Table]) -> list[str]:
    """Statements that drop the foreign keys of all tables, then the other keys and indexes of large ones."""
    statements = [
        f"ALTER TABLE {table.name} "
        + ", ".join(f"DROP CONSTRAINT {name}" for name, _, _ in table.foreign_keys)
        for table in tables
        if table.foreign_keys
    ]
    for table in tables:
        if not table.is_partitioned and table.rows >= _FEW_ROWS:
            statements += [f"ALTER TABLE {table.name} DROP CONSTRAINT {name}" for name, _ in table.keys]
            statements += [f"DROP INDEX {table.name.rpartition('.')[0]}.{name}" for name, _ in table.indexes]
    return statements


def _add_keys(table: Table) -> str:
    statements = [f"ALTER TABLE {table.name} ADD CONSTRAINT {name} {text}" for name, text in table.keys]
    return "; ".join(statements + [text for _, text in table.indexes])


def _add_foreign_keys(table: Table) -> str:
    added = ", ".join(f"ADD CONSTRAINT {name} {text}" for name, text, _ in table.foreign_keys)
    return f"ALTER TABLE {table.name} {added}"


def _largest_first(tables: list[Table]) -> list[Table]:
    return sorted(tables, key=lambda table: -table.rows)
