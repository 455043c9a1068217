"""Measure: ``python -m benchmarks [--plays 1M …] [--rows …] [--repeat N]``, or ``make bench``.

It writes its data, starts a private PostgreSQL with the settings that the product ships, and runs everything
one after the other, in several rounds. It prints tables of medians, and writes them as JSON and, with
matplotlib, as a picture.
"""

import argparse
import fcntl
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks import data, engines, results, rows
from benchmarks.data import Dataset, World
from benchmarks.limit import Ready
from benchmarks.measure import Usage
from benchmarks.results import LIMIT, Group
from benchmarks.server import BenchServer
from benchmarks.settings import VARIANTS

ROWS: Final = (
    "limit",
    "etl",
    "others",
    "tutorial",
    "phases",
    "day",
    "songs",
    "small",
    "questions",
    "rollups",
    "spark",
    "settings",
)
_A_DAY: Final = 100_000
_TUTORIAL_PLAYS: Final = {False: 1_000, True: 5_000}
_MANY_PLAYS: Final = 1_000_000
_FEW_PLAYS: Final = 200_000


def main() -> None:
    """Run the benchmarks that the arguments choose."""
    options = _parser().parse_args()
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")  # keeps the lock until the program ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another benchmark runs in {folder}. Wait for it: two at once would measure each other.")
    server = BenchServer(folder / "home")
    bench = Bench(server, World(folder / "data", options.songs), folder, options.repeat)
    try:
        by_size = set(options.rows) & {"limit", "etl", "others", "tutorial", "phases"}
        for number, plays in enumerate(options.plays if by_size else []):
            bench.size(plays, by_size, first=number == 0)
        if "day" in options.rows:
            bench.days(options.plays)
        if "songs" in options.rows:
            bench.songs(options.song_files)
        if "small" in options.rows:
            bench.small()
        if "questions" in options.rows:
            for plays in options.plays:
                bench.questions(plays)
        if "rollups" in options.rows:
            for plays in options.plays:
                bench.rollups(plays)
        if "spark" in options.rows:
            bench.spark(options.plays)
        if "settings" in options.rows:
            bench.settings(min(options.plays))
        text = results.as_json(results.machine(server.version), bench.groups)
    finally:
        server.stop()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(text + "\n", encoding="utf-8")
    document = json.loads(text)
    print(results.tables(document, markdown=False))
    try:
        from benchmarks.picture import draw  # noqa: PLC0415  matplotlib is an extra

        draw(document, options.out / "results.svg")
    except ImportError:
        _say("No picture: matplotlib is not installed.")
    _say(f"Written: {options.out}/results.json")


