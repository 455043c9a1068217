"""Put measured results into docs/performance.md: ``python -m benchmarks.docs [FOLDER]``, where results.json is.

Replaces what stands between the two marks, draws docs/performance.svg anew, and keeps the figures beside this file.
"""

import json
import re
import sys
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
    text = (folder / "results.json").read_text(encoding="utf-8")
    document = json.loads(text)
    page = _ROOT / "docs" / "performance.md"
    results = f"\n{_where(document['machine'])}\n\n{tables(document, markdown=True)}\n\n{_PICTURE}\n\n"
    page.write_text(_BETWEEN.sub(lambda _: results, page.read_text(encoding="utf-8")), encoding="utf-8")
    draw(document, _ROOT / "docs" / "performance.svg")
    (_ROOT / "benchmarks" / "results.json").write_text(text, encoding="utf-8")


def _where(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"Measured {machine['when']}: {machine['cores']} cores ({machine['processor']}), {machine['memory_gb']} GB,"
        f" {machine['system']}; PostgreSQL {machine['postgresql']}, Python {machine['python']}; {packages}."
    )


if __name__ == "__main__":
    main()
