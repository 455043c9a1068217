"""How fast the simulator is, against other ways to write the same lines and against the bare disk.

    python benchmarks/simulate.py [--events N] [--songs N] [--folder DIR]

It prints one table. Everything runs in turn on the same machine and disk, so rely on the ratios. Song files
are written below the folder and in memory (/dev/shm), which leaves out the disk.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sparkify.simulate.catalogue import catalogue_of, log_text
from sparkify.simulate.days import Events, days_of
from sparkify.simulate.lines import Lines
from sparkify.simulate.people import people_of
from sparkify.simulate.songfiles import song_path, song_texts
from sparkify.simulate.world import World, day_number
from sparkify.simulate.writing import LINES_AT_ONCE

EVENTS_A_PERSON_DAY = 3.7
_MEMORY = Path("/dev/shm")  # noqa: S108  exists on Linux; left out elsewhere
_ONE_RUN = """
import json, resource, sys
from datetime import date
from sparkify.simulate import OPENED, simulate
settings = json.loads(sys.argv[2])
start = date.fromisoformat(settings.pop("start", str(OPENED)))
report = simulate(sys.argv[1], start=start, **settings)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "seconds": report.seconds,
    "cpu": sum(u.ru_utime + u.ru_stime for u in used),
    "files": report.files,
    "events": report.events,
    "mb": max(u.ru_maxrss for u in used) / 1024,
}))
"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--events", type=int, default=3_000_000, help="about how many events the large run makes"
    )
    parser.add_argument("--songs", type=int, default=100_000, help="songs in the catalogue, one a file")
    parser.add_argument("--folder", type=Path, help="where to write (default: the temporary folder)")
    args = parser.parse_args()
    # Files are removed at the end: for minutes after many were deleted, ext4 creates files slowly.
    folder = Path(tempfile.mkdtemp(prefix="sparkify-benchmark-", dir=args.folder))
    memory = Path(tempfile.mkdtemp(prefix="sparkify-benchmark-", dir=_MEMORY)) if _MEMORY.is_dir() else None
    try:
        print("| what | measured |\n| --- | --- |")
        _load("before")
        # First, while this process is small: the peak memory of a child includes that of the process that
        # forked it.
        _memory(folder)
        _command(folder)
        _whole(folder, args.events)
        _songs(folder, args.songs, "")
        if memory:
            _songs(memory, args.songs, ", in memory")
        _ways(folder)
        _load("after")
    finally:
        shutil.rmtree(folder)
        if memory:
            shutil.rmtree(memory)


def _load(when: str) -> None:
    _say(f"load average of the machine, {when}", f"{os.getloadavg()[0]:.1f}")


def _say(what: str, measured: str) -> None:
    print(f"| {what} | {measured} |", flush=True)


def _run(out: Path, **settings: Any) -> dict[str, float]:
    words = [sys.executable, "-c", _ONE_RUN, str(out), json.dumps({"packed": True, **settings})]
    result: dict[str, float] = json.loads(
        subprocess.run(words, check=True, capture_output=True, text=True).stdout
    )
    return result


def _rates(got: dict[str, float], what: str) -> str:
    # The second figure leaves out waiting for the disk and for other programs.
    by_clock, by_cpu = got[what] / got["seconds"], got[what] / got["cpu"]
    return f"{by_clock:,.0f} {what}/s; {by_cpu:,.0f} a second of CPU; {got['mb']:.0f} MB"


def _command(folder: Path) -> None:
    times = []
    for turn in range(3):
        begun = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "sparkify", "simulate", folder / f"sample-{turn}"],
            check=True,
            capture_output=True,
        )
        times.append(time.perf_counter() - begun)
    _say(
        "`sparkify simulate OUT`, the whole command, best and worst of 3",
        f"{min(times):.1f} and {max(times):.1f} s",
    )


