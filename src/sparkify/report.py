"""The report of a run, and its progress."""

import re
from collections import Counter
from dataclasses import asdict, astuple, dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, Final, NamedTuple

from sparkify.errors import UsageError


@dataclass(slots=True)
class Books:
    """What became of the lines of a file; `lines` is the sum of the others."""

    lines: int = 0
    blank: int = 0
    page_views: int = 0
    bare_pages: int = 0
    loaded: int = 0
    duplicates: int = 0
    rejected: int = 0
    forgotten: int = 0

    def add(self, other: "Books") -> None:
        """Add other books to these. Spelt out, because each of a million files has books."""
        self.lines += other.lines
        self.blank += other.blank
        self.page_views += other.page_views
        self.bare_pages += other.bare_pages
        self.loaded += other.loaded
        self.duplicates += other.duplicates
        self.rejected += other.rejected
        self.forgotten += other.forgotten

    def balance(self) -> bool:
        """Whether every line is accounted for."""
        lines, *outcomes = astuple(self)
        return bool(lines == sum(outcomes))


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many rejects a run may have: a number of lines, or a share of the lines read.

    The share is exact: as a double, 29 % of 100 lines would be less than 29.
    """

    lines: int | None = None
    share: Fraction = Fraction(0)

    @classmethod
    def parse(cls, text: str | int | None) -> "RejectLimit | None":
        """Parse a limit like ``100`` or ``"1%"``; None means no limit.

        Raises:
            UsageError: it is neither a number of lines nor a percentage up to 100.
        """
        if text is None:
            return None
        # Python writes no number of thousands of digits.
        given = text if isinstance(text, str) else str(min(text, 10**18))
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)%|(\d{1,19})", given)
        if match is None:
            said = f"The limit of rejects is {given[:20]!r}"
            raise UsageError(f"{said}: give a number of lines, like 100, or a share, like 1%.")
        if match[2]:
            return cls(lines=int(match[2]))
        share = Fraction(match[1]) / 100
        if share > 1:
            raise UsageError(f"The limit of rejects is {given}: a share is at most 100%.")
        return cls(share=share)

    def exceeded(self, books: Books) -> bool:
        """Whether the books have more rejects than allowed."""
        allowed = self.lines if self.lines is not None else self.share * books.lines
        return books.rejected > allowed


class BatchSessions(NamedTuple):
    """The sessions that a batch has in a month (`core.Plays.sessions`), and their plays and page views."""

    plays: int
    views: int
    data: bytes


@dataclass(slots=True)
class Tally:
    """How many files were read, and what became of their lines."""

    files: int = 0
    books: Books = field(default_factory=Books)
    reasons: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    left_to_others: int = 0

    def add(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.files += other.files
        self.books.add(other.books)
        self.reasons.update(other.reasons)
        self.unreadable |= other.unreadable
        self.left_to_others += other.left_to_others


@dataclass(slots=True)
class StagedBatch(Tally):
    """The tally of a staged batch.

    `number` is its place in the plan, and `months` are those of its plays and page views. Their `sessions`,
    for `transform.sessions`, are there only in the process that staged it.
    """

    number: int = 0
    months: list[date] = field(default_factory=list)
    sessions: dict[date, list[BatchSessions] | None] = field(default_factory=dict)


class Progress:
    """Follows the progress of a run. This class prints nothing; the command line has one that does."""

    def __init__(self) -> None:
        self.new = 0
        self.done = 0

    def planned(self, files: int) -> None:
        """Note that the run will read this many files."""
        self.new = files

    def staged(self, batch: StagedBatch) -> None:
        """Note that a batch is staged."""
        self.done += batch.files

    def kept(self) -> str:
        """Say what is kept if the run ends now."""
        return (
            f"{self.done:,} of {self.new:,} new files are read and kept; run the same command again to go on."
        )

    def publishing(self, step: str) -> None:
        """Note that publishing a step begins: the catalogue or a month."""


_OF_FINISHED: Final = {"files", "lines", "reject_reasons", "faulty_files"}
"""What a report says about each of its `finished_runs`."""


@dataclass(slots=True)
class Report:
    """What a run did.

    `status` is ``done``, ``held`` (more rejects than allowed, nothing published) or ``dry run``. A ``failed``
    report is only stored with the run: `etl.run` raises an error instead of returning it.

    `other_files` counts the other files in the folders by the endings of their names. `remarks` are
    sentences about what was found there or missing. `finished_runs` has the reports of earlier runs that were
    left unfinished and that this load finished. `held_runs` are all held runs, `failed_runs` the earlier runs
    that could not be published, with the reasons. `rows` counts the rows in the warehouse now, `matched`
    the plays that match a song. `faults` explains the files in which no line passes. `seconds` is wall-clock
    time.
    """

    status: str
    files_found: int = 0
    files_new: int = 0
    other_files: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    finished_runs: "dict[int, Report]" = field(default_factory=dict)
    held_runs: list[int] = field(default_factory=list)
    failed_runs: dict[int, str] = field(default_factory=dict)
    run_id: int | None = None
    tally: Tally = field(default_factory=Tally)
    rows: dict[str, int] = field(default_factory=dict)
    matched: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def books(self) -> Books:
        """What became of the lines that were read."""
        return self.tally.books

    @property
    def files_loaded(self) -> int:
        """How many files were read and published."""
        return self.tally.files if self.status == "done" else 0

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON document."""
        lines = asdict(self.books)
        return {
            "status": self.status,
            "run_id": self.run_id,
            "files": {"found": self.files_found, "new": self.files_new, "loaded": self.files_loaded,
                      "unreadable": self.tally.unreadable, "left_to_others": self.tally.left_to_others,
                      "other": self.other_files},
            "remarks": self.remarks,
            "lines": {"read": lines.pop("lines"), **lines},
            "reject_reasons": self.tally.reasons,
            "faulty_files": self.faults,
            "rows": self.rows,
            "matched": self.matched,
            "finished_runs": {
                run_id: {name: value for name, value in run.as_dict().items() if name in _OF_FINISHED}
                for run_id, run in self.finished_runs.items()
            },
            "held_runs": self.held_runs,
            "failed_runs": self.failed_runs,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip
