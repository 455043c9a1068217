"""dlt loads the raw events into one table, on its fastest paths to PostgreSQL.

    python -m benchmarks.load_dlt DSN FOLDER FORMAT WORK

With the FORMATs ``parquet`` (dlt hands files to ADBC, which uses binary COPY) and ``csv`` (text COPY), Arrow
reads the JSON lines and dlt gets Arrow tables, so that no row passes through Python. With ``own`` dlt reads
the lines itself, as its documentation shows first, and writes CSV. It prints the number of rows in the table.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Two processes prepare files of a few hundred thousand rows, which are loaded in parallel.
os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    "EXTRACT__WORKERS": "2",
    "NORMALIZE__WORKERS": "2",
    "LOAD__WORKERS": "2",
    "DATA_WRITER__FILE_MAX_ITEMS": "200000",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}

import dlt
import pyarrow.json
from dlt.destinations import postgres
from dlt.sources.filesystem import filesystem, read_jsonl


def main() -> None:
    """Load the folder of the arguments."""
    dsn, folder, form, work = sys.argv[1:]
    files = sorted(Path(folder).rglob("*.json"))
    # All days get the same schema, even a day without logged-out users.
    parse = pyarrow.json.ParseOptions(explicit_schema=_schema(), unexpected_field_behavior="ignore")
    read = pyarrow.json.ReadOptions(block_size=16 << 20)

    @dlt.resource(name="events", file_format=form)  # type: ignore[call-overload,untyped-decorator]
    def arrow() -> Iterator[Any]:
        for file in files:
            yield pyarrow.json.read_json(file, parse_options=parse, read_options=read)

    # dlt requires a password, although the server asks for none, and a host, although the URL names a folder.
    target = postgres(dsn.replace("@", ":none@localhost", 1))
    pipeline = dlt.pipeline("bench", pipelines_dir=work, destination=target, dataset_name="raw")
    if form == "own":
        lines = filesystem(bucket_url=folder, file_glob="**/*.json") | read_jsonl()
        pipeline.run(lines.with_name("events"), loader_file_format="csv")
    else:
        pipeline.run(arrow())
    with pipeline.sql_client() as client:
        print(client.execute_sql("SELECT count(*) FROM events")[0][0])


def _schema() -> pyarrow.Schema:
    types = {"itemInSession": "int64", "length": "float64", "registration": "float64", "sessionId": "int64"}
    types |= {"status": "int64", "ts": "int64"}
    names = (
        "artist auth firstName gender itemInSession lastName length level location method page registration"
    )
    names += " sessionId song status ts userAgent userId"
    return pyarrow.schema([(name, types.get(name, "string")) for name in names.split()])


if __name__ == "__main__":
    main()
