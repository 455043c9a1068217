"""Draw a day's events. A session is drawn on the day it begins; its events fall on that day or the next."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

from sparkify.simulate.arrays import AnyInts, Bools, Floats, Ints, begins_group
from sparkify.simulate.catalogue import Catalogue
from sparkify.simulate.draws import Draws
from sparkify.simulate.feedback import Walked, with_feedback
from sparkify.simulate.listening import Listening
from sparkify.simulate.pages import REDIRECTS, Page, walk
from sparkify.simulate.people import BLOCK, Levels, People
from sparkify.simulate.starts import Starts, starts_on
from sparkify.simulate.world import DAY_MS, Stream, World

# A session ends at most this long after it begins, so that it reaches into one more day at most.
_LONGEST_SESSION_MS = 20 * 3_600_000
_BREAK_MS = 60_000  # at least, between two sessions of a person
# Seconds on a page that is not a song: log-normal with this median.
_THINKS, _THINKS_SPREAD, _THINKS_MOST = 66.0, 1.45, 3_500.0


@dataclass
class Events:
    """Columns by event."""

    ms: Ints  # since 1970
    session: Ints
    item: AnyInts
    person: AnyInts
    page: AnyInts
    paid: Bools
    song: AnyInts  # -1 when the page is not a song

    def __len__(self) -> int:
        return len(self.ms)

    def take(self, which: Ints | Bools | slice) -> "Events":
        """Some of the events."""
        return Events(*(getattr(self, f.name)[which] for f in fields(self)))

    @staticmethod
    def concat(parts: list["Events"]) -> "Events":
        """The events of all parts, in order; there is at least one part."""
        return Events(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Events)))


def days_of(
    world: World, catalogue: Catalogue, people: People, first: int, last: int
) -> Iterator[tuple[int, Events]]:
    """Yield each day from first to last (counted since 1970) with its events, ordered by time."""
    levels = Levels(world, people)
    listening = Listening(world, catalogue, people)
    begun = starts_on(world, people, levels, first - 1)
    over_midnight: Events | None = None
    for day in range(first - 1, last + 1):
        next_begun = starts_on(world, people, levels, day + 1)
        events = _events(
            world, catalogue, listening, begun, next_first=next_begun.first_of(len(people)), day=day
        )
        begun = next_begun
        midnight = (day + 1) * DAY_MS
        if over_midnight is not None:
            events = Events.concat([over_midnight, events])
            # Ties keep their order: yesterday's sessions first, then by person.
            yield day, events.take(_by_time(events, midnight))
        over_midnight = events.take(events.ms >= midnight)


def _by_time(events: Events, midnight: Ints | int) -> Ints:
    today = np.flatnonzero(events.ms < midnight)
    key = (events.ms[today] - (midnight - DAY_MS)) << 32 | np.arange(len(today))
    key.sort()
    by_time: Ints = today[key & 0xFFFFFFFF]
    return by_time


def _events(
    world: World, catalogue: Catalogue, listening: Listening, begun: Starts, *, next_first: Ints, day: int
) -> Events:
    ids = _session_ids(world, begun, day)
    limits = listening.limits(day)
    ends = _ends(begun, next_first)
    parts = []
    for block in range((int(begun.person[-1]) // BLOCK + 1) if len(begun.person) else 0):
        low, high = np.searchsorted(begun.person, [block * BLOCK, (block + 1) * BLOCK])
        if low == high:
            continue
        which = slice(int(low), int(high))
        draws = world.draws(Stream.WALKS, day, block)
        session, page, paid = walk(draws, begun.paid[which], begun.changing[which], begun.leaving[which])
        session += low
        song = np.full(len(page), -1, np.int32)
        plays = np.flatnonzero(page == Page.SONG)
        song[plays] = listening.songs(draws, limits, begun.person[session[plays]])
        clock = np.cumsum(_seconds_before(draws, catalogue.durations, page, song, begins_group(session)))
        walked = Walked(session, page, paid, song, clock)
        walked = with_feedback(world.draws(Stream.FEEDBACK, day, block), walked, catalogue.durations)
        parts.append(_timed(walked, begun, ids, ends))
    return Events.concat(parts) if parts else _NOTHING


def _timed(walked: Walked, begun: Starts, ids: Ints, ends: Ints) -> Events:
    """The events with their times and numbers, those before their session must end."""
    session, page, paid, song, clock = walked
    begins = np.flatnonzero(begins_group(session))
    length = np.diff(np.append(begins, len(page)))
    item = np.arange(len(page)) - np.repeat(begins, length)
    ms = begun.ms[session] + (clock - np.repeat(clock[begins], length)) * 1000
    person = begun.person[session].astype(np.int32)
    events = Events(ms, ids[session], item.astype(np.int32), person, page, paid, song)
    return events.take((item == 0) | (ms < ends[session]))


def _session_ids(world: World, begun: Starts, day: int) -> Ints:
    """Number a day's sessions by their start, in a range for that day: no day has to count earlier ones."""
    # There are at most twice as many people as users, with less than half a session a day on average.
    room = 2 * world.users + 100
    ids = np.empty(len(begun.ms), np.int64)
    ids[np.argsort(begun.ms, kind="stable")] = np.arange(len(begun.ms))
    return (day - world.opened_day) * room + ids % room + 1


def _ends(begun: Starts, next_first: Ints) -> Ints:
    """When each session must end: before the person's next one begins, and after 20 hours at most."""
    following = next_first[begun.person]
    same = begun.person[1:] == begun.person[:-1]
    following[:-1][same] = begun.ms[1:][same]
    return np.minimum(following - _BREAK_MS, begun.ms + _LONGEST_SESSION_MS)


def _seconds_before(draws: Draws, durations: Floats, page: AnyInts, song: AnyInts, begins: Bools) -> Ints:
    """Whole seconds between each event and the one before it; 0 where a session begins."""
    seconds = np.zeros(len(page), np.int64)
    plays = page == Page.SONG
    after_song = plays[1:] & plays[:-1]
    seconds[1:][after_song] = durations[song[:-1][after_song]].astype(np.int64)
    thinks = np.flatnonzero(~after_song & ~begins[1:]) + 1
    thought = np.exp(np.log(_THINKS) + _THINKS_SPREAD * draws.normal(len(thinks)))
    seconds[thinks] = np.minimum(thought, _THINKS_MOST).astype(np.int64)
    seconds[REDIRECTS[page]] = 1
    seconds[begins] = 0
    return seconds


_NOTHING = Events(
    ms=np.empty(0, np.int64),
    session=np.empty(0, np.int64),
    item=np.empty(0, np.int32),
    person=np.empty(0, np.int32),
    page=np.empty(0, np.int8),
    paid=np.empty(0, np.bool_),
    song=np.empty(0, np.int32),
)
