"""``python -m sparkify.simulate OUT`` is ``sparkify simulate OUT``."""

import sys

from sparkify.cli import main

sys.argv.insert(1, "simulate")
sys.exit(main())
