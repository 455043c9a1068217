"""``sparkify dashboard``: serve the web page."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sparkify.commands.arguments import Options, add_command, add_dsn, port
from sparkify.commands.output import note
from sparkify.errors import SparkifyError

PORT: Final = 8501


def add(commands: Any) -> None:
    """Declare the command."""
    dashboard = add_command(
        commands, "dashboard", _dashboard, "serve a web page of what users listen to, on this machine only"
    )
    dashboard.add_argument(
        "--port", type=port, default=PORT, metavar="N", help=f"port to listen on (default: {PORT})"
    )
    dashboard.add_argument("--no-browser", action="store_true", help="do not open a browser")
    add_dsn(dashboard)


def _dashboard(options: Options) -> int:
    if find_spec("streamlit") is None:
        raise SparkifyError(
            "The dashboard needs Streamlit. Install it: pip install 'sparkify[dashboard]', or make dashboard"
        )
    from sparkify import dashboard
    from sparkify.dashboard import settings
    from sparkify.database.connection import resolve

    app = Path(dashboard.__file__).with_name("app.py")
    arguments = settings.arguments(str(app), port=options.port, browser=not options.no_browser)
    # Streamlit would take settings from variables, too, that were meant for another program.
    given = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    environment = given | {"SPARKIFY_DSN": resolve(options.dsn)}
    note(f"sparkify: http://localhost:{options.port} (press Ctrl-C to stop)")
    sys.stderr.flush()
    # Streamlit replaces this process, so that it handles signals and sets the exit code. With -P it imports
    # nothing from the current folder, which may be somebody else's.
    command = [sys.executable, "-P", "-m", "sparkify.dashboard", *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606
