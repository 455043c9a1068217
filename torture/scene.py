"""One fault: a disturbed load, a normal one, and a comparison with an undisturbed one."""

import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from psycopg.conninfo import conninfo_to_dict

from sparkify.database.connection import connect
from sparkify.operations.check import check as examine_warehouse
from tests.support.client import Broken, Client, Instant
from tests.support.victim import PHASES
from torture import content
from torture.arena import BATCH_BYTES, Arena, Ground

BACKENDS_GONE: Final = 5.0
"""Within this many seconds the sessions of a dead load must end."""

RUNS: Final = 2
"""At most this many normal runs may be needed to repair everything."""


class Scene:
    """What a fault works on: a world, a database, and random choices that the seed decides."""

    def __init__(self, ground: Ground, kind: str, seed: int) -> None:
        self.ground = ground
        self.luck = random.Random(f"{kind} {seed}")  # noqa: S311
        self.arena: Arena = ground.arena
        self.folder = ground.folder / f"{kind.replace(' ', '-')}-{seed}"
        self.folder.mkdir(mode=0o755)
        self.world = ground.world(self.luck.randrange(ground.worlds))
        self.workers = self.luck.randint(1, 3)
        self.notes: list[str] = []
        self.runs = 0
        self.dsn = ""
        self._clients: list[Client] = []

    def prepare(self) -> None:
        """Create a warehouse, and find out what it should become."""
        self.expected = self.ground.undisturbed(self.world)
        self.dsn = self.arena.database()

    def own_world(self) -> Path:
        """Copy the world, so that its files may change."""
        copy = self.folder / "world"
        shutil.copytree(self.world, copy, dirs_exist_ok=True)
        return copy

    def instant(self, *phases: str) -> Instant:
        """Choose an instant of a load: half by the clock, half at a statement of some (given) phase."""
        if not phases and self.luck.random() < 0.5:
            return Instant(seconds=self.luck.uniform(0.0, 1.05) * self.expected.seconds)
        reached = [phase for phase in phases or PHASES if self.expected.phases.get(phase)]
        if phases and len(reached) < len(phases):
            raise Broken(f"Of {', '.join(phases)} a load reaches only {', '.join(reached)}: see PHASES.")
        phase = self.luck.choice(reached)
        nth = self.luck.randint(1, self.expected.phases[phase])
        return Instant(phase=phase, nth=nth, when=self.luck.choice(["before", "during", "after"]))

    def load(
        self, *arguments: str, instant: Instant | None = None, dsn: str | None = None, **how: Any
    ) -> Client:
        """Start a load of the world, or with these arguments."""
        settings = {"batch_bytes": BATCH_BYTES, **how.pop("settings", {})}
        instant = instant or Instant(seconds=0)
        command = [
            "etl",
            *(arguments or [str(self.world)]),
            "--dsn",
            dsn or self.dsn,
            "--workers",
            str(self.workers),
        ]
        client = Client(
            self.ground.nursery,
            command,
            self.folder / f"load{len(self._clients)}.log",
            instant,
            settings,
            **how,
        )
        self._clients.append(client)
        self.note(f"load {len(self._clients) - 1}, {self.workers} workers, at {instant}")
        return client

    def note(self, text: str) -> None:
        """Note what happened, for the report of a failure."""
        self.notes.append(text)

    def backends(self) -> list[int]:
        """The process ids of the loads' sessions in the database."""
        with self.arena.admin() as admin:
            rows = admin.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'sparkify'"
                " ORDER BY pid",
                [conninfo_to_dict(self.dsn)["dbname"]],
            )
            return [pid for (pid,) in rows]

    def see_backends_go(self) -> None:
        """Check that no session outlives its client."""
        since = time.monotonic()
        while left := self.backends():
            if time.monotonic() - since > BACKENDS_GONE:
                raise Broken(
                    f"{len(left)} sessions are left {BACKENDS_GONE:.0f} s after their client has gone"
                )
            time.sleep(0.02)

    def recover(self, check: Callable[[], str] | None = None) -> None:
        """Load normally; then everything must be as if nothing had happened.

        Raises:
            Broken: something was lost or doubled, or the load fails.
        """
        for client in self._clients:
            if client.runs():
                client.end()
        self.see_backends_go()
        check = check or self.compare
        wrong = "not run"
        for self.runs in range(1, RUNS + 1):
            client = self.load()
            if code := client.end():
                raise Broken(f"a normal run fails with {code}{client.said()}")
            if not (wrong := check()):
                self._examine()
                return
        raise Broken(wrong)

    def _examine(self) -> None:
        """Check that `sparkify check` finds nothing, either."""
        if wrong := [finding for finding in examine_warehouse(self.dsn) if finding.found]:
            raise Broken(f"`sparkify check` finds: {wrong}")

    def compare(self) -> str:
        """How the warehouse differs from that of an undisturbed load."""
        return content.differences(self.found(), self.expected.content)

    def found(self) -> content.Content:
        """The content of the warehouse."""
        with connect(self.dsn) as connection:
            try:
                return content.read(connection)
            except AssertionError as error:
                raise Broken(f"the books do not balance: {error}") from error

    def close(self, *, keep: bool) -> None:
        """End all loads; drop the database unless somebody is to look at it."""
        for client in self._clients:
            client.send(signal.SIGKILL)
        if not keep:
            if self.dsn:
                self.arena.drop(self.dsn)
            shutil.rmtree(self.folder)
