"""The measurements: each function loads something into a new database and returns what that took."""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import limit
from benchmarks.data import Dataset, add_day
from benchmarks.measure import Usage, run
from benchmarks.phases import Profile, profile
from benchmarks.results import Figures
from benchmarks.server import BenchServer
from benchmarks.sizes import bytes_a_play
from sparkify.create_tables import open_warehouse
from sparkify.database.connection import connect
from sparkify.sql_queries import create_table_queries

PYTHON: Final = sys.executable

# Tutorials have no partitions, so one partition of each table holds all times.
_PARTITIONS: Final = """
CREATE TABLE time_all PARTITION OF time DEFAULT;
CREATE TABLE songplays_all PARTITION OF songplays DEFAULT
"""
_TITLE_INDEX: Final = "CREATE INDEX songs_title ON songs (title)"


def etl(dsn: str, arguments: Sequence[str], usage: Usage) -> dict[str, Any]:
    """Run the whole command and return its report.

    Raises:
        RuntimeError: it failed.
    """
    said = run([PYTHON, "-m", "sparkify", "etl", *arguments, "--dsn", dsn, "--json"], usage)
    report: dict[str, Any] = json.loads(said)
    return report


def measure_etl(server: BenchServer, data: Dataset) -> Usage:
    """Measure a whole load, from JSON to validated keys, including the program's start and new tables."""
    with server.database() as dsn:
        with server.measured() as usage:
            report = etl(dsn, data.arguments, usage)
        _expect(report["rows"]["songplays"], data.plays)
        return usage


def measure_rollups(server: BenchServer, data: Dataset, *, kept: bool) -> Usage:
    """Load with or without rollups, into tables that exist already."""
    program = "sparkify" if kept else "benchmarks.without_rollups"
    with server.database() as dsn:
        open_warehouse(dsn).close()
        with server.measured() as usage:
            run([PYTHON, "-m", program, "etl", *data.arguments, "--dsn", dsn, "--json"], usage)
        return usage


def measure_engine(
    server: BenchServer, logs: Path, workers: int, *, spark: bool, one_file_a_batch: bool = False
) -> Usage:
    """Load only plays, with this many workers: threads, or Spark executors of one core each."""
    program = "benchmarks.one_file_a_batch" if one_file_a_batch else "sparkify"
    command = [PYTHON, "-m", program, "etl", "--log-data", str(logs), "--json", "--workers", str(workers)]
    if spark:
        command = [PYTHON, "-m", "benchmarks.family", *command, "--engine", "spark", "--master",
                   f"local-cluster[{workers},1,1024]", "--conf", "spark.ui.enabled=false"]  # fmt: skip
    with server.database() as dsn:
        with server.measured() as usage:
            report = json.loads(run([*command, "--dsn", dsn], usage))
        usage.events = report["lines"]["read"]
        return usage


def make_ready(server: BenchServer, data: Dataset, folder: Path) -> tuple[limit.Ready, Figures]:
    """Load a dataset once and write the content of the warehouse into a folder; returns its sizes, too."""
    with server.database() as dsn:
        _expect(etl(dsn, data.arguments, Usage())["rows"]["songplays"], data.plays)
        return limit.dump(dsn, server.folder(folder)), bytes_a_play(dsn, data.plays)


def measure_limit(server: BenchServer, ready: limit.Ready, connections: int, *, check: bool) -> Usage:
    """COPY the finished rows. With `check` the result is compared row by row with the product's: for a whole
    warehouse only.

    Raises:
        RuntimeError: the two differ.
    """
    with server.database() as dsn:
        with server.measured() as usage:
            limit.load(dsn, ready, connections)
        if check and (differences := limit.differences(dsn, ready)):
            raise RuntimeError("The limit's database differs from sparkify's:\n" + "\n".join(differences))
        return usage


