"""The folders of a load: which they are, what lies in them, and whether that can be what was meant."""

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
from sparkify.extract import others
from sparkify.extract.files import InputFile, Kind, compression_of, ending_of
from sparkify.extract.find import find_files
from sparkify.extract.storage import is_folder, is_remote

Folder = str | os.PathLike[str]
DEFAULT_DATA: Final = "data"

_OTHER: Final[dict[Kind, Kind]] = {"song": "log", "log": "song"}

_ALIKE: Final[dict[Kind, re.Pattern[str]]] = {
    "song": re.compile("(songs?|tracks?)(data|files?|json)?|catalog(ue)?(data)?"),
    "log": re.compile("(user|app|raw)?(logs?|events?)(data|files?|json)?"),
}
"""What people call the two folders: small letters, and nothing between them."""

_FOLDERS_LOOKED_AT: Final = 100


@dataclass(slots=True)
class Found:
    """The files of all `folders`, how many others lie there, by ending, and what is to be said of that."""

    folders: dict[Kind, str] = field(default_factory=dict)
    files: list[InputFile] = field(default_factory=list)
    not_read: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)


def find(data: Folder | None, song_data: Folder | None, log_data: Folder | None) -> Found:
    """The files of both folders. One that is named must have files; of those in `data` one may be missing or empty.

    Raises:
        UsageError: where files should be, none can be read; or another folder seems to be meant.
        StorageFailed: a store cannot be reached.
    """
    root = os.fspath(data or DEFAULT_DATA)
    named: dict[Kind, Folder | None] = {"song": song_data, "log": log_data}
    folders = {kind: os.fspath(path) for kind, path in named.items() if path}
    for path in folders.values():
        if not is_remote(path) and not is_folder(path):
            raise UsageError(f"{path} is not a folder.")
    missing: dict[Kind, str] = {}
    if data or not folders:
        below = {kind: _below(root, kind) for kind in named if kind not in folders}
        missing = {kind: "is not there" for kind, path in below.items() if not is_folder(path)}
        folders |= {kind: path for kind, path in below.items() if kind not in missing}
    _check_apart(folders)
    found = Found()
    for kind, path in folders.items():
        not_read: Counter[str] = Counter()
        files = find_files(path, kind, not_read)
        if files:
            found.folders[kind] = path
            found.files += files
            found.not_read += not_read
            found.remarks += others.remarks(path, not_read) if not_read else []
        elif not_read or named[kind]:
            raise UsageError(others.nothing_read(path, not_read))
        else:
            missing[kind] = "is empty"
    if missing:
        found.remarks.append(_missing(root, missing, found.folders))
    # They are kept with the run, and the name of a folder need not be UTF-8.
    found.remarks = [
        remark.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        for remark in found.remarks
    ]
    return found


def check_kinds(found: Found, new: Sequence[InputFile]) -> None:
    """Look at the beginning of a few new files, before thousands of songs are read as logs and rejected.

    Raises:
        UsageError: those that tell what they are are all of the other kind.
        StorageFailed: a store cannot be reached.
    """
    if not new:
        return
    from sparkify.extract import kinds  # noqa: PLC0415

    wrong: dict[Kind, InputFile] = {}
    for kind in found.folders:
        files = [file for file in new if file.kind == kind]
        told = {file: what for file in kinds.some(files) if (what := kinds.told(file))}
        if not told or kind in told.values():
            continue
        # Where others were loaded before, one or two are strays: they become rejects, and hold nothing up.
        if len(told) == kinds.LOOKED_AT or len(files) == sum(file.kind == kind for file in found.files):
            wrong[kind] = next(iter(told))
    if not wrong:
        return
    said = [
        f"{found.folders[kind]} holds {_OTHER[kind]}s, not {kind}s: see {file.path}."
        for kind, file in wrong.items()
    ]
    if len(wrong) == len(_OTHER):
        swapped = {_OTHER[kind]: path for kind, path in found.folders.items()}
        said.append(f"They are swapped. Load them with {_options(swapped)}.")
    else:
        said.append(f"Name the right folder with --{next(iter(wrong))}-data.")
    raise UsageError(" ".join(said))


