"""Put measured results into the docs: ``python -m benchmarks.docs [FOLDER]``; FOLDER has results.json.

Every table goes into benchmarks/RESULTS.md, and the few that matter to most readers into docs/performance.md.
A table replaces the one between its marks, ``<!-- name -->`` and ``<!-- end -->``. Tables that were not
measured this time keep their old figures, which benchmarks/results.json holds.
"""

import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from benchmarks.results import LIMIT, tables

_ROOT: Final = Path(__file__).resolve().parents[1]
KEPT: Final = _ROOT / "benchmarks" / "results.json"
RESULTS: Final = _ROOT / "benchmarks" / "RESULTS.md"
PERFORMANCE: Final = _ROOT / "docs" / "performance.md"
_MARKED: Final = re.compile(r"(?<=<!-- )(?!end )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
_RANGES: Final = ("a day", "a week", "a month", "a year", "all time", "free range", "a place")

_WORTH_A_LINE: Final = 5.0
"""CPU seconds; phases that take less share a line."""

Groups = list[dict[str, Any]]


def main() -> None:
    """Update both pages and the figures that are kept."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".bench")
    document = merged(_read(KEPT), _read(folder / "results.json"))
    KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for page in (RESULTS, PERFORMANCE):
        text = filled(page.read_text(encoding="utf-8"), document["groups"])
        page.write_text(text, encoding="utf-8")


def filled(page: str, groups: Groups) -> str:
    """The text of a page, with the tables between its marks made from these results."""
    return _MARKED.sub(lambda mark: f"{mark[1]}{mark[2]}{_TABLES[mark[1]](groups)}\n", page)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """All groups of tables, each with its machine; a new group replaces the old one of the same title."""
    groups = {
        group["title"]: {"machine": document.get("machine")} | group
        for document in (old, new)
        for group in document.get("groups", [])
    }
    return {"groups": list(groups.values())}


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _all_tables(groups: Groups) -> str:
    return "\n\n".join(
        f"{_where(machine)}\n\n{tables({'groups': list(found)}, markdown=True)}"
        for machine, found in groupby(groups, key=itemgetter("machine"))
    )


def _where(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"Measured {machine['when']}: {machine['cores']} cores ({machine['processor']}),"
        f" {machine['memory_gb']} GB, {machine['system']};\n"
        f"PostgreSQL {machine['postgresql']}, Python {machine['python']}; {packages}."
    )


# --- the short tables -----------------------------------------------------------------------------------


def _load(groups: Groups) -> str:
    """The whole command against the limit, by size."""
    body = []
    for group in groups:
        rows = {row["name"]: row for row in group["rows"]}
        if LIMIT in rows and "sparkify etl" in rows:
            ours, limit = rows["sparkify etl"], rows[LIMIT]
            body.append(
                [
                    group["title"].partition(", ")[0],
                    _day(group),
                    _seconds(limit),
                    _seconds(ours),
                    f"{ours['seconds'] / limit['seconds']:.1f}",
                    f"{ours['rate']:,.0f}",
                    *_usage(ours),
                ]
            )
    head = ["", "measured", "limit, s", "etl, s", "times the limit", "plays a second"]
    return _table([*head, "client CPU, s", "server CPU, s", "peak MB"], body)


def _others(groups: Groups) -> str:
    """What people use instead, on the same server."""
    group = next(group for group in groups if _has(group, "tutorial"))  # all sizes have the same rows
    limit = next(row["seconds"] for row in group["rows"] if row["name"] == LIMIT)
    body = [
        [row["name"], _seconds(row), f"{row['seconds'] / limit:,.1f}", f"{row['rate']:,.0f}"]
        for row in group["rows"]
        if not row["name"].startswith("limit")
    ]
    return _table([_day(group), "seconds", "times the limit", "plays a second"], body)


def _phases(groups: Groups) -> str:
    """Where the processor time of the largest load goes."""
    profiled = [group for group in groups if group["profile"] and _has(group, LIMIT)]
    group = max(profiled, key=lambda each: each["rows"][0]["units"])
    phases = {
        name: (part["client_cpu"], part["server_cpu"]) for name, part in group["profile"]["phases"].items()
    }
    small = [name for name, seconds in phases.items() if sum(seconds) < _WORTH_A_LINE and name != "other"]
    rest = [sum(each) for each in zip(*(phases.pop(name) for name in small), strict=True)]
    lines = [*phases.items(), (f"the rest: {', '.join(small)}", rest)]
    body = [[name, f"{client:.1f}", f"{server:.1f}"] for name, (client, server) in lines]
    return _table([f"{group['title'].partition(', ')[0]}, CPU seconds", "client", "server"], body)


def _small(groups: Groups) -> str:
    """What a daily load and many small files take."""
    body = [
        [
            f"{group['title']}: {row['name']}" if len(group["rows"]) > 1 else group["title"],
            _day(group),
            _seconds(row),
            *_usage(row),
        ]
        for group in groups
        if group["title"].startswith("One new day") or "song files" in group["title"]
        for row in group["rows"]
    ]
    return _table(["", "measured", "seconds", "client CPU, s", "server CPU, s", "peak MB"], body)


def _questions(groups: Groups) -> str:
    """Each question over each range of days, of the most plays; the bare star and DuckDB over all time."""
    asked = [group for group in groups if group["title"].startswith("Questions, ")]
    group = max(asked, key=lambda each: int(each["title"].split()[1].replace(",", "")))
    lines = group["figures"]["lines"]
    names = dict.fromkeys(name.partition(", ")[0] for name in lines)
    body = []
    for name in names:
        found = [lines.get(f"{name}, {span}", [None])[0] for span in _RANGES]
        _, *others = lines.get(f"{name}, all time", [None] * 3)
        body.append([name, *map(_milliseconds, [*found, *others])])
    plays = group["title"].removeprefix("Questions, ")
    return _table([f"{plays}; ms", *_RANGES, "star, all time", "DuckDB, all time"], body)


_TABLES: Final[dict[str, Callable[[Groups], str]]] = {
    "results": _all_tables,
    "load": _load,
    "others": _others,
    "phases": _phases,
    "small": _small,
    "questions": _questions,
}
"""The functions that make the tables, by the name in the marks around each."""


def _has(group: dict[str, Any], name: str) -> bool:
    return any(row["name"] == name for row in group["rows"])


def _day(group: dict[str, Any]) -> str:
    return str(group["machine"]["when"].split()[0])


def _seconds(row: dict[str, Any]) -> str:
    seconds = row["seconds"]
    digits = 2 if seconds < 1 else 1 if seconds < 100 else 0
    return f"{'~' if row['extrapolated'] else ''}{seconds:,.{digits}f}"


def _usage(row: dict[str, Any]) -> list[str]:
    measures = ("client_cpu", "server_cpu", "peak_mb")
    client, server, peak = (statistics.median(run[name] for run in row["runs"]) for name in measures)
    return [f"{client:,.1f}", f"{server:,.1f}", f"{peak:,.0f}"]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


if __name__ == "__main__":
    main()
