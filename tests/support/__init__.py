"""What tests, attacks and benchmarks share.

`tests` and `torture` import from here; nothing here imports from them. The contracts of import-linter
(pyproject.toml, `make lint`) enforce it.
"""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
