"""The live bar of a load: one line, of which a narrow terminal shows the more important parts."""

from datetime import timedelta
from typing import Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import Progress, ProgressColumn, Task
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

_BAR: Final = 20


def live_bar(console: Console) -> Progress:
    """A bar for one task with the fields ``lines`` and ``rate``, lines per second."""
    return Progress(_Line(console), console=console, transient=True)


class _Line(ProgressColumn):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")

    def render(self, task: Task) -> RenderableType:
        """What fits: the bar goes first, then the rate, the time and the rows. No number is cut."""
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
