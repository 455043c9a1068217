"""Lines that look real, and a mill that damages them."""

import random
import re
from collections.abc import Callable  # noqa: TC003
from pathlib import Path
from typing import Final

from sparkify.simulate import simulate

CORPUS: Final = Path(__file__).resolve().parents[1] / "tests" / "corpus"

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\s,:{}\[\]"]+')
NUMBERS: Final = [
    b"0", b"-0", b"-0.0", b"1e2", b"0.1e1", b"1E400", b"1e-400", b"01", b"-", b"+1", b"1.", b".5", b"NaN",
    b"Infinity",
    b"-Infinity", b"0x10", b"1_0", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809",
    b"1.9",
    b"818.0", b"1541105830796.5", b"99999999999999999999", b"123456789012345678", b"5e-324", b"1e999999999",
    b"4102444800000", b"4102444799999", b"946684799999",
    b"0.1000000000000000055511151231257827021181583404541015625",
]  # fmt: skip
PIECES: Final = [
    rb"\u0000", rb"\ud800", rb"\udc00\ud800", rb"\ud83d\ude00", rb"\u00e9", rb"\n", rb"\/", rb"\x", rb"\u12",
    b"\\", b'"', b"\x00",
    b"\x1f", b"\x7f", b"\x85", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xef\xbb\xbf",
    b"\xe2\x80\xa8", b"\r",
    b"\t", b"\x0b", b"\x0c", b" ", b"\xc2\xa0", b",", b":", b"{", b"}", b"[", b"]", b"null", b"true", b'""',
    b"//", b"/**/", b"'",
]  # fmt: skip


class Mill:
    """Damages lines. The same seed gives the same lines."""

    def __init__(self, lines: list[bytes], seed: int) -> None:
        self.luck = random.Random(seed)  # noqa: S311
        self._lines = lines
        self._ways: list[Callable[[bytes], bytes]] = [
            self._flip, self._cut, self._repeat, self._splice, self._swap, self._number, self._piece,
            self._nest, self._member,
            self._encode, self._space, self._torn, self._long,
        ]  # fmt: skip

    def line(self) -> bytes:
        """One line: unchanged, or damaged once or several times."""
        line = self.luck.choice(self._lines)
        for _ in range(self.luck.choice([0, 1, 1, 1, 1, 2, 3])):
            line = self.luck.choice(self._ways)(line)
        return line.replace(b"\n", b" ")

    def lines(self, count: int) -> list[bytes]:
        """That many lines."""
        return [self.line() for _ in range(count)]

    def _at(self, line: bytes) -> int:
        return self.luck.randint(0, len(line))

    def _flip(self, line: bytes) -> bytes:
        if not line:
            return line
        at = self.luck.randrange(len(line))
        return line[:at] + bytes([line[at] ^ (1 << self.luck.randrange(8))]) + line[at + 1 :]

    def _cut(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[:at] + line[at + self.luck.choice([1, 1, 1, 2, 5, 40]) :]

    def _repeat(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[: at + self.luck.choice([1, 1, 3, 30])] + line[at:]

    def _splice(self, line: bytes) -> bytes:
        other = self.luck.choice(self._lines)
        return line[: self._at(line)] + other[self._at(other) :]

    def _swap(self, line: bytes) -> bytes:
        tokens = [match.span() for match in _TOKENS.finditer(line)]
        if len(tokens) < 2:
            return line
        (a, b), (c, d) = sorted(self.luck.sample(tokens, 2))
        return line[:a] + line[c:d] + line[b:c] + line[a:b] + line[d:]

    def _replace(self, line: bytes, text: bytes) -> bytes:
        tokens = [match.span() for match in _TOKENS.finditer(line)]
        if not tokens:
            return line + text
        since, until = self.luck.choice(tokens)
        return line[:since] + text + line[until:]

    def _number(self, line: bytes) -> bytes:
        if self.luck.random() < 0.5:
            return self._replace(line, self.luck.choice(NUMBERS))
        digits = "".join(self.luck.choices("0123456789", k=self.luck.randint(1, 25)))
        point = self.luck.choice(["", "", ".0", ".5", "e3", "E-2", f".{digits[:5]}", "00"])
        return self._replace(line, f"{self.luck.choice(['', '', '-'])}{digits}{point}".encode())

    def _piece(self, line: bytes) -> bytes:
        at = self._at(line)
        return line[:at] + self.luck.choice(PIECES) + line[at:]

    def _nest(self, line: bytes) -> bytes:
        depth = self.luck.choice([1, 2, 50, 99, 100, 101, 102, 2000])
        opening, closing = self.luck.choice(
            [(b"[", b"]"), (b'{"a":', b"}"), (b"[{", b"}]"), (b'{"a":[', b"]}"), (b"[", b"")]
        )
        inner = self.luck.choice([b"", b"1", b"null", b'"page":"Home"', b'"a":1'])
        return self._replace(line, opening * depth + inner + closing * depth)

    def _member(self, line: bytes) -> bytes:
        tokens = [match.group() for match in _TOKENS.finditer(line)]
        strings = [token for token in tokens if token.startswith(b'"')] or [b'"x"']
        member = self.luck.choice(strings) + b":" + self.luck.choice(tokens or [b"1"])
        end = line.rfind(b"}")
        where = line.find(b",") if self.luck.random() < 0.3 else end
        return line[:where] + b"," + member + line[where:] if where > 0 else line

    def _encode(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "replace")
        way = self.luck.choice(
            ["latin-1", "utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "utf-7", "ascii"]
        )
        return text.encode(way, "backslashreplace")

    def _space(self, line: bytes) -> bytes:
        space = self.luck.choice([b" ", b"  ", b"\t", b"\r", b"\x0b", b"\x00"])
        mark = self.luck.choice([b":", b",", b"{", b"}", b'"'])
        return line.replace(
            mark, self.luck.choice([space + mark, mark + space]), self.luck.choice([1, 1, -1])
        )

    def _torn(self, line: bytes) -> bytes:
        return line[: self._at(line)] if self.luck.random() < 0.7 else line[self._at(line) :]

    def _long(self, line: bytes) -> bytes:
        if self.luck.random() < 0.95:
            return line
        at = self._at(line)
        return (
            line[:at]
            + self.luck.choice([b"x", b"0", b" ", b"[", b"\\", b"\xc3\xa9"]) * self.luck.choice([200, 5000])
            + line[at:]
        )


def seeds(folder: Path) -> dict[str, list[bytes]]:
    """Lines that look real, by kind: simulated ones, clean and dirty, and those of the corpus."""
    simulate(folder, users=20, songs=100, days=5, seed=7, dirt=0.1, workers=1)
    found: dict[str, list[bytes]] = {}
    for kind in ("log", "song"):
        paths = [*(folder / f"{kind}_data").rglob("*.json"), *(CORPUS / f"{kind}_data").glob("*.json")]
        lines = [
            line for path in sorted(paths) for line in path.read_bytes().split(b"\n") if len(line) < 3000
        ]
        spaced = [line.replace(b'":', b'": ').replace(b',"', b', "') for line in lines[:300]]
        found[kind] = lines + spaced
    return found