def measure_tutorial(
    server: BenchServer, ready: limit.Ready, data: Dataset, plays: int, *, index: bool
) -> Usage:
    """The classic loader, on the first plays of a dataset, with the songs loaded before."""
    with server.database() as dsn, tempfile.TemporaryDirectory() as folder:
        with connect(dsn) as connection:
            for statement in create_table_queries:
                connection.execute(statement)
            connection.execute(_PARTITIONS)
            for name in ("public.artists", "public.songs"):
                connection.execute(f"COPY {name} FROM {ready.file(name)} (FORMAT binary)")
            connection.execute(_TITLE_INDEX if index else "")
            connection.execute("ANALYZE")
        first = min(data.logs.rglob("*.json"))
        lines = [line for line in first.read_bytes().splitlines() if b'"page":"NextSong"' in line][:plays]
        file = Path(folder) / first.name
        file.write_bytes(b"\n".join(lines))
        with server.measured() as usage:
            said = json.loads(run([PYTHON, "-m", "benchmarks.tutorial", dsn, str(file)], usage))
        _expect(said["plays"], plays)
        # For so few plays, the start of the program would be a large part of the time.
        usage.seconds, usage.client_cpu = said["seconds"], said["cpu"]
        return usage


def measure_dlt(server: BenchServer, data: Dataset, form: str) -> Usage:
    """Load the raw events with dlt into one table without keys."""
    with server.database() as dsn, tempfile.TemporaryDirectory() as work:
        with server.measured() as usage:
            run([PYTHON, "-m", "benchmarks.load_dlt", dsn, str(data.logs), form, work], usage)
        return usage


def measure_pandas(server: BenchServer, data: Dataset) -> Usage:
    """Load the raw events with pandas into one table without keys."""
    with server.database() as dsn:
        with server.measured() as usage:
            run([PYTHON, "-m", "benchmarks.load_pandas", dsn, str(data.logs)], usage)
        return usage


def measure_duckdb(server: BenchServer, data: Dataset) -> Usage:
    """Load the raw events with DuckDB's extension for PostgreSQL into one table without keys."""
    with server.database() as dsn:
        with server.measured() as usage:
            run([PYTHON, "-m", "benchmarks.load_duckdb", dsn, str(data.logs)], usage)
        return usage


def profile_etl(server: BenchServer, data: Dataset) -> Profile:
    """Profile a whole load."""
    with server.database() as dsn:
        return profile(server, dsn, data)


def measure_days(server: BenchServer, loaded: Dataset, days: list[Dataset]) -> tuple[list[Usage], Profile]:
    """Load more days, one after the other, into a warehouse that has a dataset; each load is given all
    folders.

    The load of the last day is profiled.
    """
    *timed, profiled = days
    with server.database() as dsn:
        etl(dsn, loaded.arguments, Usage())
        usages = [_one_more(server, dsn, loaded, day) for day in timed]
        add_day(loaded, profiled)
        return usages, profile(server, dsn, loaded)


def _one_more(server: BenchServer, dsn: str, loaded: Dataset, day: Dataset) -> Usage:
    add_day(loaded, day)
    with server.measured() as usage:
        report = etl(dsn, loaded.arguments, usage)
    _expect(report["files"]["new"], 1)
    _expect(report["lines"]["loaded"], day.plays)
    return usage


def measure_songs(server: BenchServer, folder: Path, songs: int) -> tuple[Usage, Usage]:
    """Load a catalogue of one-song files; then run the same command when nothing is new."""
    with server.database() as dsn:
        arguments = ["--song-data", str(folder / "song_data")]
        with server.measured() as loading:
            report = etl(dsn, arguments, loading)
        _expect(report["rows"]["songs"], songs)
        with server.measured() as again:
            report = etl(dsn, arguments, again)
        _expect(report["files"]["new"], 0)
        return loading, again


def measure_sample(server: BenchServer, folder: Path) -> Usage:
    """Load the small sample."""
    with server.database() as dsn:
        with server.measured() as usage:
            etl(dsn, [str(folder)], usage)
        return usage


def measure_questions(server: BenchServer, data: Dataset, folder: Path, repeat: int) -> Figures:
    """Milliseconds of analysts' questions, and of the same questions asked of others."""
    from benchmarks import questions  # noqa: PLC0415  DuckDB is not among the developers' packages

    with server.database() as dsn:
        etl(dsn, data.arguments, Usage())
        with connect(dsn) as connection:
            connection.execute("VACUUM ANALYZE")
        return questions.measure_questions(dsn, folder, data.days, repeat)


def measure_help(server: BenchServer) -> Usage:
    """``sparkify --help``."""
    with server.measured() as usage:
        run([PYTHON, "-m", "sparkify", "--help"], usage)
    return usage


def _expect(found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(f"{found} of {wanted} were loaded.")
