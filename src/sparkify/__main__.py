"""``python -m sparkify`` is ``sparkify``."""

import sys

from sparkify.cli import main

sys.exit(main())
