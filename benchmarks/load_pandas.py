"""pandas loads the raw events into one table with read_json and to_sql, as its documentation shows first.

    python -m benchmarks.load_pandas DSN FOLDER

It prints the number of rows that it loaded.
"""

import sys
from pathlib import Path

import pandas as pd
import psycopg
import sqlalchemy


def main() -> None:
    """Load the folder of the arguments."""
    dsn, folder = sys.argv[1:]
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    rows = 0
    for file in sorted(Path(folder).rglob("*.json")):
        events = pd.read_json(file, lines=True, convert_dates=False)
        events.to_sql("events", engine, if_exists="append", index=False)
        rows += len(events)
    print(rows)


if __name__ == "__main__":
    main()
