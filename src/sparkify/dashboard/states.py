"""The US states: names, places in a grid that resembles the map, and how to find one in a location."""

from typing import Final

_GRID: Final = """
AK .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. .. .. .. .. VT NH
WA ID MT ND MN IL WI MI NY RI MA
OR NV WY SD IA IN OH PA NJ CT ..
CA UT CO NE MO KY WV VA MD DE ..
.. AZ NM KS AR TN NC SC DC .. ..
.. .. .. OK LA MS AL GA .. .. ..
HI .. .. TX .. .. .. .. FL .. ..
"""
_NAMES: Final = """
AK Alaska, AL Alabama, AR Arkansas, AZ Arizona, CA California, CO Colorado, CT Connecticut, DC
District of Columbia, DE Delaware, FL Florida, GA Georgia, HI Hawaii, IA Iowa, ID Idaho, IL
Illinois, IN Indiana, KS Kansas, KY Kentucky, LA Louisiana, MA Massachusetts, MD Maryland, ME Maine,
MI Michigan, MN Minnesota, MO Missouri, MS Mississippi, MT Montana, NC North Carolina, ND North
Dakota, NE Nebraska, NH New Hampshire, NJ New Jersey, NM New Mexico, NV Nevada, NY New York, OH
Ohio, OK Oklahoma, OR Oregon, PA Pennsylvania, RI Rhode Island, SC South Carolina, SD South Dakota,
TN Tennessee, TX Texas, UT Utah, VA Virginia, VT Vermont, WA Washington, WI Wisconsin, WV West
Virginia, WY Wyoming
"""

_places = {
    state: (column, row)
    for row, line in enumerate(_GRID.split("\n")[1:-1])
    for column, state in enumerate(line.split())
    if state != ".."
}
STATES: Final = {
    name[:2]: (name[3:], *_places[name[:2]]) for name in _NAMES.replace("\n", " ").strip().split(", ")
}
"""Name, column and row by the two letters of a state."""


def state_of(location: str | None) -> str | None:
    """The first state in a location like ``Chicago-Naperville-Elgin, IL-IN-WI``; None if there is none."""
    first = (location or "").rpartition(", ")[2][:2]
    return first if first in STATES else None
