"""Find the folders of a load and list their files; stop if the user seems to mean another folder."""

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from sparkify.errors import UsageError
from sparkify.extract.advice import advice_for, nothing_read, remarks_on_others
from sparkify.extract.files import InputFile, Kind, compression_of, ending_of
from sparkify.extract.find import find_files
from sparkify.extract.kinds import KINDS, SAMPLED, kind_of, sample
from sparkify.extract.storage import is_folder, is_remote

Folder = str | os.PathLike[str]
DEFAULT_DATA: Final = "data"

_OTHER: Final[dict[Kind, Kind]] = {"song": "log", "log": "song"}

_FOLDERS_LOOKED_AT: Final = 100
"""How many folders to search for files that the user may mean; after that, the error gives no hint."""


@dataclass(slots=True)
class Found:
    """The `folders` of a load, their `files`, the other files counted by ending, and remarks on all that."""

    folders: dict[Kind, str] = field(default_factory=dict)
    files: list[InputFile] = field(default_factory=list)
    other_files: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def find_input(data: Folder | None, song_data: Folder | None, log_data: Folder | None) -> Found:
    """Find the files of both folders.

    A folder with its own argument must have files. One of the folders below `data` may be missing or empty.

    Raises:
        UsageError: a folder is not there or has no file that can be read, or the user seems to mean another.
        StorageFailed: a store cannot be reached.
    """
    root = _address(DEFAULT_DATA if data is None else data)
    named: dict[Kind, Folder | None] = {"song": song_data, "log": log_data}
    folders = {kind: _address(path) for kind, path in named.items() if path is not None}
    for path in folders.values():
        _check_folder(path)
    missing: dict[Kind, str] = {}
    if data is not None or not folders:
        _check_folder(root)
        below = {kind: _below(root, kind) for kind in KINDS if kind not in folders}
        missing = {kind: "is not there" for kind, path in below.items() if not is_folder(path)}
        folders |= {kind: path for kind, path in below.items() if kind not in missing}
    _check_apart(folders)
    found = Found()
    for kind, path in folders.items():
        other_files: Counter[str] = Counter()
        if files := find_files(path, kind, other_files):
            found.folders[kind] = path
            found.files += files
            found.other_files += other_files
            found.remarks += remarks_on_others(path, other_files) if other_files else []
        elif other_files or named[kind]:
            raise UsageError(nothing_read(path, other_files))
        else:
            missing[kind] = "is empty"
    if missing:
        found.remarks.append(_missing(root, missing, found.folders))
    found.remarks = list(map(_as_utf8, found.remarks))
    return found


def _address(folder: Folder) -> str:
    """The path or URL of a folder, so spelled that files have one name in all loads: a scheme is in small
    letters, and ``s3a``, as Hadoop calls S3, is ``s3``."""
    path = os.fspath(folder)
    scheme, mark, rest = path.partition("://")
    scheme = scheme.lower()
    return f"{'s3' if scheme == 's3a' else scheme}{mark}{rest}" if is_remote(path) else path


def _check_folder(path: str) -> None:
    """Raises UsageError if a path is not that of a folder that can be entered; a URL is not looked at."""
    if not path:
        raise UsageError("The name of a folder is empty: perhaps a variable is not set.")
    if is_remote(path):
        return
    try:
        os.stat(f"{path}/.")  # the dot: it must be possible to enter the folder
    except NotADirectoryError:
        raise UsageError(f"{path} is not a folder.") from None
    except (FileNotFoundError, ValueError):  # ValueError: it has a zero byte
        raise UsageError(f"{path} does not exist.") from None
    except OSError as error:
        raise UsageError(f"Cannot open {path}: {error.strerror}.") from error


def _as_utf8(remark: str) -> str:
    """A remark that PostgreSQL can store: the name of a folder need not be UTF-8."""
    return remark.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def check_kinds(found: Found, new: Sequence[InputFile]) -> None:
    """Look at the beginning of a few new files, before thousands of songs are read as logs and rejected.

    Raises:
        UsageError: all files that show their kind are of the other kind.
        StorageFailed: a store cannot be reached.
    """
    wrong: dict[Kind, InputFile] = {}
    for kind in found.folders:
        files = [file for file in new if file.kind == kind]
        told = {file: other for file in sample(files) if (other := kind_of(file))}
        if not told or kind in told.values():
            continue
        # One or two wrong files beside files loaded earlier are strays: reject them, and load the rest.
        if len(told) == SAMPLED or len(files) == sum(file.kind == kind for file in found.files):
            wrong[kind] = next(iter(told))
    if not wrong:
        return
    said = [
        f"{found.folders[kind]} holds {_OTHER[kind]}s, not {kind}s: see {file.path}."
        for kind, file in wrong.items()
    ]
    if len(wrong) == len(KINDS):
        swapped = {_OTHER[kind]: path for kind, path in found.folders.items()}
        said.append(f"They are swapped. Load them with {_options(swapped)}.")
    else:
        said.append(f"Name the right folder with {KINDS[next(iter(wrong))].option}.")
    raise UsageError(" ".join(said))


def _below(root: str, kind: Kind) -> str:
    return f"{root.rstrip('/')}/{KINDS[kind].folder}"


