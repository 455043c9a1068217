"""The live bar of a load: one line. A narrow terminal shows only its most important parts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import Progress as Bar
from rich.progress import ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from sparkify.report import Progress, StagedBatch

_BAR: Final = 20


@contextmanager
def live_bar(console: Console) -> Iterator["LiveProgress"]:
    """Show a bar during the block; it follows what the run reports to the `Progress` that is yielded."""
    with Bar(_Line(console), console=console, transient=True) as bar:
        yield LiveProgress(bar)


class LiveProgress(Progress):
    """Shows files, rows and rows per second as they are staged."""

    def __init__(self, bar: Bar) -> None:
        super().__init__()
        self.bar = bar
        self.task = bar.add_task("plan", total=None, lines=0, rate=0.0)
        self._started = time.monotonic()
        self._lines = 0

    def planned(self, files: int) -> None:
        super().planned(files)
        self._started = time.monotonic()
        self.bar.update(self.task, description="files", total=files)

    def staged(self, batch: StagedBatch) -> None:
        super().staged(batch)
        self._lines += batch.books.lines
        rate = self._lines / max(time.monotonic() - self._started, 0.001)
        self.bar.update(self.task, advance=batch.files, lines=self._lines, rate=rate)

    def publishing(self, step: str) -> None:
        self.bar.update(self.task, description=f"publish {step}")


class _Line(ProgressColumn):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")

    def render(self, task: Task) -> RenderableType:
        """Draw what fits: drop the bar first, then the rate, the time and the rows. Never cut a number."""
        done = f"{task.completed:,.0f}/{task.total:,.0f}" if task.total else ""
        parts = {
            "bar": " " * _BAR,
            "done": done,
            "rows": f"{task.fields['lines']:,} rows" if task.fields["lines"] else "",
            "rate": f"{task.fields['rate']:,.0f}/s" if task.fields["lines"] else "",
            "time": str(timedelta(seconds=int(task.elapsed or 0))),
        }

        def room() -> int:
            return self._console.width - 2 - sum(cell_len(text) + 1 for text in parts.values() if text)

        for name in ("bar", "rate", "time", "rows"):
            if room() < cell_len(task.description):
                parts[name] = ""
        shown: list[RenderableType] = [
            self._spinner.render(task.get_time()),
            Text(task.description[: max(room(), 1)]),
            *(
                ProgressBar(task.total, task.completed, width=_BAR) if name == "bar" else Text(text)
                for name, text in parts.items()
                if text
            ),
        ]
        line = Table.grid(padding=(0, 1))
        line.add_row(*shown)
        return line
