"""Adverts between songs, and what people give while a song plays: thumbs, playlists and friends.

The real sample has none of these pages, so how often they come is made up.
"""

from typing import NamedTuple

import numpy as np

from sparkify.simulate.arrays import AnyInts, Bools, Floats, Ints, begins_group
from sparkify.simulate.draws import Draws
from sparkify.simulate.pages import Page

# How often an advert comes between two songs: free, paid. On the free level half the songs are followed by
# another one, so every fifth song is followed by an advert.
_ADVERTS = np.array([0.4, 0.002])
_ADVERT_SECONDS = 30
# How often each is given while a song plays, at most one for a song.
_GIVEN = {Page.THUMBS_UP: 0.05, Page.THUMBS_DOWN: 0.01, Page.ADD_TO_PLAYLIST: 0.025, Page.ADD_FRIEND: 0.015}
_UPTO = np.cumsum([*_GIVEN.values()])


class Walked(NamedTuple):
    """Events in order of sessions, as columns."""

    session: Ints
    page: AnyInts
    paid: Bools
    song: AnyInts  # -1 when the page is not a song
    clock: Ints  # in seconds; a session begins where the one before it ended


def with_feedback(draws: Draws, walked: Walked, durations: Floats) -> Walked:
    """The same events with adverts and feedback between them; `durations` are those of the songs.

    An advert makes all that follows later. Feedback comes while its song plays, and before the next event.
    """
    plays = np.flatnonzero(walked.page == Page.SONG)
    length = durations[walked.song[plays]].astype(np.int64)
    ends = np.append(begins_group(walked.session)[1:], True)[plays]
    until_next = np.append(np.diff(walked.clock), 0)[plays]
    playing = np.where(ends, length, np.minimum(length, until_next))

    followed = np.flatnonzero(~ends & (walked.page[np.minimum(plays + 1, len(walked.page) - 1)] == Page.SONG))
    chance = _ADVERTS[walked.paid[plays[followed]].astype(np.int64)]
    adverts = followed[draws.uniform(len(followed)) < chance]
    drawn = draws.uniform(len(plays))
    given = np.flatnonzero(drawn < _UPTO[-1])
    kind = np.searchsorted(_UPTO, drawn[given], side="right")
    seconds = 1 + (draws.uniform(len(given)) * (playing[given] - 1)).astype(np.int64)
    in_time = seconds < playing[given]  # not when the next event follows within a second

    return _put_between(
        walked,
        after=plays[np.concatenate([given[in_time], adverts])],
        page=np.concatenate([np.array([*_GIVEN])[kind[in_time]], np.full(len(adverts), Page.ADVERT)]),
        seconds=np.concatenate([seconds[in_time], playing[adverts]]),
    )


def _put_between(walked: Walked, *, after: Ints, page: Ints, seconds: Ints) -> Walked:
    """Put each page so many seconds after an event; what follows an advert comes later by its length."""
    order = np.lexsort((seconds, after))
    after, page, seconds = after[order], page[order], seconds[order]
    late = np.zeros(len(walked.page), np.int64)
    late[after[page == Page.ADVERT] + 1] = _ADVERT_SECONDS
    clock = walked.clock + np.cumsum(late)
    row = np.repeat(np.arange(len(clock)), 1 + np.bincount(after, minlength=len(clock)))
    both = Walked(walked.session[row], walked.page[row], walked.paid[row], walked.song[row], clock[row])
    is_put = ~begins_group(row)
    both.page[is_put] = page
    both.song[is_put] = -1
    both.clock[is_put] += seconds
    return both
