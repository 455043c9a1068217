"""Where to find the data that some tests load and that this repository does not contain.

Two settings name the folders. Their defaults lie beside the checkout:

- SPARKIFY_TEST_DATA (default: ../shared/data) holds `sparkify`, the real sample, and `catalogue`, a larger
  real catalogue.
- SPARKIFY_TEST_CASES (default: ../shared/cases) holds a folder for each case, with its input in `data`.

A test that needs a folder is skipped without it, and says which setting names it.
"""

import os
from pathlib import Path

import pytest

from tests.support import CHECKOUT

FOLDERS = {
    setting: Path(os.environ.get(setting, CHECKOUT.parent / default))
    for setting, default in {
        "SPARKIFY_TEST_DATA": "shared/data",
        "SPARKIFY_TEST_CASES": "shared/cases",
    }.items()
}


def real_data(name: str) -> Path:
    """A folder of real data; skips the test if it is absent."""
    return _folder("SPARKIFY_TEST_DATA", name)


def case_data(name: str) -> Path:
    """The input of a case; skips the test if it is absent."""
    return _folder("SPARKIFY_TEST_CASES", f"{name}/data")


def _folder(setting: str, name: str) -> Path:
    folder = FOLDERS[setting] / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; {setting} names the folder that holds {name}")
    return folder
