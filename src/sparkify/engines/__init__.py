"""Engines: who runs the batches. They share one `stage(batch)` and so cannot disagree."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from sparkify.errors import UsageError
from sparkify.extract.batches import Batch, Range, Survey
from sparkify.report import Staged


class Engine(Protocol):
    """Runs the work of a load until the block ends, `workers` batches at a time."""

    workers: int

    def survey(self, ranges: list[Range]) -> Sequence[Survey | None]:
        """Survey ranges of large files; gives what was found in their order."""

    def stage(self, run_id: int, planned_at: float, batches: list[Batch]) -> Iterator[Staged]:
        """Stage the batches of a run and give what each came to, as they are done."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give back what it holds."""


def choose_engine(
    name: str, master: str | None, conf: Mapping[str, str]
) -> Callable[[str, int | None], Engine]:
    """What makes the engine of a name, ``local`` or ``spark``, of a DSN and the number of workers.

    `master` and `conf` are for Spark.

    Raises:
        UsageError: there is no such engine, or it has no use for what is given.
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
