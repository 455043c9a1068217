"""Lines that are set aside: why, and with which evidence."""

from dataclasses import dataclass
from typing import Final

MAX_LINE_BYTES: Final = 64 << 20
"""A longer line is rejected unread: the memory that one line can cost is bounded."""

EVIDENCE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a line is set aside: the first reason that applies, and what exactly was wrong."""

    reason: str
    detail: str


class Rejected(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reject = Reject(reason, detail)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that is set aside; `record` is at most the first MiB of its `record_bytes` bytes."""

    line: int
    why: Reject
    record: bytes
    record_bytes: int

    @classmethod
    def of(cls, line: int, why: Reject, text: bytes) -> "RejectedLine":
        """The reject of a whole line."""
        return cls(line, why, text[:EVIDENCE_BYTES], len(text))


def too_long(size: int) -> Reject:
    """The reject of a line of so many bytes."""
    return Reject("line_too_long", f"{size:,} bytes; a line may have {MAX_LINE_BYTES:,}")
