"""Import the compiled core from an archive, which is how Spark's executors have this package."""

import importlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zipimport import zipimporter

FILE: Final = "_core.abi3.so"


def import_core(archive: zipimporter, path: list[str]) -> None:
    """Python cannot load an extension module from an archive, so unpack it until it is loaded."""
    with TemporaryDirectory(prefix="sparkify-") as folder:
        Path(folder, FILE).write_bytes(archive.get_data(f"{path[0]}/{FILE}"))
        path.append(folder)
        try:
            importlib.import_module("sparkify.core._core")
        finally:
            path.remove(folder)
