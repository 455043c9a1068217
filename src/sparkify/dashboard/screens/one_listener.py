"""One listener: how much and on which level they listen, and to what."""

from typing import Any

import streamlit as st

from sparkify import analytics
from sparkify.dashboard import addresses, charts, headlines, tables
from sparkify.dashboard.filters import View
from sparkify.dashboard.source import Ask


def show(view: View, ask: Ask) -> None:
    """Draw the listener whom the address names."""
    user = addresses.number("user")
    found = None
    if user is not None:
        asked = ask(analytics.listener, user, view.period, view.selection)
        span = headlines.before(view)
        earlier = ask(analytics.listener, user, selection=span) if span else None
        found = asked.result()
    if found is None:
        tables.line(f"There is no listener {tables.written(st.query_params['user'])}.")
    else:
        tables.heading(found["name"] if found["name"].strip() else "(no name)")
    tables.links({"All listeners": addresses.to("listeners")})
    if found:
        _draw(view, found, earlier.result() if earlier else {})


def _draw(view: View, found: dict[str, Any], earlier: dict[str, Any]) -> None:
    user, chosen, period = found["user_id"], view.selection, view.period
    about = [f"user {user}", found["gender"], f"level now {found['level']}"]
    tables.line(" · ".join(filter(None, about)) + f" · plays {found['first_day']} to {found['last_day']}")
    if not found["plays"]:
        tables.line("This listener played nothing within the filters.")
        return
    with st.container(horizontal=True):
        headlines.show("Plays", found["plays"], earlier.get("plays"))
        hours = earlier["seconds"] / headlines.HOUR if earlier else None
        headlines.show("Hours heard", found["seconds"] / headlines.HOUR, hours)
    headlines.say(view)
    st.subheader(f"Plays by {period}", anchor=False)
    charts.trend(view, found["trend"], ["plays"], f"Plays of the listener by {period}")
    left, right = st.columns(2, gap="large")
    with left:
        tables.show(
            "Levels", found["levels"],
            {"level": "level", "plays": "plays", "first_day": "first", "last_day": "last"}, bar="plays",
        )  # fmt: skip
    with right:
        tables.show(
            "Top songs", found["songs"], {"title": "title", "artist": "artist", "plays": "plays"},
            bar="plays", links=addresses.SONG,
        )  # fmt: skip
        tables.download(
            "songs of the listener",
            lambda: view.ask_now(analytics.listener, user, chosen, limit=1000)["songs"],
        )
