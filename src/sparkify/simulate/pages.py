"""How a session moves from page to page, with the frequencies counted in the real sample, by level.

The real sample has no Cancel, no advert and no feedback (feedback.py): those are made up.
"""

import enum

import numpy as np

from sparkify.simulate.arrays import AnyInts, Bools, Floats, Ints
from sparkify.simulate.draws import Draws


class Page(enum.IntEnum):
    """A page and whether the person is logged in on it."""

    SONG = 0
    HOME = 1
    HOME_OUT = 2
    LOGIN = 3
    LOGOUT = 4
    UPGRADE = 5
    SUBMIT_UPGRADE = 6
    DOWNGRADE = 7
    SUBMIT_DOWNGRADE = 8
    SETTINGS = 9
    SAVE_SETTINGS = 10
    HELP = 11
    HELP_OUT = 12
    ABOUT = 13
    ABOUT_OUT = 14
    ERROR = 15
    CANCEL = 16
    CANCELLED = 17
    ADVERT = 18
    THUMBS_UP = 19
    THUMBS_DOWN = 20
    ADD_TO_PLAYLIST = 21
    ADD_FRIEND = 22
    LEAVE = 23  # the session ends; no event


_IN, _OUT = "Logged In", "Logged Out"
# name, method, status, auth
LOGGED: dict[Page, tuple[str, str, int, str]] = {
    Page.SONG: ("NextSong", "PUT", 200, _IN),
    Page.HOME: ("Home", "GET", 200, _IN),
    Page.HOME_OUT: ("Home", "GET", 200, _OUT),
    Page.LOGIN: ("Login", "PUT", 307, _OUT),
    Page.LOGOUT: ("Logout", "PUT", 307, _IN),
    Page.UPGRADE: ("Upgrade", "GET", 200, _IN),
    Page.SUBMIT_UPGRADE: ("Submit Upgrade", "PUT", 307, _IN),
    Page.DOWNGRADE: ("Downgrade", "GET", 200, _IN),
    Page.SUBMIT_DOWNGRADE: ("Submit Downgrade", "PUT", 307, _IN),
    Page.SETTINGS: ("Settings", "GET", 200, _IN),
    Page.SAVE_SETTINGS: ("Save Settings", "PUT", 307, _IN),
    Page.HELP: ("Help", "GET", 200, _IN),
    Page.HELP_OUT: ("Help", "GET", 200, _OUT),
    Page.ABOUT: ("About", "GET", 200, _IN),
    Page.ABOUT_OUT: ("About", "GET", 200, _OUT),
    Page.ERROR: ("Error", "GET", 404, _IN),
    Page.CANCEL: ("Cancel", "PUT", 307, _IN),
    Page.CANCELLED: ("Cancellation Confirmation", "GET", 200, "Cancelled"),
    Page.ADVERT: ("Roll Advert", "GET", 200, _IN),
    Page.THUMBS_UP: ("Thumbs Up", "PUT", 307, _IN),
    Page.THUMBS_DOWN: ("Thumbs Down", "PUT", 307, _IN),
    Page.ADD_TO_PLAYLIST: ("Add to Playlist", "PUT", 307, _IN),
    Page.ADD_FRIEND: ("Add Friend", "PUT", 307, _IN),
}
IS_KNOWN = np.array([auth != _OUT for *_, auth in LOGGED.values()])  # whether the log tells who it is

# A page with status 307 is reached by a click on the page before: it follows within a second. (Feedback is
# given while a song plays, and is put in later.)
REDIRECTS = np.array([page in LOGGED and LOGGED[page][2] == 307 for page in Page])

_P = Page
# How often each page follows each other page: (free, paid). The row of SONG leaves out another song, which
# STAY decides, and visits to Upgrade that end in a Submit, which happen when a spell of not paying ends.
_BOTH: dict[Page, dict[Page, tuple[float, float]]] = {
    _P.SONG: {
        _P.HOME: (25, 118),
        _P.LOGOUT: (26, 52),
        _P.UPGRADE: (7, 0),
        _P.DOWNGRADE: (0, 50),
        _P.SETTINGS: (2, 31),
        _P.HELP: (3, 29),
        _P.ABOUT: (2, 12),
        _P.ERROR: (1, 7),
        _P.LEAVE: (539, 130),
    },
    _P.HOME: {
        _P.SONG: (195, 236),
        _P.HOME: (5, 25),
        _P.LOGOUT: (3, 6),
        _P.UPGRADE: (4, 0),
        _P.DOWNGRADE: (0, 5),
        _P.SETTINGS: (11, 8),
        _P.ABOUT: (1, 1),
        _P.HELP: (0.5, 1),
        _P.LEAVE: (142, 18),
    },
    _P.HOME_OUT: {
        _P.LOGIN: (20, 41),
        _P.HOME_OUT: (9, 16),
        _P.ABOUT_OUT: (4, 9),
        _P.HELP_OUT: (2, 4),
        _P.LEAVE: (11, 55),
    },
    _P.LOGIN: {_P.HOME: (1, 1)},
    _P.LOGOUT: {_P.HOME_OUT: (1, 1)},
    _P.UPGRADE: {_P.HOME: (5, 1), _P.SONG: (3, 1), _P.UPGRADE: (2, 0), _P.LEAVE: (3, 1)},
    _P.SUBMIT_UPGRADE: {_P.HOME: (1, 1)},
    _P.DOWNGRADE: {_P.SONG: (1, 35), _P.HOME: (1, 10), _P.DOWNGRADE: (0, 3), _P.LEAVE: (1, 11)},
    _P.SUBMIT_DOWNGRADE: {_P.HOME: (1, 1)},
    _P.SETTINGS: {
        _P.SONG: (6, 24),
        _P.SAVE_SETTINGS: (2, 8),
        _P.SETTINGS: (1, 3),
        _P.HOME: (2, 2),
        _P.HELP: (1, 2),
        _P.LOGOUT: (1, 3),
        _P.LEAVE: (1, 1),
    },
    _P.SAVE_SETTINGS: {_P.HOME: (8, 8), _P.LEAVE: (1, 1)},
    _P.HELP: {_P.SONG: (3, 27), _P.HOME: (1, 1), _P.HELP: (0, 1), _P.DOWNGRADE: (0, 2), _P.LEAVE: (2, 1)},
    _P.HELP_OUT: {_P.LOGIN: (2, 1), _P.HELP_OUT: (2, 1), _P.LEAVE: (1, 4)},
    _P.ABOUT: {_P.SONG: (1, 4), _P.ABOUT: (0, 4), _P.HOME: (1, 3), _P.LEAVE: (4, 6)},
    _P.ABOUT_OUT: {_P.LOGIN: (2, 2), _P.HOME_OUT: (1, 2), _P.ABOUT_OUT: (0, 1), _P.LEAVE: (2, 5)},
    _P.ERROR: {_P.SONG: (1, 1), _P.HOME: (0, 1), _P.LEAVE: (1, 5)},
    _P.CANCEL: {_P.CANCELLED: (1, 1)},
}
_FIRST: dict[Page, tuple[float, float]] = {
    _P.SONG: (405, 102),
    _P.HOME: (286, 65),
    _P.HOME_OUT: (8, 46),
    _P.LOGIN: (10, 15),
    _P.ABOUT: (2, 0),
    _P.HELP: (1, 0),
    _P.ERROR: (1, 0),
}
STAY = np.array([616 / 1229, 5162 / 5591])  # chance of another song after a song: free, paid
_LONGEST_WALK = 400  # rounds; no session gets there, but a loop needs an end
_SONGS_BEFORE_CHANGE = 5

