"""The folder a made-up Sparkify is written into: which one it holds, so that two are never mixed."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import BinaryIO

from sparkify.errors import UsageError

# Hidden and without a suffix: what reads a folder of data does not take it for data.
RECORD = ".sparkify-world"
# Raised when the same settings come to mean other bytes: days written before can then not be continued.
_EDITION = 1
_OURS = ("song_data", "log_data", "late", "truth")


class Folder:
    """The folder `path`, into which the days from `first` to `last` of the Sparkify with these settings shall go.

    `settings` are all that decide on bytes, by the name of their option. Raises UsageError when the folder cannot be
    used, when it holds anything and `force` is not given, and, whatever is given, when it holds another Sparkify, files
    where ours would be, or days that a run began and did not finish and this one leaves out. Changes nothing yet.
    """

    def __init__(
        self, path: Path, settings: Mapping[str, object], first: date, last: date, *, force: bool
    ) -> None:
        self.path = path
        self._settings = dict(settings)
        self._first, self._last = first, last
        self.has_songs = False  # all of them
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
                f"{path} has a {theirs[0]} of unknown origin, nothing is mixed with that; choose another folder or remove it"
            )

    def begin(self) -> None:
        """Note that what follows is being written."""
        self._note(finished=False)

    def finish(self) -> None:
        """Note that all of it is there."""
        self._note(finished=True)

    def _check(self, record: bytes) -> None:
        try:
            there = json.loads(record)
            edition, settings, unfinished = there["edition"], dict(there["settings"]), there["unfinished"]
            first, last = map(date.fromisoformat, unfinished or [str(self._first), str(self._last)])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self.path / RECORD} cannot be read, so nothing is added; choose another folder"
            ) from error
        if edition != _EDITION:
            raise UsageError(
                f"{self.path} was made by another version of the simulator; choose another folder or remove it"
            )
        differing = [name for name, value in self._settings.items() if settings.get(name) != value]
        if differing:
            name = differing[0]
            raise UsageError(
                f"{self.path} holds another made-up Sparkify: {name} is {settings.get(name)} there, not"
                f" {self._settings[name]}; choose another folder or remove it"
            )
        if first < self._first or last > self._last:
            raise UsageError(
                f"{self.path} is unfinished: a run still writes {first} to {last}, or was interrupted; if so, write"
                f" these days first: --start {first} --end {last} --force"
            )
        self.has_songs = not unfinished

    def _note(self, *, finished: bool) -> None:
        unfinished = None if finished else [str(self._first), str(self._last)]
        record = {"edition": _EDITION, "settings": self._settings, "unfinished": unfinished}
        with whole(self.path / RECORD) as file:
            file.write(json.dumps(record, indent=1).encode() + b"\n")


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its name, and the place of what had it, only when all is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
