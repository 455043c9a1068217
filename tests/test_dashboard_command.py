"""``sparkify dashboard`` without a browser: how it starts Streamlit, and what it says if it cannot."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sparkify import cli
from sparkify.commands import dashboard
from sparkify.dashboard import settings
from sparkify.dashboard.states import STATES, state_of


def test_without_streamlit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(dashboard, "find_spec", lambda _: None)
    assert cli.main(["dashboard"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "sparkify[dashboard]" in said
    assert "make dashboard" in said


def test_what_is_started(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    started: list[Any] = []
    monkeypatch.setattr(dashboard, "find_spec", lambda _: True)
    monkeypatch.setattr(os, "execve", lambda *arguments: started.extend(arguments))
    cli.main(
        ["dashboard", "--port", "8600", "--no-browser", "--dsn", "postgresql://me:secret@localhost/mine"]
    )
    _, arguments, environment = started
    assert "secret" in environment["SPARKIFY_DSN"]
    assert "secret" not in " ".join(arguments) + capsys.readouterr().err
    assert "--server.port=8600" in arguments
    assert "--server.headless=true" in arguments


def test_nothing_in_the_current_folder_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may be somebody else's: neither its modules nor settings for Streamlit in variables are read."""
    started: list[Any] = []
    monkeypatch.setattr(dashboard, "find_spec", lambda _: True)
    monkeypatch.setattr(os, "execve", lambda *arguments: started.extend(arguments))
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    monkeypatch.chdir(tmp_path)
    cli.main(["dashboard", "--no-browser", "--dsn", "postgresql://localhost/mine"])
    program, arguments, environment = started
    assert not [name for name in environment if name.startswith("STREAMLIT_")]
    assert {"--server.enableCORS=true", "--server.enableXsrfProtection=true"} < set(arguments)
    Path("altair.py").write_text("print('taken')")
    options = arguments[1 : arguments.index("-m")]
    found = subprocess.run(
        [program, *options, "-c", "import altair"], capture_output=True, text=True, check=False
    )
    assert "taken" not in found.stdout


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http", "1e3"])
def test_ports_that_are_none(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dashboard", "--port", port]) == 2
    assert port in capsys.readouterr().err


def test_on_loopback_and_telling_nobody() -> None:
    arguments = settings.arguments("app.py", port=1, browser=True)
    for option in (
        "--server.address=127.0.0.1", "--browser.gatherUsageStats=false", "--server.fileWatcherType=none",
        "--server.headless=false", "--client.showErrorDetails=none",
    ):  # fmt: skip
        assert option in arguments


def contrast(one: str, other: str) -> float:
    """Contrast as defined by the WCAG."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [settings.LIGHT, settings.DARK], ids=["light", "dark"])
def test_colours_can_be_told_from_the_ground(theme: dict[str, Any]) -> None:
    assert contrast(theme["textColor"], theme["backgroundColor"]) > 7
    assert contrast(theme["textColor"], theme["secondaryBackgroundColor"]) > 7
    for colour in theme["chartCategoricalColors"][:2]:
        assert contrast(colour, theme["backgroundColor"]) > 2
    steps = theme["chartSequentialColors"]
    away = [contrast(step, theme["backgroundColor"]) for step in steps]
    assert away == sorted(away)


def test_states() -> None:
    assert len(STATES) == 51
    assert len({place for _, *place in map(list, STATES.values()) for place in [tuple(place)]}) == 51


@pytest.mark.parametrize(
    ("location", "state"),
    [
        ("Chicago-Naperville-Elgin, IL-IN-WI", "IL"), ("San Jose, CA", "CA"), ("Paris", None),
        ("", None), (None, None),
        ("Somewhere, XX", None), ("a, b, NY", "NY"),
    ],
)  # fmt: skip
def test_the_state_of_a_place(location: str | None, state: str | None) -> None:
    assert state_of(location) == state
