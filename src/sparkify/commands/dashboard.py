"""``sparkify dashboard``."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sparkify.commands.arguments import Options, add_command, port, with_dsn
from sparkify.errors import SparkifyError

PORT: Final = 8501


def add(commands: Any) -> None:
    """Declare it."""
    dashboard = add_command(
        commands, "dashboard", _dashboard, "show what users listen to as a web page, on this machine only"
    )
    dashboard.add_argument(
        "--port", type=port, default=PORT, metavar="N", help=f"where it listens (default: {PORT})"
    )
    dashboard.add_argument("--no-browser", action="store_true", help="do not open a browser")
    with_dsn(dashboard)


def _dashboard(options: Options) -> int:
    if find_spec("streamlit") is None:
        raise SparkifyError(
            "The dashboard needs Streamlit. Install it: pip install 'sparkify[dashboard]', or make dashboard"
        )
    from sparkify import dashboard  # noqa: PLC0415
    from sparkify.dashboard import settings  # noqa: PLC0415
    from sparkify.database.connection import resolve  # noqa: PLC0415

    app = Path(dashboard.__file__).with_name("app.py")
    arguments = settings.arguments(str(app), port=options.port, browser=not options.no_browser)
    environment = os.environ | {"SPARKIFY_DSN": resolve(options.dsn)}
    print(f"sparkify: http://localhost:{options.port} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    # Streamlit takes this program's place: signals and the exit code are its own.
    os.execve(sys.executable, [sys.executable, "-m", "sparkify.dashboard", *arguments], environment)  # noqa: S606
