"""Batches: the files that one transaction stages. Each part of a large log file is a batch.

A part consists of whole lines. To find where lines end, workers first survey ranges of equal size in
parallel: they count the line feeds and find the last one, where a part ends. The counts number the lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sparkify.extract.files import InputFile
from sparkify.extract.storage import blocks

LEAST_PART_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Whole lines of a large file: `size` bytes from `start`, beginning with line number `first_line`.

    It had `lines` lines when the file was cut; None for the last part, which nobody had read then.
    `file_id` and `manifest_id` are the run's claim on the whole file.
    """

    start: int
    size: int
    first_line: int
    lines: int | None
    file_id: int
    manifest_id: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Files of one kind that are staged together; with a `part`, only that part of the one file."""

    files: tuple[InputFile, ...]
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """`size` bytes of a file from `start`."""

    file: InputFile
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Survey:
    """How many line feeds a range has, and the position after the last one; `start` if it has none."""

    line_feeds: int
    end: int


def survey(wanted: Range) -> Survey | None:
    """Count line feeds; None if the file cannot be read: staging will report that."""
    count, at, end = 0, wanted.start, wanted.start
    try:
        for block in blocks(wanted.file, wanted.start, wanted.size):
            count += count_lines(block)
            end = at + block.rindex(b"\n") + 1 if b"\n" in block else end
            at += len(block)
    except OSError:
        return None
    return Survey(count, end)


def count_lines(data: bytes) -> int:
    """How many line feeds there are. Python 3.11 counts byte by byte, but replaces with memchr."""
    return len(data) - len(data.replace(b"\n", b""))


def ranges(file: InputFile, part_bytes: int, workers: int) -> list[Range]:
    """Ranges of about `part_bytes`, the same number for each worker. The file's last part needs no survey."""
    count = -(-file.size // part_bytes)
    count = max(1, min(-(-count // workers) * workers, file.size // LEAST_PART_BYTES))
    bounds = [file.size * at // count for at in range(count)]
    return [Range(file, start, until - start) for start, until in pairwise(bounds)]


def cut(file: InputFile, surveys: Sequence[Survey | None]) -> list[tuple[int, int, int, int | None]]:
    """The parts of a file as (start, size, number of the first line, lines); one part if a survey failed."""
    if None in surveys:
        return [(0, file.size, 1, None)]
    parts: list[tuple[int, int, int, int | None]] = []
    start, line, next_line = 0, 1, 1
    for found in surveys:
        assert found is not None
        next_line += found.line_feeds
        if found.line_feeds:
            parts.append((start, found.end - start, line, next_line - line))
            start, line = found.end, next_line
    if start < file.size:
        parts.append((start, file.size - start, line, None))
    return parts
