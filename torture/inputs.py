"""Input files that change while they are read."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from sparkify.database.connection import connect
from sparkify.server.account import server_account
from tests.support.client import Broken
from torture import content
from torture.resources import Skipped
from torture.scene import Scene

PLAYS = "SELECT start_time, songplay_id FROM songplays"


def _files(scene: Scene, kind: str = "*_data") -> list[Path]:
    """A random sample of the files."""
    found = sorted(path for path in scene.world.glob(f"{kind}/**/*.json*") if path.is_file())
    return scene.luck.sample(found, scene.luck.randint(1, max(1, len(found) // 3)))


def _during_a_load(scene: Scene, happens: Callable[[Path], None], files: list[Path]) -> None:
    """Do it to half of the files before the load reaches an instant, and to the others while it goes on."""
    client = scene.load(instant=scene.instant("plan", "claim", "copy", "manifest", "commit"))
    client.reach()
    half = len(files) // 2
    for path in files[:half]:
        happens(path)
    client.go_on()
    for path in files[half:]:
        happens(path)
    if code := client.end():
        raise Broken(f"the load fails with {code}{client.said()}")


def _exactly(scene: Scene) -> None:
    """Expect from now on what a load of the files as they are now gives."""
    scene.ground.forget(scene.world)
    scene.expected = scene.ground.undisturbed(scene.world)


def files_grow(scene: Scene) -> None:
    """While files are read, their last lines arrive in fragments torn anywhere."""
    scene.world = scene.own_world()
    files = _files(scene)
    whole = {path: path.read_bytes() for path in files}
    for path, data in whole.items():
        path.write_bytes(data[: scene.luck.randint(0, len(data))])

    def grow(path: Path) -> None:
        data = whole[path]
        here = path.stat().st_size
        for until in sorted(scene.luck.sample(range(here, len(data) + 1), min(2, len(data) + 1 - here))):
            with path.open("ab") as file:
                file.write(data[here:until])
            here = until
        with path.open("ab") as file:
            file.write(data[here:])

    _during_a_load(scene, grow, files)
    _exactly(scene)


def files_change(scene: Scene) -> None:
    """Logs are rewritten with their lines in another order and some lines twice; song files get other
    songs."""
    scene.world = scene.own_world()

    def change(path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        if "song_data" in str(path):
            path.write_bytes(b"".join(lines).replace(b'"year": 0', b'"year": 1999').replace(b'e"', b'ee"'))
            return
        scene.luck.shuffle(lines)
        new = path.with_name(".new")
        new.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in [*lines, *lines[:3]]))
        new.rename(path)

    _during_a_load(scene, change, _files(scene))
    _exactly(scene)


def files_shrink(scene: Scene) -> None:
    """Logs lose their last lines or vanish for good; still, no loaded play is withdrawn, and none is made
    up."""
    scene.world = scene.own_world()
    before = _plays_of(scene)

    def shrink(path: Path) -> None:
        if scene.luck.random() < 0.3:
            path.unlink()
        else:
            with path.open("r+b") as file:
                file.truncate(scene.luck.randint(0, path.stat().st_size))

    _during_a_load(scene, shrink, _files(scene, "log_data"))
    after = _plays_of(scene)

    def check() -> str:
        with connect(scene.dsn) as connection:
            found = content.rows(connection, PLAYS)
            lost = connection.execute(
                "SELECT count(*) FROM etl.files f WHERE loaded > (SELECT count(*) FROM analytics.heard_plays"
                " p"
                " WHERE p.file_id = f.file_id) AND kind = 'log'"
            ).fetchone()
        assert lost is not None
        return (
            f"{len(after - found)} plays are lost" * bool(after - found)
            + f"{len(found - before)} plays are made up" * bool(found - before)
            + f"{lost[0]} files have plays that are not there" * bool(lost[0])
        )

    scene.recover(check)


def _plays_of(scene: Scene) -> set[tuple[object, ...]]:
    dsn = scene.arena.database()
    client = scene.load(dsn=dsn)
    if code := client.end():
        raise Broken(f"an undisturbed load fails with {code}{client.said()}")
    with connect(dsn) as connection:
        found = content.rows(connection, PLAYS)
    scene.arena.drop(dsn)
    return found


def files_replaced(scene: Scene) -> None:
    """Files vanish, or become folders, pipes, or links to themselves or /dev/zero; then they return."""
    scene.world = scene.own_world()
    kept = scene.folder / "kept"
    kept.mkdir()
    files = _files(scene)

    def replace(path: Path) -> None:
        shutil.move(path, kept / str(files.index(path)))
        match scene.luck.choice(["gone", "folder", "pipe", "loop", "nowhere", "zero", "mem"]):
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "loop":
                path.symlink_to(path.name)
            case "nowhere":
                path.symlink_to("nowhere")
            case "zero":
                path.symlink_to("/dev/zero")
            case "mem":
                path.symlink_to("/proc/self/mem")

    _during_a_load(scene, replace, files)
    for number, path in enumerate(files):
        if path.is_symlink() or path.is_fifo():
            path.unlink()
        elif path.is_dir():
            path.rmdir()
        shutil.move(kept / str(number), path)
    scene.expected = scene.ground.undisturbed(scene.world)


def permission_lost(scene: Scene) -> None:
    """Files become unreadable, then readable again. As root, the load opens them as the server's user."""
    scene.world = scene.own_world()
    files = _files(scene)
    settings = {}
    if os.geteuid() == 0:
        if sys.platform != "linux":
            raise Skipped("as root no permission is ever missing")
        settings["reader"] = server_account(scene.arena.server.home / "data").uid
    client = scene.load(instant=scene.instant("plan", "claim", "copy", "manifest"), settings=settings)
    client.reach()
    for path in files:
        path.chmod(0)
    if code := client.end():
        raise Broken(f"the load fails with {code}{client.said()}")
    if scene.luck.random() < 0.5:  # a whole load without them
        scene.load(settings=settings).end()
    for path in files:
        path.chmod(0o644)
    scene.expected = scene.ground.undisturbed(scene.world)
