"""Copy rows into tables by binary COPY, the fastest way into PostgreSQL."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, LiteralString

import pyarrow as pa
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import Connection, sql
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

_BATCH_ROWS: Final = 20_000


def copy_table(
    connection: Connection[Any], target: sql.Identifier, rows: pa.Table, columns: Iterable[str] = ()
) -> None:
    """Copy an Arrow table whose columns are in the order of the target's columns, or of `columns`.

    The wire format has lengths but no types: 16 bytes become a uuid, and a UTC timestamp a timestamptz.
    """
    if not rows.num_rows:
        return
    encoder = ArrowToPostgresBinaryEncoder(rows.schema)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} {} FROM STDIN (FORMAT binary)").format(
        target, sql.SQL("({})").format(names) if columns else sql.SQL("")
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
            copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())


def fetch_table(connection: Connection[Any], query: LiteralString, schema: pa.Schema) -> pa.Table:
    """Fetch a query's rows as an Arrow table, with no Python object for each value. No value may be NULL."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
        data = b"".join(copy)
    if not data:
        return schema.empty_table()
    return read_csv(
        pa.py_buffer(data),
        read_options=ReadOptions(column_names=schema.names, use_threads=False),
        parse_options=ParseOptions(newlines_in_values=True),
        convert_options=ConvertOptions(column_types=schema, strings_can_be_null=False),
    )


def copy_rows(
    connection: Connection[Any],
    target: sql.Identifier,
    columns: dict[str, str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Copy a few Python rows. `columns` maps the names of the target's columns to their PostgreSQL types."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        target, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)