class Bench:
    """The measurements so far, all on one server."""

    def __init__(self, server: BenchServer, world: World, folder: Path, repeat: int) -> None:
        self.groups: list[Group] = []
        self._server = server
        self._repeat = repeat
        self._folder = folder
        self._world = world

    def size(self, plays: int, wanted: set[str], *, first: bool) -> None:
        """The rows that depend on how much is loaded. Other tools load their slices with the first size."""
        whole = self._world.first(plays)
        group = Group(
            f"{whole.plays:,} plays on {whole.days} days, {whole.bytes / 1e6:,.0f} MB of logs,"
            f" {self._world.songs:,} songs"
        )
        self.groups.append(group)
        # This also warms up the files.
        ready, group.figures = rows.make_ready(self._server, whole, self._folder / "ready")
        runs: list[tuple[str, int, Callable[[], Usage]]] = []
        if "limit" in wanted:
            for connections in (1, 2):
                name = LIMIT.replace("1", str(connections)) + ("s" if connections > 1 else "")
                runs.append((name, whole.plays, self._limit(ready, connections)))
            runs.append((f"{LIMIT}, the star alone", whole.plays, self._limit(ready.star(), 1, check=False)))
        if "etl" in wanted:
            runs.append(("sparkify etl", whole.plays, lambda: rows.measure_etl(self._server, whole)))
        if first:
            runs += self._slices(ready, wanted)
        for _ in range(self._repeat):
            for name, units, measure in runs:
                self._measure(group, name, units, measure, shown=whole.plays)
        if not first:
            # Their speed does not depend on the size of the data.
            for row in self.groups[0].rows[len(runs) :]:
                group.row(row.name, row.units, whole.plays).runs = row.runs
        if "phases" in wanted:
            group.profile = rows.profile_etl(self._server, whole).as_dict()
        shutil.rmtree(ready.folder)

    def days(self, sizes: list[int]) -> None:
        """Load one new day into the smallest and into the largest warehouse."""
        for plays in sorted({min(sizes), max(sizes)}):
            loaded = self._world.first(plays)
            days = self._world.days_after(loaded, _A_DAY, self._repeat + 1)
            group = Group(
                f"One new day of {_A_DAY:,} plays in an existing month, among {loaded.plays:,} plays"
            )
            self.groups.append(group)
            row = group.row("sparkify etl, all folders", _A_DAY)
            row.runs, profile = rows.measure_days(self._server, loaded, days)
            group.profile = profile.as_dict()
            _say(f"{group.title}: {row.seconds:.2f} s")

    def songs(self, songs: int) -> None:
        """Load a catalogue of one-song files, then load it again when nothing is new."""
        group = Group(f"{songs:,} song files, one song each")
        self.groups.append(group)
        folder = data.song_files(self._folder / "data", songs)
        loading, again = group.row("sparkify etl", songs), group.row("again, nothing is new", songs)
        for _ in range(self._repeat):
            for row, usage in zip(
                (loading, again), rows.measure_songs(self._server, folder, songs), strict=True
            ):
                row.runs.append(usage)
                _say(f"{row.name}: {usage.seconds:.2f} s")

    def small(self) -> None:
        """Time the first commands of a new user."""
        group = Group("Small things")
        self.groups.append(group)
        sample = data.sample(self._folder / "data")
        for _ in range(self._repeat):
            self._measure(group, "sparkify --help", 1, lambda: rows.measure_help(self._server))
            self._measure(
                group,
                "sparkify etl, the sample of make etl",
                1,
                lambda: rows.measure_sample(self._server, sample),
            )

    def questions(self, plays: int) -> None:
        """Time the questions of analysts."""
        whole = self._world.first(plays)
        group = Group(f"Questions, {whole.plays:,} plays on {whole.days} days")
        self.groups.append(group)
        group.figures = rows.measure_questions(self._server, whole, self._folder, self._repeat)

    def rollups(self, plays: int) -> None:
        """Time a load with and without rollups."""
        whole = self._world.first(plays)
        group = Group(f"Rollups, {whole.plays:,} plays on {whole.days} days")
        self.groups.append(group)
        # Not counted: it creates the WAL files, which later runs reuse.
        self._rollups(whole, kept=True)()
        for _ in range(self._repeat):
            for name, kept in (("sparkify etl", True), ("without rollups", False)):
                self._measure(group, name, whole.plays, self._rollups(whole, kept=kept))

    def _rollups(self, whole: Dataset, *, kept: bool) -> Callable[[], Usage]:
        return lambda: rows.measure_rollups(self._server, whole, kept=kept)

    def spark(self, sizes: list[int]) -> None:
        """Time the local engine and Spark on the same plays, and on very few, which shows the overhead."""
        few = data.pieces(self._folder / "data", engines.FILES)
        group = self._engines(f"{few.plays:,} plays in {few.days} files", few, cut=True)
        group.figures = engines.overhead(group)
        for whole in map(self._world.first, sizes):
            group = self._engines(f"{whole.plays:,} plays, no songs", whole)
            group.figures = engines.per_million_events(group)

    def _engines(self, title: str, logs: Dataset, *, cut: bool = False) -> Group:
        group = Group(f"Engines: {title}")
        self.groups.append(group)
        for _ in range(self._repeat):
            for name, spark, workers, each in engines.kinds(cut=cut):
                self._measure(group, name, logs.plays, self._engine(logs, workers, spark=spark, each=each))
        return group

    def _engine(self, logs: Dataset, workers: int, *, spark: bool, each: bool) -> Callable[[], Usage]:
        return lambda: rows.measure_engine(
            self._server, logs.logs, workers, spark=spark, one_file_a_batch=each
        )

    def settings(self, plays: int) -> None:
        """Time the same load under other settings of the server and under the product's own."""
        whole = self._world.first(plays)
        group = Group(f"Settings of the server, {whole.plays:,} plays")
        self.groups.append(group)
        for _ in range(self._repeat):
            for name, changed in VARIANTS.items():
                with self._server.changed(changed):
                    self._measure(group, name, whole.plays, lambda: rows.measure_etl(self._server, whole))

    def _limit(self, ready: Ready, connections: int, *, check: bool = True) -> Callable[[], Usage]:
        unchecked = [True] if check else []  # the result is compared the first time

        def measure() -> Usage:
            return rows.measure_limit(
                self._server, ready, connections, check=bool(unchecked and unchecked.pop())
            )

        return measure

    def _slices(self, ready: Ready, wanted: set[str]) -> list[tuple[str, int, Callable[[], Usage]]]:
        runs: list[tuple[str, int, Callable[[], Usage]]] = []
        few = self._world.first(_FEW_PLAYS)
        if "others" in wanted:
            many = self._world.first(_MANY_PLAYS)
            runs += [
                (f"dlt, raw events, {form}", many.plays, self._dlt(many, form)) for form in ("parquet", "csv")
            ]
            runs.append(("DuckDB, raw events", many.plays, lambda: rows.measure_duckdb(self._server, many)))
            runs.append(("dlt, raw events, own reader", few.plays, self._dlt(few, "own")))
            runs.append(
                ("pandas to_sql, raw events", few.plays, lambda: rows.measure_pandas(self._server, few))
            )
        if "tutorial" in wanted:
            for index, plays in _TUTORIAL_PLAYS.items():
                name = "tutorial, index on title" if index else "tutorial"
                runs.append((name, plays, self._tutorial(ready, few, plays, index=index)))
        return runs

    def _dlt(self, part: Dataset, form: str) -> Callable[[], Usage]:
        return lambda: rows.measure_dlt(self._server, part, form)

    def _tutorial(self, ready: Ready, part: Dataset, plays: int, *, index: bool) -> Callable[[], Usage]:
        return lambda: rows.measure_tutorial(self._server, ready, part, plays, index=index)

    def _measure(
        self, group: Group, name: str, units: int, measure: Callable[[], Usage], shown: int | None = None
    ) -> None:
        usage = measure()
        group.row(name, units, shown).runs.append(usage)
        _say(f"{name}: {usage.seconds:.2f} s, CPU {usage.client_cpu:.1f} + {usage.server_cpu:.1f} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--plays",
        type=_number,
        nargs="+",
        default=[1_000_000],
        metavar="N",
        help="about how many plays, like 1M 5M 20M (default: 1M)",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=ROWS,
        default=list(ROWS[:-3]),
        help="what to measure (default: all but rollups, spark and settings)",
    )
    parser.add_argument(
        "--songs",
        type=_number,
        default=100_000,
        metavar="N",
        help="songs of the catalogue, one a file (default: 100k)",
    )
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each row (default: 3)")
    parser.add_argument(
        "--song-files",
        type=_number,
        default=100_000,
        metavar="N",
        help="files for the row songs (default: 100k)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(".bench"),
        help="folder for data and server, which are kept (default: .bench)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(".bench"),
        help="folder for results.json and results.svg (default: .bench)",
    )
    return parser


def _number(text: str) -> int:
    match = re.fullmatch(r"(\d+)([kM]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number like 500k or 5M")
    return int(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[match[2]]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
