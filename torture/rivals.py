"""Several loads at once, of the same or overlapping files."""

import signal

from tests.support.client import Broken
from torture.scene import Scene


def rivals(scene: Scene) -> None:
    """Two to four loads run at once, and perhaps one of them is killed."""
    whole = [str(scene.world)]
    logs = sorted(path for path in (scene.world / "log_data").glob("*/*") if path.is_dir())
    parts = [
        whole,
        ["--song-data", f"{scene.world}/song_data"],
        ["--log-data", f"{scene.world}/log_data"],
        *(["--log-data", str(path)] for path in logs),
        ["--song-data", f"{scene.world}/song_data", "--log-data", str(scene.luck.choice(logs))],
    ]
    chosen = [
        whole if scene.luck.random() < 0.5 else scene.luck.choice(parts)
        for _ in range(scene.luck.randint(2, 4))
    ]
    victim = scene.luck.choice([None, 0, len(chosen) - 1])
    loads = [
        scene.load(*arguments, instant=scene.instant() if number == victim else None)
        for number, arguments in enumerate(chosen)
    ]
    if victim is not None:
        loads[victim].reach()
        loads[victim].strike(signal.SIGKILL)
    for number, load in enumerate(loads):
        code = load.end()
        if code and number != victim:
            raise Broken(f"one of {len(loads)} loads at once failed with {code}{load.said()}")
