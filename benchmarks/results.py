"""The results, as JSON and as tables."""

import contextlib
import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Usage

LIMIT: Final = "limit, 1 connection"
_PACKAGES: Final = (
    "sparkify",
    "duckdb",
    "pyarrow",
    "psycopg",
    "pyspark",
    "dlt",
    "adbc-driver-postgresql",
    "pandas",
)


@dataclass
class Row:
    """All runs of one row.

    Each run loaded `units` plays or files; its time is shown for `shown` of them.

    If those differ, the time is extrapolated in proportion.
    """

    name: str
    units: int
    shown: int
    runs: list[Usage] = field(default_factory=list)

    @property
    def is_extrapolated(self) -> bool:
        """Whether only a part was loaded and the time is extrapolated."""
        return self.units != self.shown

    @property
    def seconds(self) -> float:
        """The median time for the units that are shown."""
        return self.median("seconds") * self.shown / self.units

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / self.median("seconds")

    def median(self, what: str) -> float:
        """The median of one field of `Usage`, for the units that were loaded."""
        return statistics.median(getattr(run, what) for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        """The runs and the figures derived from them, for JSON."""
        return asdict(self) | {
            "seconds": self.seconds,
            "rate": self.rate,
            "extrapolated": self.is_extrapolated,
        }


@dataclass
class Figures:
    """Figures derived from the rows of a group, as a table; None was not measured."""

    title: str
    columns: list[str]
    lines: dict[str, list[float | None]]


@dataclass
class Group:
    """Rows that are compared, the figures derived from them, and the profile of sparkify."""

    title: str
    rows: list[Row] = field(default_factory=list)
    profile: dict[str, Any] | None = None
    figures: Figures | None = None

    def row(self, name: str, units: int, shown: int | None = None) -> Row:
        """The row of this name, created if missing."""
        for row in self.rows:
            if row.name == name:
                return row
        self.rows.append(Row(name, units, units if shown is None else shown))
        return self.rows[-1]


def machine(server: str) -> dict[str, Any]:
    """The machine of the measurements."""
    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / (1 << 30), 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgresql": server,
        "packages": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def as_json(machine: dict[str, Any], groups: list[Group]) -> str:
    """The whole document."""
    document = {
        "machine": machine,
        "groups": [
            {
                "title": group.title,
                "rows": [row.as_dict() for row in group.rows],
                "profile": group.profile,
                "figures": asdict(group.figures) if group.figures else None,
            }
            for group in groups
        ],
    }
    return json.dumps(document, indent=1)


def tables(document: dict[str, Any], *, markdown: bool) -> str:
    """All tables of a document; at most 80 columns wide, except in Markdown."""
    parts = []
    for group in document["groups"]:
        head = ["", "seconds", "of limit", "per s", "CPU client", "server", "peak MB"]
        limit = next((row["seconds"] for row in group["rows"] if row["name"] == LIMIT), None)
        body = [_line(row, limit) for row in group["rows"]]
        if limit is None:
            for line in [head, *body]:
                del line[2]
        if body:
            parts.append(_table(group["title"], head, body, markdown=markdown))
        if figures := group.get("figures"):
            head = [figures["title"], *figures["columns"]]
            body = [[name, *map(_figure, line)] for name, line in figures["lines"].items()]
            title = f"{group['title']}, worked out" if group["rows"] else group["title"]
            parts.append(_table(title, head, body, markdown=markdown))
        if profile := group["profile"]:
            head = ["where it goes, CPU seconds", "client", "server"]
            body = [
                [phase, f"{part['client_cpu']:.2f}", f"{part['server_cpu']:.2f}"]
                for phase, part in profile["phases"].items()
            ]
            parts.append(_table(f"{group['title']}, profiled", head, body, markdown=markdown))
    return "\n\n".join(parts)


def _line(row: dict[str, Any], limit: float | None) -> list[str]:
    runs = row["runs"]

    def median(what: str) -> float:
        return statistics.median(run[what] for run in runs)

    about = "~" if row["extrapolated"] else ""
    seconds = row["seconds"]
    scale = row["shown"] / row["units"]
    client, server, peak = (median(what) for what in ("client_cpu", "server_cpu", "peak_mb"))
    return [
        row["name"],
        about
        + (f"{seconds:,.3f}" if seconds < 1 else f"{seconds:,.2f}" if seconds < 100 else f"{seconds:,.0f}"),
        f"{about}{seconds / limit:,.2f}" if limit else "",
        f"{row['rate']:,.0f}" if row["units"] > 1 else "",
        f"{about}{client * scale:,.1f}" if client else "",
        f"{about}{server * scale:,.1f}",
        f"{peak:,.0f}" if peak else "",
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _table(title: str, head: list[str], body: list[list[str]], *, markdown: bool) -> str:
    if markdown:
        lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
        return f"**{title}**\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)
    widths = [max(len(line[at]) for line in [head, *body]) for at in range(len(head))]
    rows = [
        "  ".join(
            text.ljust(width) if at == 0 else text.rjust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in [head, *body]
    ]
    return "\n".join([title, *rows])
