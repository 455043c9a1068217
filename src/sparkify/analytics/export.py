"""Export rejected lines as NDJSON, one object a line, in constant memory."""

import base64
import json
import sys
from contextlib import nullcontext
from typing import Any, Final, TextIO

from psycopg.rows import dict_row

from sparkify.analytics.state import reject_filter
from sparkify.database.queries import queries
from sparkify.database.reading import reader
from sparkify.errors import SparkifyError
from sparkify.server.home import expanded

_sql: Final = queries("analytics/state")

_ROWS: Final = 100
"""Rows fetched at a time: each may have a MiB of evidence."""


def export_rejects(
    out: str | None = None,
    *,
    dsn: str | None = None,
    path: str | None = None,
    reason: str | None = None,
    run: int | None = None,
) -> int:
    """Write rejected lines to the file `out`, or to stdout; returns how many.

    ``record`` is the text of the line. If that is not UTF-8, ``record`` is null and ``record_base64`` has the
    bytes.

    Raises:
        UsageError: there is no such reason.
        SparkifyError: the file cannot be written.
    """
    parameters = reject_filter(path, reason, run) | {"limit": None}
    count = 0
    with (
        reader(dsn) as connection,
        connection.transaction(),
        connection.cursor("rejects", row_factory=dict_row) as cursor,
    ):
        cursor.itersize = _ROWS
        cursor.execute(_sql["rejects_show"], parameters)
        try:
            with open(expanded(out), "w", encoding="ascii") if out else nullcontext(sys.stdout) as target:
                for row in cursor:
                    _write(target, row)
                    count += 1
        except BrokenPipeError:
            raise
        except OSError as error:
            raise SparkifyError(f"Cannot write {out or 'to stdout'}: {error.strerror}.") from error
    return count


def _write(target: TextIO, row: dict[str, Any]) -> None:
    record: bytes = row.pop("record")
    try:
        text, encoded = record.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(record).decode()
    json.dump(row | {"record": text, "record_base64": encoded}, target)
    target.write("\n")
