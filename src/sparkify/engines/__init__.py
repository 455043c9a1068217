"""Engines run the batches of a load, here or on a cluster. All call the same `stage(batch)`, so they cannot disagree."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from sparkify.errors import UsageError
from sparkify.extract.batches import Batch, Range, Survey
from sparkify.report import Staged


class Engine(Protocol):
    """Runs the batches of a load until the block ends, `workers` at a time."""

    workers: int

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; gives the results in the order of the ranges."""

    def stage(self, run_id: int, planned_at: float, batches: list[Batch]) -> Iterator[Staged]:
        """Stage the batches of a run; gives the result of each when it is done."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, and release what it holds."""


def choose_engine(
    name: str, master: str | None, conf: Mapping[str, str]
) -> Callable[[str, int | None], Engine]:
    """The function that opens an engine, ``local`` or ``spark``, given a DSN and the number of workers.

    `master` and `conf` are for Spark.

    Raises:
        UsageError: there is no such engine, or `master` or `conf` is given for another one than Spark.
    """
    if name == "spark":
        from sparkify.engines.spark import engine  # noqa: PLC0415  only when it is wanted

        return lambda dsn, workers: engine.Engine(dsn, workers, master, conf)
    if name != "local":
        raise UsageError(f"There is no engine {name!r}, but local and spark.")
    if master or conf:
        raise UsageError("--master and --conf are for --engine spark.")
    from sparkify.engines import local  # noqa: PLC0415

    return local.Engine
