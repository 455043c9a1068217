"""`python -m sparkify.simulate OUT`: the same as `sparkify simulate OUT`."""

import argparse
import sys

from sparkify.errors import SparkifyError
from sparkify.simulate import add_arguments, run

parser = argparse.ArgumentParser(prog="python -m sparkify.simulate", description="Write a made-up Sparkify.")
add_arguments(parser)
try:
    sys.exit(run(parser.parse_args()))
except SparkifyError as error:
    parser.error(str(error))
