"""`python -m sparkify.simulate OUT`: the same as `sparkify simulate OUT`."""

import argparse
import sys

from sparkify.errors import SparkifyError, UsageError
from sparkify.simulate import add_arguments, run

parser = argparse.ArgumentParser(prog="python -m sparkify.simulate", description="Write a made-up Sparkify.")
add_arguments(parser)
try:
    sys.exit(run(parser.parse_args()))
except SparkifyError as error:
    print(f"sparkify: {error}", file=sys.stderr)
    sys.exit(2 if isinstance(error, UsageError) else 1)
