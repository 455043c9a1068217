"""Faults of the network between the loader and the server."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.client import Client
from tests.support.proxy import Proxy
from torture.scene import Scene


@contextmanager
def _through_proxy(scene: Scene) -> Iterator[tuple[Proxy, Client]]:
    with Proxy(scene.dsn) as proxy:
        client = scene.load(instant=scene.instant(), dsn=proxy.dsn(scene.dsn))
        try:
            client.reach()
            yield proxy, client
        finally:
            client.end()


def connection_dropped(scene: Scene) -> None:
    """All connections of a load, or one, are closed."""
    with _through_proxy(scene) as (proxy, client):
        cut = proxy.drop(scene.luck if scene.luck.random() < 0.6 else None)
        scene.note(f"{cut} connections dropped")
        client.go_on()
        _perhaps_rival(scene)


def connection_reset(scene: Scene) -> None:
    """All connections of a load, or one, are reset."""
    with _through_proxy(scene) as (proxy, client):
        cut = proxy.reset(scene.luck if scene.luck.random() < 0.6 else None)
        scene.note(f"{cut} connections reset")
        client.go_on()
        _perhaps_rival(scene)


def connection_stalled(scene: Scene) -> None:
    """Nothing passes for a while; then it does again, or the connection closes, or SIGTERM comes."""
    with _through_proxy(scene) as (proxy, client):
        with proxy.stalled():
            client.go_on()
            time.sleep(scene.luck.uniform(0.05, 0.5))
            then = scene.luck.choice(["goes on", "dropped", "terminated"])
            if then == "terminated" and client.runs():
                took = client.strike(signal.SIGTERM)
                scene.note(f"SIGTERM: {took:.2f} s")
            elif then == "dropped":
                proxy.drop()
        scene.note(then)


def _perhaps_rival(scene: Scene) -> None:
    """Perhaps start a second load, which may take over from the first while that still lives."""
    if scene.luck.random() < 0.5:
        scene.load().end()
