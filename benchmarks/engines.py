"""Compare the engines: the local one and Spark, each with one worker and with two, on the same plays.

Loads of very little data show what Spark adds to a load and to a batch: the same few files as one batch, and
as one batch each.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from benchmarks.results import Figures, Group

FILES: Final = 100
"""The number of files with few plays."""

_WORKERS: Final = (1, 2)
_WHAT: Final = ("seconds", "client_cpu", "server_cpu")


def kinds(*, cut: bool) -> Iterator[tuple[str, bool, int, bool]]:
    """The rows of a group: name, whether it is Spark, workers, whether each file is a batch.

    With `cut` each engine is measured both ways.
    """
    for spark, workers, each in product((False, True), _WORKERS, (False, True) if cut else (False,)):
        yield _name(spark, workers, each), spark, workers, each


def per_million_events(group: Group) -> Figures:
    """Processor seconds for each million lines."""
    body: dict[str, list[float | None]] = {}
    for row in group.rows:
        client, server = (
            row.median(what) * 1e6 / row.median("events") for what in ("client_cpu", "server_cpu")
        )
        body[row.name] = [client, server, client + server]
    return Figures("CPU seconds per million events", ["client", "server", "both"], body)


def overhead(group: Group) -> Figures:
    """How much longer Spark takes than the local engine: for one batch, and for each further batch."""
    body: dict[str, list[float | None]] = {}
    rows = {row.name: row for row in group.rows}
    for workers in _WORKERS:
        load, batch = [], []
        for what in _WHAT:
            one, many = (
                [rows[_name(spark, workers, each)].median(what) for spark in (False, True)]
                for each in (False, True)
            )
            load.append(one[1] - one[0])
            batch.append((many[1] - many[0] - load[-1]) / (FILES - 1))
        of = f"{workers} worker" + "s" * (workers > 1)
        body |= {f"a load, {of}": load, f"a batch, {of}": batch}
    return Figures("what Spark adds", ["seconds", "CPU client", "server"], body)


def _name(spark: bool, workers: int, each: bool) -> str:  # noqa: FBT001
    engine = "spark" if spark else "local"
    return f"{engine}, {workers} worker{'s' * (workers > 1)}" + (f", {FILES} batches" if each else "")
