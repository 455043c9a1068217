"""Draws the results: seconds by row on a logarithmic axis, and where sparkify spends its time."""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import LIMIT

_OURS: Final = "#1f6f8b"
_LIMIT: Final = "#444444"
_OTHERS: Final = "#b0b0b0"
_CLIENT: Final = "#1f6f8b"
_SERVER: Final = "#e09f3e"


def draw(document: dict[str, Any], file: Path) -> None:
    """Draw each group that has a limit as a column: its rows above, its profile below."""
    # Keep text as text, and draw the same bytes for the same results.
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "sparkify", "font.size": 9}
    groups = [group for group in document["groups"] if any(row["name"] == LIMIT for row in group["rows"])]
    if not groups:
        return
    profiled = any(group["profile"] for group in groups)
    figure = Figure(figsize=(6.4 * len(groups), 6.2 if profiled else 3.4), layout="constrained")
    axes = figure.subplots(2 if profiled else 1, len(groups), squeeze=False)
    for column, group in enumerate(groups):
        _rows(axes[0][column], group)
        if group["profile"]:
            _profile(axes[1][column], group["profile"])
        elif profiled:
            axes[1][column].set_visible(False)
    figure.savefig(file, metadata={"Date": None})


def _rows(axes: Axes, group: dict[str, Any]) -> None:
    rows = group["rows"]
    limit = next(row["seconds"] for row in rows if row["name"] == LIMIT)
    colors = [
        _LIMIT if "limit" in row["name"] else _OURS if "sparkify" in row["name"] else _OTHERS for row in rows
    ]
    seconds = [row["seconds"] for row in rows]
    bars = axes.barh([row["name"] for row in rows], seconds, color=colors)
    labels = []
    for row in rows:
        about = "~" if row["extrapolated"] else ""
        labels.append(f" {about}{row['seconds']:,.0f} s, {about}{row['seconds'] / limit:,.2f}×")
    axes.bar_label(bars, labels)
    axes.set_xscale("log")
    axes.set_xlim(min(seconds) / 3, max(seconds) * 12)
    axes.invert_yaxis()
    axes.set_title(group["title"].partition(" on ")[0], loc="left")
    axes.set_xlabel("seconds (logarithmic); times the limit; ~ extrapolated from a part")
    axes.spines[["top", "right"]].set_visible(False)


def _profile(axes: Axes, profile: dict[str, Any]) -> None:
    phases = profile["phases"]
    client = [part["client_cpu"] for part in phases.values()]
    server = [part["server_cpu"] for part in phases.values()]
    axes.barh(list(phases), client, color=_CLIENT, label="client")
    axes.barh(list(phases), server, left=client, color=_SERVER, label="server")
    axes.invert_yaxis()
    axes.set_title("where sparkify etl spends processor time", loc="left")
    axes.set_xlabel("CPU seconds")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