def _below(root: str, kind: Kind) -> str:
    return f"{root.rstrip('/')}/{kind}_data"


def _options(folders: dict[Kind, str]) -> str:
    return " ".join(f"--{kind}-data {shlex.quote(folders[kind])}" for kind in _OTHER if kind in folders)


def _check_apart(folders: dict[Kind, str]) -> None:
    """A file that is in both folders would be read as both."""
    if len(folders) < len(_OTHER):
        return
    real = {
        kind: path.rstrip("/") if is_remote(path) else os.path.realpath(path)
        for kind, path in folders.items()
    }
    for kind, other in _OTHER.items():
        if real[kind] == real[other]:
            raise UsageError(f"{folders[kind]} is the folder of songs and of logs. Name two folders.")
        if real[kind].startswith(real[other].rstrip("/") + "/"):
            raise UsageError(
                f"{folders[kind]} lies within {folders[other]}: its files would be read as songs and as logs."
                " Name two folders that lie side by side."
            )


# --- folders that are missing below DATA --------------------------------------------------------------------------


def _missing(root: str, missing: dict[Kind, str], there: dict[Kind, str]) -> str:
    """What to say of the folders that `root` lacks; `missing` says how, `there` are those that are loaded.

    Raises:
        UsageError: another name looks like the one that is missing; or nothing is left to load.
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
    lacks = f"{root} holds neither song_data/ nor log_data/{files}"
    raise UsageError(f"{lacks}, but {'; and '.join(alike)}." if alike else f"{lacks}. {_meant(root, names)}")


def _alike(root: str, kind: Kind, name: str, *, is_dir: bool) -> str:
    """What to do with something in `root` that may be the folder of a kind; nothing when it is not."""
    word = re.sub("[^a-z]", "", name.lower() if is_dir else name.lower().partition(".")[0])
    if not _ALIKE[kind].fullmatch(word) or (is_dir and name == f"{kind}_data"):
        return ""
    path, wanted = f"{root.rstrip('/')}/{name}", f"{kind}_data/"
    if is_dir:
        return f"{name}/: name it with --{kind}-data {shlex.quote(path)}, or rename it to {wanted}"
    if compression_of(name) != "":
        return f"{name}: put it into a folder {wanted}"
    if said := others.advice(Counter([ending_of(name)])):
        return f"{name}, but no folder {wanted}. {said[0]}".rstrip(".")
    return f"{name}, which is not a folder" if name == f"{kind}_data" else ""


def _meant(root: str, names: list[tuple[str, bool]]) -> str:
    """Where the files may be instead, found by looking at not too much."""
    if is_remote(root):
        return "Name the folder that does."
    for name, is_dir in names[:_FOLDERS_LOOKED_AT]:
        below = f"{root.rstrip('/')}/{name}"
        if is_dir and any(is_folder(_below(below, kind)) for kind in _OTHER):
            return f"But {below} does: name that."
    from sparkify.extract import kinds  # noqa: PLC0415

    found = {what for file in islice(_first_files(root), kinds.LOOKED_AT) if (what := kinds.told(file))}
    if len(found) == 1:
        (kind,) = found
        return f"It holds {kind}s itself: load them with --{kind}-data {shlex.quote(root)}."
    if found:
        return "It holds songs and logs: put them apart, into song_data/ and log_data/."
    return "Name the folder that does."


def _names(root: str) -> list[tuple[str, bool]]:
    """What stands directly below a folder or URL, without hidden ones, and whether each is a folder."""
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
    """Some files below a folder that are read by their names, whatever they hold."""
    for folder, below, names in islice(os.walk(root), _FOLDERS_LOOKED_AT):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if not name.startswith(".") and compression_of(name) != "" and path.is_file():
                yield InputFile("log", str(path), path.stat().st_size, 0, compression_of(name))
