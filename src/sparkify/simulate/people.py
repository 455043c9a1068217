"""The people: name, home, device, habits, taste, and the days on which they change level or leave."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sparkify.simulate.arrays import AnyInts, Bools, Floats, Ints
from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.devices import AGENTS
from sparkify.simulate.places import METROS
from sparkify.simulate.words import FAMILIES, MEN, WOMEN
from sparkify.simulate.world import DAY_MS, Stream, World

# Draw this many people, or their sessions, at a time, to bound memory. Another number changes every world.
BLOCK = 65_536
FAVOURITES = 6
FIRST_NAMES = [*WOMEN, *MEN]
_DRAWN = 8  # random numbers per person, before the favourites
# Steps that spread points evenly over a square, however many there are (Roberts' sequence).
_STEPS = 1.324717957244746 ** -np.array([1.0, 2.0])
_NORMAL = [NormalDist().inv_cdf((n + 0.5) / 1_000) for n in range(1_000)]
_WOMEN = 0.64
_PAID_AT_OPENING = 0.122
_SESSIONS_A_MONTH = 6.6  # of the median person; the mean is half as much again
_FREE_DAYS, _PAID_DAYS = 260.0, 420.0  # mean length of a spell of an ordinary person
_STAY_DAYS = 2_200.0  # of an ordinary person: 4 % leave in a quarter. Made up: in the real sample nobody does


@dataclass
class People:
    """Columns by person, in order of registration (the order of the user ids, which begin at 1)."""

    first: AnyInts  # into FIRST_NAMES
    family: AnyInts  # into FAMILIES
    metro: AnyInts  # into METROS
    agent: AnyInts  # into AGENTS
    registered: Ints  # ms since 1970
    rate: Floats  # sessions on a day of average weight
    peak: Floats  # the hour of the day, UTC, around which they like to listen
    weekday: AnyInts  # their favourite one; Monday is 0
    eagerness: Floats  # how soon they upgrade, 1 is ordinary
    paid: Bools  # level when they registered
    favourites: AnyInts  # artists, FAVOURITES a person
    leaves: Ints  # the day on which they cancel, since 1970

    def __len__(self) -> int:
        return len(self.first)


def people_of(world: World, catalogue: Catalogue, count: int) -> People:
    """The first `count` people of the world; person n is the same whatever the count."""
    by_fame = np.cumsum(
        np.add.reduceat(catalogue.fame[: catalogue.known], catalogue.first_song[: catalogue.known_artists])
    )
    offset = world.draws(Stream.HABITS).uniform(len(_STEPS))
    blocks = [
        _draw(world, by_fame, offset, first, min(BLOCK, count - first)) for first in range(0, count, BLOCK)
    ]
    return People(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))


def _draw(world: World, by_fame: Floats, offset: Floats, first: int, count: int) -> tuple[AnyInts, ...]:
    # One row per person: then the size of the block does not change the people before.
    uniform = world.draws(Stream.PEOPLE, first // BLOCK).uniform(count, _DRAWN + FAVOURITES)
    drawn, tastes = uniform[:, :_DRAWN], uniform[:, _DRAWN:]
    woman = drawn[:, 0] < _WOMEN
    name = np.where(woman, drawn[:, 1] * len(WOMEN), len(WOMEN) + drawn[:, 1] * len(MEN))
    metro = _weighted([share for _, share, _ in METROS], drawn[:, 3])
    numbers = np.arange(first, first + count)
    # Spread evenly how much people play and whether they pay. If they were drawn, a month of a hundred people
    # would depend on the five who happen to play most.
    busy, paying = ((offset + numbers[:, None] * _STEPS) % 1.0).T
    rate = np.minimum(_SESSIONS_A_MONTH / 30.0 * np.exp(0.9 * _normal(busy)), 2.6)
    utc = np.array([hours for _, _, hours in METROS])[metro]
    peak = (10.2 + 3.4 * _normal(drawn[:, 6]) - utc) % 24.0
    founded = world.opened_day * DAY_MS - (1 + drawn[:, 5] ** 2 * (14 * DAY_MS - 1)).astype(np.int64)
    newcomers = np.clip(numbers - world.users, 0, world.users - 1)
    founder = numbers < world.users
    registered = np.where(founder, founded, world.joined_ms(newcomers))
    eagerness = np.sqrt(rate / 0.22)
    # Those who play much stay longer.
    leaving = world.uniform(Stream.LEAVING, numbers, np.zeros_like(numbers))
    stays = 1 + (-np.log1p(-leaving) * _STAY_DAYS * eagerness).astype(np.int64)
    return (
        name.astype(np.int32),
        (drawn[:, 2] * len(FAMILIES)).astype(np.int32),
        metro.astype(np.int32),
        _weighted([share for _, share in AGENTS], drawn[:, 4]).astype(np.int32),
        registered,
        rate,
        peak,
        (drawn[:, 7] * 7).astype(np.int8),
        eagerness,
        founder & (paying < _PAID_AT_OPENING * eagerness),
        np.searchsorted(by_fame, tastes * by_fame[-1], side="right").astype(np.int32),
        np.maximum(registered // DAY_MS, world.opened_day) + stays,
    )


def _normal(uniform: Floats) -> Floats:
    """Map numbers in [0, 1) to normal numbers with mean 0 and standard deviation 1, in the same order."""
    return np.interp(uniform * len(_NORMAL) - 0.5, np.arange(len(_NORMAL)), _NORMAL)


def _weighted(shares: list[float], uniform: Floats) -> Ints:
    """The choice that a number in [0, 1) falls on."""
    upto = np.cumsum(shares)
    choice: Ints = np.minimum(np.searchsorted(upto, uniform * upto[-1], side="right"), len(shares) - 1)
    return choice


class Levels:
    """Tells who pays on which day. A person's spells of paying and not paying depend on nothing else.

    On the day a spell ends, the person has exactly one session and changes level in it. So the level on any
    day follows from the spells alone, and no day needs to know what was played before.
    """

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people
        self.paid = people.paid.copy()
        self._turn = np.zeros(len(people), np.int64)
        self._until = people.registered // DAY_MS + self._spells(np.arange(len(people)))

    def advance(self, day: int) -> Bools:
        """Set `paid` to the state when the day begins; returns who changes on it. Days must not go back."""
        while len(over := np.flatnonzero(self._until < day)):
            self.paid[over] ^= True
            self._turn[over] += 1
            self._until[over] += self._spells(over)
        changing: Bools = self._until == day
        return changing

    def _spells(self, who: Ints) -> Ints:
        """How many days, at least 1, each person's current spell lasts."""
        uniform = self._world.uniform(Stream.SPELLS, who, self._turn[who])
        mean = np.where(self.paid[who], _PAID_DAYS, _FREE_DAYS / self._people.eagerness[who])
        spells: Ints = 1 + (-np.log1p(-uniform) * mean).astype(np.int64)
        return spells
