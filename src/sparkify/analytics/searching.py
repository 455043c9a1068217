"""Words to search names for: in any case, with or without accents, and in names that are encoded twice."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import groupby
from typing import Final

from sparkify.analytics.names import CODECS, ROUNDS, doubled

LONGEST_WORD: Final = 50
"""Characters. A longer word is found as it is, in any case: its regular expression would be slow."""

MOST_WORDS: Final = 30
"""Shorter ones are found as they are: PostgreSQL keeps 32 regular expressions, and compiles others anew."""

_LETTERS: Final = range(0x2000)
"""Where Unicode has the letters with accents: Latin, Greek, Cyrillic and their neighbours."""

_ACCENTS: Final = range(0x300, 0x370)
"""Accents that are characters of their own, each after its letter."""

_WRITTEN: Final = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "’": "'", "‘": "'", "´": "'",
    "ʼ": "'", "′": "'",
}  # fmt: skip
"""How people also write characters that Unicode does not take apart."""


def patterns(words: Iterable[str]) -> tuple[list[str], list[str | None]]:
    """Two patterns for each word: for LIKE in names of small ASCII letters, and a regular expression.

    A word that is found only as it is has no regular expression. The longest words come first: fewest names
    have them.
    """
    words = sorted(set(words), key=len, reverse=True)
    folded = [word for word in words if len(word) <= LONGEST_WORD][:MOST_WORDS]
    exact = [word for word in words if word not in folded]
    likes = [_like("".join(map(_plain, _letters(word)))) for word in folded]
    likes += [_like(word.lower()) for word in exact]
    return likes, [*map(_regular_expression, folded), *(None for _ in exact)]


def _like(text: str) -> str:
    return "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"


def _regular_expression(word: str) -> str:
    """The word with any accents, or as it is: Unicode composes some letters otherwise than names do."""
    forms = "".join(f"{_any_form(letter)}{_accents_apart()}*" for letter in _letters(word))
    return f"(?:{forms}|{''.join(map(_escaped, word))})"


def _letters(word: str) -> str:
    """The word without accents that are characters of their own."""
    composed = unicodedata.normalize("NFC", word)
    return composed.translate(dict.fromkeys(_ACCENTS)) or composed


@lru_cache(1000)
def _plain(letter: str) -> str:
    """The letter, small and without accents; one beyond those that may have accents is as it is."""
    small = unicodedata.normalize("NFD", letter)[0].casefold() if ord(letter) in _LETTERS else letter
    return _WRITTEN.get(small, small if len(small) == 1 else letter)


@cache
def _alike() -> dict[str, set[str]]:
    """The characters that are written like each plain one."""
    alike = defaultdict(set)
    for letter in (*map(chr, _LETTERS), *_WRITTEN):
        if letter.isalpha() or letter in _WRITTEN:
            alike[_plain(letter)].add(letter)
    return alike


@lru_cache(1000)
def _any_form(letter: str) -> str:
    """A regular expression for all letters like this one."""
    plain = _plain(letter)
    return _one_of(_alike().get(plain, set()) | {plain, letter, letter.lower(), letter.upper()})


@cache
def _accents_apart() -> str:
    # The other codec would make each pattern three times as long, for names that nobody has seen.
    return _one_of(map(chr, _ACCENTS), CODECS[:1])


def _one_of(texts: Iterable[str], codecs: Iterable[str] = CODECS) -> str:
    """A regular expression for one of the texts, as it is or encoded again, once or twice."""
    texts = set(texts)
    forms = texts
    for codec in codecs:
        again = texts
        for _ in range(ROUNDS):
            again = {doubled(text, codec) for text in again}
            forms = forms | again
    endings = defaultdict(set)
    for form in forms:
        endings[form[:-1]].add(form[-1])
    classes = ("".join(map(_escaped, start)) + _class(ends) for start, ends in sorted(endings.items()))
    return f"(?:{'|'.join(classes)})"


def _class(characters: set[str]) -> str:
    """One of the characters, as ranges of neighbours."""
    neighbours = groupby(enumerate(sorted(characters)), lambda numbered: ord(numbered[1]) - numbered[0])
    runs = ([character for _, character in numbered] for _, numbered in neighbours)
    ranges = (f"{_escaped(run[0])}-{_escaped(run[-1])}" if run[1:] else _escaped(run[0]) for run in runs)
    return f"[{''.join(ranges)}]"


def _escaped(character: str) -> str:
    number = ord(character)
    return rf"\u{number:04x}" if number < 1 << 16 else rf"\U{number:08x}"
