"""Small worlds that Hypothesis makes up. They are so small that every kind of collision happens."""

from hypothesis import strategies as st

from tests.support.data import NOVEMBER, play, song

DAY = 24 * 3600 * 1000

_tiny = st.sampled_from(["", "a", "b"])
plays = st.builds(
    lambda day, user, item, session, level, title, place, name: play(
        NOVEMBER + day * 20 * DAY + item,
        userId=str(user), itemInSession=item, sessionId=session, level=level, song=title, location=place,
        firstName=name,
    ),
    st.integers(0, 2), st.integers(1, 2), st.integers(0, 1), st.integers(1, 2),
    st.sampled_from(["free", "paid"]),
    st.sampled_from(["x", "y"]), _tiny, _tiny,
)  # fmt: skip
_views = st.builds(
    lambda day, user, item, session, level, page: play(
        NOVEMBER + day * 20 * DAY + item,
        userId=user, itemInSession=item, sessionId=session, level=level, page=page,
    ),
    st.integers(0, 2), st.sampled_from(["", "1", "2"]), st.integers(0, 1), st.integers(1, 2),
    st.sampled_from(["free", "paid", None]), st.sampled_from(["Home", "Help", "Thumbs Up"]),
)  # fmt: skip
events = plays | plays | _views
songs = st.builds(
    lambda number, title, artist, name, place, year: song(
        f"S{number}", title=title, artist_id=f"A{artist}", artist_name=name, artist_location=place, year=year
    ),
    st.integers(1, 3), st.sampled_from(["x", "y"]), st.integers(1, 2), st.sampled_from(["Elena", "B"]), _tiny,
    st.sampled_from([0, 1999, 2000]),
)  # fmt: skip
