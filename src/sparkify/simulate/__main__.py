"""``python -m sparkify.simulate OUT`` is ``sparkify simulate OUT``."""

import sys

from sparkify.cli import main

sys.exit(main(["simulate", *sys.argv[1:]]))
