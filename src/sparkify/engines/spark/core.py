"""Import the compiled core on an executor, which has this package as an archive."""

import importlib
import pkgutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import sparkify.core

FILE: Final = "_core.abi3.so"


def import_core() -> None:
    """Python cannot load an extension module from an archive, so unpack it until it is loaded."""
    name = "sparkify.core._core"
    if name in sys.modules or Path(sparkify.core.__path__[0], FILE).exists():
        return
    shared_object = pkgutil.get_data("sparkify.core", FILE)
    assert shared_object is not None
    with TemporaryDirectory(prefix="sparkify-") as folder:
        Path(folder, FILE).write_bytes(shared_object)
        sparkify.core.__path__.append(folder)
        try:
            importlib.import_module(name)
        finally:
            sparkify.core.__path__.remove(folder)
