"""DuckDB loads the raw events into one table with its extension for PostgreSQL, as its manual shows.

    python -m benchmarks.load_duckdb DSN FOLDER

It reads the JSON lines with all processors and writes them by binary COPY. It prints the number of rows in
the table.
"""

import sys
from pathlib import Path
from typing import Final

import duckdb
import duckdb_extension_postgres_scanner

_EXTENSION: Final = Path(duckdb_extension_postgres_scanner.__file__).parent / "extensions"
_COLUMNS: Final = {
    **dict.fromkeys(
        ("artist", "auth", "firstName", "gender", "lastName", "level", "location", "method", "page", "song",
         "userAgent", "userId"),
        "VARCHAR",
    ),
    **dict.fromkeys(("itemInSession", "sessionId", "status", "ts"), "BIGINT"),
    **dict.fromkeys(("length", "registration"), "DOUBLE"),
}  # fmt: skip


def main() -> None:
    """Load the folder of the arguments."""
    dsn, folder = sys.argv[1:]
    (extension,) = _EXTENSION.rglob("*.duckdb_extension")
    files = [str(file) for file in sorted(Path(folder).rglob("*.json"))]
    with duckdb.connect() as connection:
        connection.load_extension(str(extension))
        connection.execute(f"ATTACH '{dsn}' AS warehouse (TYPE postgres)")
        events = connection.read_json(files, format="newline_delimited", columns=_COLUMNS)
        events.create("warehouse.events")
        print(connection.sql("SELECT count(*) FROM warehouse.events").fetchone())


if __name__ == "__main__":
    main()
