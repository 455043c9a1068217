"""Engines stage the batches of a load, here or on a cluster. All call the same `stage(batch)`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from sparkify.database.session import Session
from sparkify.errors import UsageError
from sparkify.extract.batches import Batch, Range, Survey
from sparkify.report import StagedBatch


class Engine(Protocol):
    """Stages the batches of a load, `workers` at a time, until the block ends."""

    workers: int

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; returns the results in the order of the ranges."""

    def stage(self, run_id: int, planned_at: float, batches: list[Batch]) -> Iterator[StagedBatch]:
        """Stage the batches of a run; yields the result of each when it is done."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End, and release all resources."""


def choose_engine(
    name: str, master: str | None, conf: Mapping[str, str]
) -> Callable[[Session, int | None], Engine]:
    """Return the function that opens an engine, ``local`` or ``spark``, for a load and its number of workers.

    `master` and `conf` are for Spark only.

    Raises:
        UsageError: there is no such engine, or `master` or `conf` is given without Spark.
    """
    if name == "spark":
        from sparkify.engines.spark import engine  # noqa: PLC0415  heavy

        return lambda session, workers: engine.Engine(session.dsn, workers, master, conf)
    if name != "local":
        raise UsageError(f"There is no engine {name!r}. Choose local or spark.")
    if master or conf:
        raise UsageError("A Spark master and Spark settings need the engine spark.")
    from sparkify.engines import local  # noqa: PLC0415

    return local.Engine
