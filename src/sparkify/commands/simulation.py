"""``sparkify simulate``: a made-up Sparkify."""

from typing import Any

from sparkify.commands.arguments import Options, add_command
from sparkify.simulate import add_arguments  # its own options, kept with it


def add(commands: Any) -> None:
    """Declare it."""
    add_arguments(add_command(commands, "simulate", _simulate, "make up a Sparkify: song and log files"))


def _simulate(options: Options) -> int:
    from sparkify import simulate  # noqa: PLC0415

    return simulate.run(options)