# A session that must get somewhere goes from page to page like this.
_CANCELLING = {_P.SONG: _P.SETTINGS, _P.SETTINGS: _P.CANCEL}
_UPGRADING = {_P.SONG: _P.UPGRADE, _P.UPGRADE: _P.SUBMIT_UPGRADE}
_DOWNGRADING = {_P.SONG: _P.DOWNGRADE, _P.DOWNGRADE: _P.SUBMIT_DOWNGRADE}


def _upto(chances: dict[Page, tuple[float, float]], level: int) -> Floats:
    row = np.array([chances.get(page, (0, 0))[level] for page in Page], float)
    # Exactly 1 from the last possible page on, so that no number in [0, 1) falls past it.
    upto = np.cumsum(row / row.sum())
    upto[np.flatnonzero(row)[-1] :] = 1.0
    return upto


_LEAVES = {page: (1.0, 1.0) if page is Page.LEAVE else (0.0, 0.0) for page in Page}
_NEXT = np.array([[_upto(_BOTH.get(page, _LEAVES), level) for page in Page] for level in (0, 1)])
_START = np.array([_upto(_FIRST, level) for level in (0, 1)])


def walk(draws: Draws, paid: Bools, changing: Bools, leaving: Bools) -> tuple[Ints, AnyInts, Bools]:
    """The events of sessions that begin at these levels; some change their level on the way, or cancel.

    Returns for each event, in order of sessions: its session, its page, and whether it is at level paid. A
    session that changes level, or in which somebody leaves for good, plays a few songs and then goes straight
    there.
    """
    alive = np.arange(len(paid))
    paid, changing = paid.copy(), changing.copy()
    page = _choose(draws, _START[paid.astype(np.int64)])
    page[changing | leaving] = Page.SONG
    stretches: list[tuple[Ints, AnyInts, AnyInts, Bools]] = []
    for _ in range(_LONGEST_WALK):
        if not len(alive):
            break
        level = paid[alive]
        count = np.ones(len(alive), np.int64)
        songs = np.flatnonzero(page == Page.SONG)
        # A run of songs is one draw: song by song, the longest session would take a hundred rounds.
        count[songs] = draws.geometric(STAY[level[songs].astype(np.int64)])
        changes, leaves = changing[alive], leaving[alive]
        count[changes | leaves] = np.minimum(count[changes | leaves], _SONGS_BEFORE_CHANGE)
        stretches.append((alive, page.astype(np.int8), count, level))
        after = _choose(draws, _NEXT[level.astype(np.int64), page])
        _lead(after, page, leaves, _CANCELLING)
        _lead(after, page, changes & level, _DOWNGRADING)
        _lead(after, page, changes & ~level, _UPGRADING)
        done = changes & ((page == Page.SUBMIT_UPGRADE) | (page == Page.SUBMIT_DOWNGRADE))
        paid[alive[done]] ^= True
        changing[alive[done]] = False
        stays = after != Page.LEAVE
        alive, page = alive[stays], after[stays]
    session, pages, counts, levels = (np.concatenate(column) for column in zip(*stretches, strict=True))
    # Each round is sorted by session, so a stable sort merges sorted runs and keeps the rounds in order.
    order = np.argsort(session, kind="stable")
    order = np.repeat(order, counts[order])
    return session[order], pages[order], levels[order]


def _lead(after: Ints, page: Ints, who: Bools, way: dict[Page, Page]) -> None:
    """Change the pages that come after these: on a way, one page leads to the next."""
    if who.any():  # in most rounds there is nobody
        where = np.flatnonzero(who)
        for here, there in way.items():
            after[where[page[where] == here]] = there


def _choose(draws: Draws, upto: Floats) -> Ints:
    """Draw one number per row of cumulative chances; returns which page it falls on."""
    chosen: Ints = (draws.uniform(len(upto))[:, None] >= upto).sum(axis=1)
    return chosen
