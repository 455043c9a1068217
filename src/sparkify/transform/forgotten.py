"""Recognise forgotten people, even in rejected lines that cannot be parsed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Final

from sparkify.extract.files import Kind
from sparkify.extract.kinds import KINDS
from sparkify.extract.rejects import Reject, RejectedLine

WITHHELD: Final = "the text is not kept: nobody can tell whose line it is"
"""The detail of a reject whose text is withheld: the original detail may quote the line."""

# The key in any spelling, what may precede its value even in broken JSON, a number, and the next byte.
_NAMED: Final = re.compile(
    rb"user_?id([^0-9A-Za-z]{0,64}?(-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)(.?))?", re.IGNORECASE | re.DOTALL
)
_ESCAPED: Final = re.compile(rb"\\u00([0-7][0-9a-fA-F])")
_GOES_ON: Final = re.compile(rb"[0-9A-Za-z_.+-]|\Z")
_LONGEST: Final = 400


def digest(key: bytes, user_id: int) -> bytes:
    """The stored digest of a forgotten person. Without the warehouse's key it does not reveal the id."""
    return blake2b(str(user_id).encode(), key=key, digest_size=16).digest()


class Forgotten:
    """The people that a warehouse has forgotten; false if there are none."""

    def __init__(self, key: bytes = b"", digests: Iterable[bytes] = ()) -> None:
        self._key = key
        self._digests = frozenset(digests)

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, user_id: int) -> bool:
        return digest(self._key, user_id) in self._digests

    def keeps(self, line: RejectedLine, kind: Kind) -> RejectedLine | None:
        """What may be kept of a rejected line: all, all but its text, or None if it names one of them.

        The text is withheld if lines of this kind have people and nobody can tell whose line it is.
        """
        whose = Whose.of(line.record)
        if any(user_id in self for user_id in whose.named):
            return None
        if whose.doubtful and KINDS[kind].has_people:
            return replace(line, why=Reject(line.why.reason, WITHHELD), record=b"")
        return line


@dataclass(frozen=True, slots=True)
class Whose:
    """The user ids that a line names, JSON or not. It is `doubtful` without one, or if one is unreadable."""

    named: frozenset[int]
    doubtful: bool

    @classmethod
    def of(cls, text: bytes) -> "Whose":
        """Read a line in every accepted spelling, and in broken ones: escapes, other quotes, UTF-16."""
        text = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.replace(b"\0", b""))
        found = list(_ids(text))
        named = frozenset(user_id for user_id, _ in found if user_id is not None)
        return cls(named, not found or not all(sure for _, sure in found))


def _ids(text: bytes) -> Iterator[tuple[int | None, bool]]:
    """Each user id that is named, and whether it is certain: a torn number may have had more digits."""
    for _, number, behind in _NAMED.findall(text):
        value = _integer(number)
        yield value, value is not None and not _GOES_ON.match(behind)


def _integer(number: bytes) -> int | None:
    digits = number.lstrip(b"-0")
    if not number or len(digits) > _LONGEST:
        return None
    try:
        value = Decimal("0" + digits.decode())
    except InvalidOperation:  # an exponent that a Decimal cannot hold
        return None
    if value and (value.adjusted() > 19 or value != value.to_integral_value()):
        return None
    return -int(value) if number.startswith(b"-") else int(value)
