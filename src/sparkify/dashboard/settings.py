"""Settings of Streamlit: on loopback only, no telemetry, colours that colour-blind people can tell apart."""

import json
from typing import Any, Final

# From the palette of Okabe and Ito for all kinds of colour vision; the lighter ones on a dark background.
LIGHT: Final = {
    "primaryColor": "#0072B2",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F3F6F9",
    "textColor": "#1B2733",
    "chartCategoricalColors": ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"],
    "chartSequentialColors": [
        "#EDF4FA", "#D6E6F3", "#BAD6EB", "#99C4E1", "#74AFD5",
        "#5099C7", "#3182B8", "#176AA4", "#0A5289", "#083A66",
    ],
}  # fmt: skip
DARK: Final = {
    "primaryColor": "#56B4E9",
    "backgroundColor": "#10161D",
    "secondaryBackgroundColor": "#19222C",
    "textColor": "#E8EDF2",
    "chartCategoricalColors": ["#56B4E9", "#E69F00", "#2BC59B", "#E39CC4", "#F07F3C", "#F0E442"],
    "chartSequentialColors": [
        "#182635", "#193349", "#1A415F", "#1C5077", "#226190",
        "#3075A8", "#4A8CBD", "#6CA5D0", "#95C0E1", "#C8E0F3",
    ],
}  # fmt: skip


def arguments(app: str, *, port: int, browser: bool) -> list[str]:
    """Arguments for Streamlit to serve the program `app` on a local port and, if asked, open a `browser`."""
    options: dict[str, Any] = {
        "server.address": "127.0.0.1",
        "server.port": port,
        # A foreign web page cannot read this one through a host name that resolves to 127.0.0.1.
        "server.allowedHosts": ["localhost", "127.0.0.1"],
        # Whatever the user's own settings say.
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.headless": not browser,
        "server.showEmailPrompt": False,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "browser.serverAddress": "localhost",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "runner.magicEnabled": False,
        "logger.level": "warning",
        "theme.baseRadius": "0.4rem",
        **{f"theme.light.{name}": value for name, value in LIGHT.items()},
        **{f"theme.dark.{name}": value for name, value in DARK.items()},
    }
    return ["run", app, *(word for name, value in options.items() for word in _option(name, value))]


def _option(name: str, value: Any) -> list[str]:
    if name.startswith("theme.") and isinstance(value, list):
        return [f"--{name}={json.dumps(value)}"]
    if isinstance(value, list):
        return [f"--{name}={item}" for item in value]
    return [f"--{name}={str(value).lower() if isinstance(value, bool) else value}"]