def _whole(folder: Path, events: int) -> None:
    users = int(events / 60 / EVENTS_A_PERSON_DAY)
    for workers in (1, 2):
        got = _run(folder / f"whole-{workers}", users=users, days=60, songs=20_000, workers=workers)
        _say(f"{got['events']:,} events, start-up included, workers: {workers}", _rates(got, "events"))
    got = _run(folder / "dirty", users=users, days=60, songs=20_000, workers=2, dirt=0.05)
    _say("the same with 5 % dirt, workers: 2", _rates(got, "events"))
    got = _run(folder / "zipped", users=users // 4, days=60, songs=20_000, workers=2, zipped=True)
    _say("a quarter of it with gzip, workers: 2", _rates(got, "events"))
    size = sum(path.stat().st_size for path in (folder / "whole-2/log_data").rglob("*.json"))
    begun = time.perf_counter()
    with (folder / "bare").open("wb", buffering=0) as file:
        for _ in range(size // 8_000_000):
            file.write(bytes(8_000_000))
    seconds = time.perf_counter() - begun
    _say("as many bytes of zeros, written and no more", f"{4 * got['events'] / seconds:,.0f} events/s")


def _memory(folder: Path) -> None:
    for days in (1, 30, 365):
        # All end on the same day, because the number of people grows and days are compared.
        start = date(2019, 10, 31) - timedelta(days - 1)
        settings = {"users": 2_000, "days": days, "songs": 2_000, "workers": 1}
        got = _run(folder / f"days-{days}", start=str(start), **settings)
        _say(f"peak memory, {days} day(s) of 2,000 people", f"{got['mb']:.0f} MB")


def _songs(folder: Path, songs: int, where: str) -> None:
    for workers in (1, 2):
        got = _run(folder / f"songs-{workers}", users=1, days=1, songs=songs, workers=workers, packed=False)
        _say(f"{songs:,} song files{where}, workers: {workers}", _rates(got, "files"))
    world = World(1, songs, songs * 2 // 5, 1, date(2018, 11, 1), 0.2, 0.0)
    catalogue = catalogue_of(world)
    paths = sorted(folder / "bare-songs" / f"{song_path(catalogue, song)}.json" for song in range(songs))
    texts = [text.encode() for text in song_texts(catalogue, range(songs))]
    begun, cpu = time.perf_counter(), time.process_time()
    for path, text in zip(paths, texts, strict=True):
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.write(file, text)
        os.close(file)
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    _say(
        f"the same files{where}, ready-made, created and written in a loop",
        f"{songs / took:,.0f} files/s; {songs / cpu:,.0f} a second of CPU",
    )


def _ways(folder: Path) -> None:
    """Write the same events to a file by other means, in one thread."""
    world = World(20_000, 20_000, 8_000, 1, date(2018, 11, 1), 0.2, 0.0)
    day = day_number(date(2018, 11, 7))
    catalogue = catalogue_of(world)
    people = people_of(world, catalogue, world.people(day + 2))
    lines = Lines(catalogue, people)
    begun = time.process_time()
    ((_, events),) = list(days_of(world, catalogue, people, day, day))
    _say("making the events (one day, and the sessions of the day before)", _rate(begun, len(events)))
    table = _table(events, lines)

    def fragments(path: Path) -> None:
        with path.open("wb") as file:
            for first in range(0, len(events), LINES_AT_ONCE):
                file.write(lines.of(events.take(slice(first, first + LINES_AT_ONCE)))[0])

    ways = {
        "lines: fragments by one Arrow take (ours)": fragments,
        "lines: pyarrow, fields joined by binary_join_element_wise": lambda path: _arrow(table, path),
        "lines: DuckDB, COPY … (FORMAT json)": lambda path: _duckdb(table, path, "json"),
        "lines: DuckDB, strings put together, COPY as CSV": lambda path: _duckdb(table, path, "csv"),
        "lines: json.dumps": lambda path: _json(table, path),
    }
    for what, way in ways.items():
        best = float("inf")
        for turn in range(3):
            begun = time.process_time()
            way(folder / f"way-{turn}")
            best = min(best, time.process_time() - begun)
        _say(what, f"{len(events) / best:,.0f} events/s a core")


def _rate(begun: float, events: int) -> str:
    return f"{events / (time.process_time() - begun):,.0f} events/s a core"


def _table(events: Events, lines: Lines) -> pa.Table:
    """The events' fields as columns, for the other ways of writing; making this table is not timed."""
    text, _ = lines.of(events)
    rows = [json.loads(line) for line in bytes(text).decode().splitlines()]
    return pa.Table.from_pylist(rows)


def _arrow(table: pa.Table, path: Path) -> None:
    parts: list[Any] = []
    for n, name in enumerate(table.column_names):
        column = table[name].combine_chunks()
        if pa.types.is_string(column.type):
            # Dictionary-encode the text, so that each is escaped only once, as in the simulator.
            coded = column.dictionary_encode()
            escaped = pa.array([log_text(t) for t in coded.dictionary.to_pylist()])
            column = escaped.take(coded.indices)
        else:
            column = column.cast(pa.string())
        parts += [f'{"," if n else "{"}"{name}":', pc.fill_null(column, "null")]
    joined = pc.binary_join_element_wise(*parts, "}\n", "")
    with path.open("wb") as file:
        file.write(memoryview(joined.buffers()[2]))


def _duckdb(table: pa.Table, path: Path, form: str) -> None:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("events", table)
        if form == "json":
            connection.execute(f"COPY events TO '{path}' (FORMAT json)")
            return
        fields = " || ',' || ".join(
            f"""'"{name}":' || coalesce(CAST(to_json("{name}") AS VARCHAR), 'null')"""
            for name in table.column_names
        )
        connection.execute(
            f"COPY (SELECT '{{' || {fields} || '}}' FROM events) TO '{path}' "  # noqa: S608
            "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')"
        )


def _json(table: pa.Table, path: Path) -> None:
    rows = table.to_pylist()
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/") + "\n")


if __name__ == "__main__":
    main()
