"""The folder that a world is written to. It records which world it holds, so that two are never mixed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO

from sparkify.errors import UsageError

# The file is hidden and has no suffix, so that loaders do not take it for data.
RECORD = ".sparkify-world"
# Raise this if the same settings now produce other bytes: then earlier days cannot be continued.
_EDITION = 2
_OURS = ("song_data", "log_data", "late", "truth")


class Folder:
    """The folder `path`, for the days from `first` to `last` of the world with these settings.

    `settings` holds every setting that affects the bytes, by the name of its option. It changes nothing yet.

    Raises UsageError if the folder is not empty, unless `force` is given; and always if it cannot be used, or
    holds another world, other files in our places, or unfinished days that this run would not write.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, object], first: date, last: date, *, force: bool
    ) -> None:
        self.path = path
        self._settings = dict(settings)
        self._first, self._last = first, last
        self.has_songs = False  # whether all songs are written
        try:
            used = any(path.iterdir()) if path.exists() or path.is_symlink() else False
            record = (path / RECORD).read_bytes() if used and (path / RECORD).exists() else None
        except OSError as error:
            raise UsageError(f"{path} cannot be used as a folder: {error.strerror}") from error
        if used and not force:
            raise UsageError(
                f"{path} is not empty; choose another folder, or give --force to write into this one"
            )
        if record is not None:
            self._check(record)
        elif theirs := [name for name in _OURS if (path / name).exists()]:
            raise UsageError(
                f"{path} has a {theirs[0]} of unknown origin; choose another folder or remove it"
            )

    def begin(self) -> None:
        """Record that the days are being written."""
        self._note(finished=False)

    def finish(self) -> None:
        """Record that all of it is written."""
        self._note(finished=True)

    def _check(self, record: bytes) -> None:
        try:
            there = json.loads(record)
            edition, settings, unfinished = there["edition"], dict(there["settings"]), there["unfinished"]
            first, last = map(date.fromisoformat, unfinished or [str(self._first), str(self._last)])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{self.path / RECORD} cannot be read; choose another folder") from error
        if edition != _EDITION:
            raise UsageError(
                f"{self.path} was made by another version of the simulator; choose another folder"
                " or remove it"
            )
        differing = [name for name, value in self._settings.items() if settings.get(name) != value]
        if differing:
            name = differing[0]
            raise UsageError(
                f"{self.path} holds another world: {name} is {settings.get(name)} there, not"
                f" {self._settings[name]}; choose another folder or remove it"
            )
        if first < self._first or last > self._last:
            raise UsageError(
                f"{self.path} is unfinished: a run is writing {first} to {last}, or was interrupted. If it"
                f" was, write these days first: --start {first} --end {last} --force"
            )
        self.has_songs = not unfinished

    def _note(self, *, finished: bool) -> None:
        unfinished = None if finished else [str(self._first), str(self._last)]
        record = {"edition": _EDITION, "settings": self._settings, "unfinished": unfinished}
        with whole(self.path / RECORD) as file:
            file.write(json.dumps(record, indent=1).encode() + b"\n")


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that gets its name, replacing any file of that name, only once it is completely written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
