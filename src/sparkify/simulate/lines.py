"""Write events as lines of JSON, byte for byte in the form of the real logs."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkify.simulate.arrays import AnyInts, Ints
from sparkify.simulate.catalogue import Catalogue, log_text
from sparkify.simulate.days import Events
from sparkify.simulate.devices import AGENTS
from sparkify.simulate.fragments import Fragments
from sparkify.simulate.pages import IS_KNOWN, LOGGED
from sparkify.simulate.people import FIRST_NAMES, People
from sparkify.simulate.places import METROS
from sparkify.simulate.words import FAMILIES, WOMEN

# Digits are laid four at a time. The leading digits of a time are at most 41024, at the end of 2099;
# session ids and items stay far below.
_FOUR = 10_000
_PLAIN = 42_000


class Lines:
    """Writes events of these people and songs as lines of 17 fragments. Lines share most fragments."""

    def __init__(self, catalogue: Catalogue, people: People) -> None:
        self._people = people
        f = self._fragments = Fragments()
        pages = list(LOGGED.values())
        # Three fragments per song, side by side: one or two cache misses per song, not six. After the songs
        # come the fragments that other pages have in their place.
        self._songs = len(catalogue.artist_of)
        artists = [log_text(name) for name in catalogue.artists.to_pylist()]
        titles = catalogue.titles.to_pylist()
        self._song = f.add(
            text
            for artist, length, title in zip(
                catalogue.artist_of.tolist(), catalogue.duration_texts, titles, strict=True
            )
            for text in _of_song(artists[artist], length, log_text(title), 200, "Logged In")
        )
        f.add(text for _, _, status, auth in pages for text in _of_song("null", "null", "null", status, auth))
        self._page = f.add(f'"{method}","page":"{name}","registration":' for name, method, _, _ in pages)
        # The person's fragments: the first is for nobody (logged out), then there is one per choice.
        self._first = f.add(
            [',"firstName":null,"gender":null,"itemInSession":']
            + [
                f',"firstName":{log_text(name)},"gender":"{"F" if n < len(WOMEN) else "M"}","itemInSession":'
                for n, name in enumerate(FIRST_NAMES)
            ]
        )
        self._family = f.add(f',"lastName":{name},"length":' for name in ["null", *map(log_text, FAMILIES)])
        self._metros = len(METROS) + 1
        places = ["null", *(log_text(name) for name, _, _ in METROS)]
        self._home = f.add(
            f'"{level}","location":{place},"method":' for level in ("free", "paid") for place in places
        )
        self._agent = f.add(
            f',"userAgent":{agent},"userId":"' for agent in ["null", *(log_text(a) for a, _ in AGENTS)]
        )
        self._person = f.add(['null,"sessionId":', '"}\n'])
        f.add(_in_turn(people.registered, '.0,"sessionId":', np.arange(1, len(people) + 1), '"}\n'))
        self._plain = f.add(str(n) for n in range(_PLAIN))
        self._padded = f.add(f"{n:04}" for n in range(_FOUR))
        self._nothing = f.add([""])

    def of(self, events: Events) -> tuple[memoryview, Ints]:
        """The lines, each with its newline, and the offset of each, with one more for the end."""
        people = self._people
        known = IS_KNOWN[events.page]
        song = self._song + 3 * np.where(
            events.song >= 0, events.song, self._songs + events.page.astype(np.int32)
        )
        person = self._person + 2 * (known * (1 + events.person))
        columns = (
            song,
            self._first + known * (1 + people.first[events.person]),
            self._plain + events.item,
            self._family + known * (1 + people.family[events.person]),
            song + 1,
            self._home + events.paid * self._metros + known * (1 + people.metro[events.person]),
            self._page + events.page.astype(np.int32),
            person,
            *self._number(events.session),
            song + 2,
            self._plain + events.ms // _FOUR**2,
            self._padded + events.ms // _FOUR % _FOUR,
            self._padded + events.ms % _FOUR,
            self._agent + known * (1 + people.agent[events.person]),
            person + 1,
        )
        rows = np.empty((len(events), len(columns)), np.int32)
        for n, column in enumerate(columns):
            rows[:, n] = column
        return self._fragments.lay(rows)

    def _number(self, number: Ints) -> list[AnyInts]:
        """A number below _PLAIN * 10**8 as three fragments: leading digits, then twice four digits."""
        high, middle, low = number // _FOUR**2, number // _FOUR % _FOUR, number % _FOUR
        return [
            np.where(high > 0, self._plain + high, self._nothing),
            np.where(
                high > 0, self._padded + middle, np.where(middle > 0, self._plain + middle, self._nothing)
            ),
            np.where(number >= _FOUR, self._padded + low, self._plain + low),
        ]


def _of_song(artist: str, length: str, title: str, status: int, auth: str) -> tuple[str, str, str]:
    return (
        f'{{"artist":{artist},"auth":"{auth}"',
        f'{length},"level":',
        f',"song":{title},"status":{status},"ts":',
    )


def _in_turn(first: Ints, first_end: str, second: Ints, second_end: str) -> pa.Array:
    """The numbers in digits with their ends, alternating between the first and the second array."""
    ends = pa.array([first_end, second_end]).take(pa.array(np.tile([0, 1], len(first))))
    both = np.stack([first, second], axis=1).reshape(-1)
    return pc.binary_join_element_wise(pa.array(both).cast(pa.string()), ends, "")