def _options(folders: dict[Kind, str]) -> str:
    return " ".join(f"{KINDS[kind].option} {shlex.quote(folders[kind])}" for kind in KINDS if kind in folders)


def _check_apart(folders: dict[Kind, str]) -> None:
    """Refuse a folder inside the other: its files would be read as both kinds."""
    if len(folders) < len(KINDS):
        return
    real = {kind: path.rstrip("/") if is_remote(path) else _real(path) for kind, path in folders.items()}
    for kind, other in _OTHER.items():
        if real[kind] == real[other]:
            raise UsageError(f"{folders[kind]} is the folder of songs and of logs. Name two folders.")
        if real[kind].startswith(real[other].rstrip("/") + "/"):
            raise UsageError(
                f"{folders[kind]} lies within {folders[other]}: its files would be read as songs and as logs."
                " Name two folders that lie side by side."
            )


def _real(path: str) -> str:
    try:
        return os.path.realpath(path)
    except OSError as error:  # the current folder is gone
        raise UsageError(f"Cannot resolve the folder {path}: {error.strerror}.") from None


# --- folders that are missing below DATA --------------------------------------------------------------------


def _missing(root: str, missing: dict[Kind, str], there: dict[Kind, str]) -> str:
    """The remark on folders that `root` lacks. `missing` says how they are missing; the folders `there` are
    loaded.

    Raises:
        UsageError: another name looks like the missing one, or nothing is left to load.
    """
    names = _names(root)
    alike = [
        said
        for kind in missing
        for name, is_dir in names
        if (said := _alike(root, kind, name, is_dir=is_dir))
    ]
    if there:
        kind, how = next(iter(missing.items()))
        if not alike:
            return f"{_below(root, kind)} {how}: only {_OTHER[kind]}s are loaded."
        raise UsageError(
            f"{_below(root, kind)} {how}, but there is {'; and '.join(alike)}."
            f" To load only {_OTHER[kind]}s: sparkify etl {_options(there)}."
        )
    files = " with files in it" if "is empty" in missing.values() else ""
    folders = " nor ".join(f"{kind.folder}/" for kind in KINDS.values())
    lacks = f"{root} holds neither {folders}{files}"
    below = _deeper(root, names)
    if alike:
        more = f" Or name {below}, which does." if below else ""
        raise UsageError(f"{lacks}, but {'; and '.join(alike)}.{more}")
    raise UsageError(f"{lacks}. " + (f"But {below} does: name that." if below else _meant(root)))


def _alike(root: str, kind: Kind, name: str, *, is_dir: bool) -> str:
    """What to do with a name in `root` that looks like the folder of a kind; empty if it does not."""
    folder, option = KINDS[kind].folder, KINDS[kind].option
    word = re.sub("[^a-z]", "", name.lower() if is_dir else name.lower().partition(".")[0])
    if not KINDS[kind].called.fullmatch(word) or (is_dir and name == folder):
        return ""
    if is_dir:
        path = f"{root.rstrip('/')}/{name}"
        return f"{name}/: name it with {option} {shlex.quote(path)}, or rename it to {folder}/"
    if compression_of(name) != "":
        return f"{name}: put it into a folder {folder}/"
    if advice := advice_for([ending_of(name)]):
        return f"{name}, but no folder {folder}/. {advice[0]}".rstrip(".")
    return f"{name}, which is not a folder" if name == folder else ""


def _deeper(root: str, names: list[tuple[str, bool]]) -> str | None:
    """A folder in `root` that has what `root` lacks, after a look at a limited number."""
    for name, is_dir in () if is_remote(root) else names[:_FOLDERS_LOOKED_AT]:
        below = f"{root.rstrip('/')}/{name}"
        if is_dir and any(is_folder(_below(below, kind)) for kind in KINDS):
            return below
    return None


def _meant(root: str) -> str:
    """A hint where the files may be instead, after a look at a limited number of files."""
    if is_remote(root):
        return "Name the folder that does."
    found = {kind for file in islice(_first_files(root), SAMPLED) if (kind := kind_of(file))}
    if len(found) == 1:
        (kind,) = found
        return f"It holds {kind}s itself: load them with {KINDS[kind].option} {shlex.quote(root)}."
    if found:
        return "It holds songs and logs: put them apart, into song_data/ and log_data/."
    return "Name the folder that does."


def _names(root: str) -> list[tuple[str, bool]]:
    """The names directly below a folder or URL, without hidden ones, and whether each is a folder."""
    if is_remote(root):
        from sparkify.extract import objects  # noqa: PLC0415

        names = objects.names(root)
    else:
        try:
            with os.scandir(root) as entries:
                names = [(entry.name, is_folder(entry.path)) for entry in entries]
        except OSError:
            return []
    return sorted(name for name in names if not name[0].startswith("."))


def _first_files(root: str) -> Iterator[InputFile]:
    """Some files below a folder with names that a load reads. Ignore their `kind`: it is not known."""
    for folder, below, names in islice(os.walk(root), _FOLDERS_LOOKED_AT):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and compression_of(name) != "" and path.is_file():
                yield InputFile("log", str(path), path.stat().st_size, 0, compression_of(name))
