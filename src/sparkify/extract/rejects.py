"""Rejects: records that are not loaded, each with the reason and the evidence."""

from dataclasses import dataclass
from typing import Final

MAX_LINE_BYTES: Final = 64 << 20
"""A longer line is rejected unparsed, to bound the memory that one line can take."""

EVIDENCE_BYTES: Final = 1 << 20
"""At most this much of a rejected record is kept."""

REASONS: Final = (
    "line_too_long", "truncated_stream", "invalid_utf8", "invalid_json", "duplicate_key", "nul_character",
    "lone_surrogate", "not_an_object", "missing_field", "wrong_type", "empty_field", "out_of_range",
)  # fmt: skip
"""All reasons, in the order of docs/rules.md."""


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a record is rejected: the first `reason` of docs/rules.md that applies, and its `detail`."""

    reason: str
    detail: str


class Rejected(Exception):
    """Raised while a record is checked; `reject` says why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reject = Reject(reason, detail)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A rejected record and its line number; `record` holds the first MiB of its `record_bytes` bytes."""

    line: int
    why: Reject
    record: bytes
    record_bytes: int

    @classmethod
    def of(cls, line: int, why: Reject, text: bytes) -> "RejectedLine":
        """The reject of a record whose whole `text` is here."""
        return cls(line, why, text[:EVIDENCE_BYTES], len(text))


Record = tuple[int, bytes] | RejectedLine
"""A record as a reader yields it: its number and its JSON on one line, or a reject."""


def too_long(size: int) -> Reject:
    """The reject of a line of `size` bytes."""
    return Reject("line_too_long", f"{size:,} bytes; a line may have {MAX_LINE_BYTES:,}")
