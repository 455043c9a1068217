"""Faults of resources: a full disk, too little memory, a wrong clock."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.client import Broken
from torture.arena import Arena
from torture.scene import Scene

DISK_BYTES = 384 << 20


class Skipped(Exception):
    """The machine cannot cause the fault; the message says why."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of this many bytes, in memory."""
    if os.geteuid() != 0:
        raise Skipped("only root can mount a small file system")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        raise Skipped(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def disk_full(scene: Scene) -> None:
    """The disk with the server's data fills up at an instant, and has room again after the load."""
    with small_disk(scene.folder / "disk", DISK_BYTES) as disk:
        arena = Arena(disk)
        try:
            elsewhere, scene.arena = scene.arena, arena
            elsewhere.drop(scene.dsn)
            scene.dsn = arena.database()
            client = scene.load(instant=scene.instant())
            client.reach()
            filler = disk / "filler"
            _fill(filler, spare=scene.luck.choice([0, 0, 20_000, 500_000]))
            code = client.end()
            scene.note(f"exit code {code}")
            filler.unlink()
            arena.server.start()  # it may have gone down
            scene.recover()
        finally:
            arena.stop()
            scene.arena, scene.dsn = elsewhere, ""


def _fill(filler: Path, spare: int) -> None:
    """Fill the disk but for some bytes."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    os.truncate(filler, max(0, filler.stat().st_size - spare))


def temporary_folder_full(scene: Scene) -> None:
    """The temporary folder and the current one are full: a load needs no room there."""
    with small_disk(scene.folder / "temporary", 4096) as disk:
        with (disk / "filler").open("wb") as file:
            file.write(bytes(4096))
        client = scene.load(environment={"TMPDIR": str(disk)}, folder=str(disk))
        if code := client.end():
            raise Broken(f"the load fails with {code}{client.said()}")


def out_of_memory(scene: Scene) -> None:
    """The loader gets at most 1,200 MB more memory than it has at its start."""
    room = int(scene.luck.uniform(0, 1200e6))
    client = scene.load(settings={"memory": room})
    code = client.end()
    scene.note(f"{room / 1e6:.0f} MB: exit code {code}")


def clock_jumps(scene: Scene) -> None:
    """The loader's clock is wrong by seconds or years, and jumps at an instant; file times are wrong too."""
    world = scene.own_world()
    years = 365 * 86400.0
    for path in world.rglob("*.json"):
        if scene.luck.random() < 0.5:
            moment = scene.luck.choice([-1e9, 0.0, 1.0, 1e9, 1.7e9, 4.1e9]) + scene.luck.random()
            os.utime(path, (moment, moment))
    offsets = [
        scene.luck.choice([-1, 1]) * scene.luck.choice([1.0, 3600.0, years, 20 * years]) for _ in range(2)
    ]
    scene.world = world
    scene.expected = scene.ground.undisturbed(world)
    client = scene.load(
        instant=scene.instant("plan", "claim", "manifest", "copy", "commit"), settings={"clock": offsets}
    )
    client.reach()
    if scene.luck.random() < 0.4:
        client.send(signal.SIGKILL)
    client.end()
    scene.note(f"the clock was wrong by {offsets[0]:+.0f} s, then {offsets[1]:+.0f} s")
