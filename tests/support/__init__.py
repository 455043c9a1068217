"""What tests, attacks and benchmarks share.

`tests` and `torture` import from here; nothing here imports from them. `make lint` holds that
(pyproject.toml, the contracts of import-linter).
"""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
