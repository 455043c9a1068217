"""Write measured results into docs/performance.md: ``python -m benchmarks.docs [FOLDER]``.

Replaces what stands between the two marks, draws docs/performance.svg anew, and keeps the figures beside this
file. Tables that were not measured this time stay, with when and where they were; without the file
results.json none do.
"""

import json
import re
import sys
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from benchmarks.picture import draw
from benchmarks.results import tables

_ROOT: Final = Path(__file__).resolve().parents[1]
_BETWEEN: Final = re.compile(r"(?<=<!-- results -->\n).*?(?=<!-- end of results -->)", re.DOTALL)
_PICTURE: Final = "![Seconds by row, and where the time goes](performance.svg)"


def main() -> None:
    """Update the docs."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".bench")
    kept = _ROOT / "benchmarks" / "results.json"
    document = merged(_read(kept), _read(folder / "results.json"))
    page = _ROOT / "docs" / "performance.md"
    parts = [
        f"{_where(machine)}\n\n{tables({'groups': list(groups)}, markdown=True)}"
        for machine, groups in groupby(document["groups"], key=itemgetter("machine"))
    ]
    results = "\n" + "\n\n".join([*parts, _PICTURE]) + "\n\n"
    page.write_text(_BETWEEN.sub(lambda _: results, page.read_text(encoding="utf-8")), encoding="utf-8")
    draw(document, _ROOT / "docs" / "performance.svg")
    kept.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Join old and new groups of tables; a new one replaces the old one of the same title."""
    groups = {
        group["title"]: {"machine": document.get("machine")} | group
        for document in (old, new)
        for group in document.get("groups", [])
    }
    return {"groups": list(groups.values())}


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _where(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"Measured {machine['when']}: {machine['cores']} cores ({machine['processor']}),"
        f" {machine['memory_gb']} GB,"
        f" {machine['system']}; PostgreSQL {machine['postgresql']}, Python {machine['python']}; {packages}."
    )


if __name__ == "__main__":
    main()
