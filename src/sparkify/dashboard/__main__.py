"""``python -m sparkify.dashboard``, with options of Streamlit: run the dashboard.

The large libraries are imported here, before the server starts, so that the first page comes at once.
"""

import sys

import altair as alt  # noqa: F401
import pandas as pd  # noqa: F401
from streamlit import file_util
from streamlit.web.cli import main

from sparkify import analytics  # noqa: F401
from sparkify.commands import streams
from sparkify.server.probe import answers  # noqa: F401

# Settings in the current folder may be somebody else's: read those in the home folder alone.
file_util.get_project_streamlit_file_path = file_util.get_streamlit_file_path

if __name__ == "__main__":
    # Streamlit prints the address, which we have already printed on stderr.
    with streams.safe(may_be_lost=True):
        sys.exit(main(prog_name="sparkify dashboard"))
