"""Faults of processes: the loader, the server or a backend is killed or asked to end."""

import os
import signal
import time
from contextlib import suppress
from typing import Final

import psycopg

from tests.support.client import Broken
from torture.scene import Scene

SOON: Final = 2.0
"""Within this many seconds SIGTERM and Ctrl-C must end a load."""


def client_killed(scene: Scene) -> None:
    """SIGKILL to the loader, up to three times in a row."""
    for _ in range(scene.luck.choice([1, 1, 1, 2, 3])):
        client = scene.load(instant=scene.instant())
        client.reach()
        client.strike(signal.SIGKILL)
        scene.see_backends_go()


def client_terminated(scene: Scene) -> None:
    """SIGTERM to the loader."""
    _end(scene, signal.SIGTERM)


def client_interrupted(scene: Scene) -> None:
    """Ctrl-C: SIGINT to the loader."""
    _end(scene, signal.SIGINT)


def _end(scene: Scene, number: signal.Signals) -> None:
    client = scene.load(instant=scene.instant())
    running = client.reach()
    took = client.strike(number)
    code = client.end()
    if took > SOON:
        raise Broken(f"{number.name} took {took:.1f} s")
    if running and code not in {128 + number, 0, -number, 1}:
        raise Broken(f"{number.name} gave exit code {code}{client.said()}")
    if code == 128 + number and "Interrupted." not in client.said():
        raise Broken(f"{number.name}: nothing was said of what is kept{client.said()}")
    scene.note(f"{number.name}: exit code {code} after {took:.2f} s")
    scene.see_backends_go()


def postmaster_killed(scene: Scene) -> None:
    """SIGKILL to the server during a load; it is restarted, recovers, and the load goes on."""
    client = scene.load(instant=scene.instant())
    client.reach()
    pid = scene.arena.server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    client.go_on()
    scene.arena.server.start()
    client.end()


def backend_killed(scene: Scene) -> None:
    """SIGKILL to one backend: the server ends all sessions and recovers."""
    client = scene.load(instant=scene.instant())
    client.reach()
    sessions = scene.backends()
    if sessions:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(scene.luck.choice(sessions), signal.SIGKILL)
    client.end()
    _wait_for_recovery(scene)


def backend_terminated(scene: Scene) -> None:
    """An administrator ends one session: a worker's, the lease's or the publisher's."""
    client = scene.load(instant=scene.instant())
    client.reach()
    sessions = scene.backends()
    if sessions:
        with scene.arena.admin() as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [scene.luck.choice(sessions)])
    client.go_on()
    if scene.luck.random() < 0.5:  # another takes over what lost its lease, while it may still live
        rival = scene.load()
        rival.end()
    client.end()


def statement_cancelled(scene: Scene) -> None:
    """Somebody cancels the statement that runs in one session."""
    client = scene.load(instant=scene.instant())
    client.reach()
    sessions = scene.backends()
    if sessions:
        with scene.arena.admin() as admin:
            admin.execute("SELECT pg_cancel_backend(%s)", [scene.luck.choice(sessions)])
    client.end()


def _wait_for_recovery(scene: Scene) -> None:
    for _ in range(500):
        try:
            scene.backends()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise Broken("the server does not come back")
