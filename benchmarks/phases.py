"""Shows where the time of a load goes: processor seconds of client and server, by phase.

It samples the client (`benchmarks.sampler`) and lets the server log each statement's time. Both cost time, so
this run is separate from those that are timed. Parallel workers and background processes of the server belong
to no statement.
"""

import json
import re
import sys
import tempfile
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, LiteralString

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from benchmarks.data import Dataset
from benchmarks.measure import Usage, run
from benchmarks.server import BenchServer
from sparkify.schema.rollups import NAMES

START: Final = "start of the program"
PLAN: Final = "plan"
PARSE: Final = "read and parse"
TRANSFORM: Final = "transform"
COPY: Final = "encode and COPY"
SONGS: Final = "songs and artists"
BOOKS: Final = "books of files"
KEYS: Final = "keys, indexes, attach"
INSERT: Final = "insert, keys row by row"
ANALYZE: Final = "ANALYZE"
ROLLUPS: Final = "rollups, users, heard songs"
OTHER: Final = "other"
PHASES: Final = (
    START, PLAN, SONGS, PARSE, TRANSFORM, COPY, BOOKS, KEYS, INSERT, ANALYZE, ROLLUPS, OTHER
)  # fmt: skip

# The phase of a function or a statement is that of the first pattern that matches.
_CLIENT: Final = [
    (r"^imports$|^cli\.py", START),
    (r"^extract/plan\.py", PLAN),
    (r" of a song file$|catalogue\.py|^publish/keys\.py", SONGS),
    (r"^extract/|^transform/records\.py", PARSE),
    (r"^transform/|^stage/matching\.py|^threads of libraries$", TRANSFORM),
    (r"^stage/copy\.py", COPY),
    (r"^publish/(months|plans|page_views|partitions|ahead)\.py", KEYS),
    (r"^(stage|publish)/", BOOKS),
]
_SERVER: Final = [
    (r"\bCOPY \S*catalogue", SONGS),
    (r"\bCOPY \S", COPY),
    (r"^(\s*--.*\n)*\s*ANALYZE", ANALYZE),
    (r"ATTACH PARTITION|ADD CONSTRAINT|VALIDATE CONSTRAINT|CREATE (UNIQUE )?INDEX", KEYS),
    (r"INSERT INTO (songplays|time|analytics\.(heard_plays|page_views))\b", INSERT),
    (r"catalogue_records|song_keys|winning_|moved_keys|touched_songs|rematched", SONGS),
    (r"etl\.\w*files|etl\.manifest|staged_slices|rejected_records", BOOKS),
    (
        "|".join((*NAMES, "hours", "touched_days", "heard", "latest", "users", "twice", "time", "events")),
        ROLLUPS,
    ),
]
_ENTRY: Final = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] (\w+):  (.*?)(?=^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[|\Z)",
    re.MULTILINE | re.DOTALL,
)
_USED: Final = re.compile(r"([\d.]+) s user, ([\d.]+) s system, ([\d.]+) s elapsed")


@dataclass
class Part:
    """Seconds. `wall` is the sum over all statements, of which several run at once."""

    client_cpu: float = 0.0
    server_cpu: float = 0.0
    server_wall: float = 0.0


@dataclass
class Profile:
    """One profiled load.

    `functions` and `statements` are those that took most, with their phase and processor seconds.
    """

    usage: Usage
    phases: dict[str, Part] = field(default_factory=dict)
    functions: list[tuple[str, str, float]] = field(default_factory=list)
    statements: list[tuple[str, str, float]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


_LOGGED: Final[tuple[LiteralString, ...]] = (
    "log_statement_stats = on", "log_error_verbosity = 'default'", "log_min_error_statement = log"
)  # fmt: skip
"""What lets the server log each statement with its time; usually no statement gets into its log."""


def profile(server: BenchServer, dsn: str, data: Dataset, most: int = 25) -> Profile:
    """Load a dataset into a database and return where the time went."""
    name = sql.Identifier(str(conninfo_to_dict(dsn)["dbname"]))
    for setting in _LOGGED:
        server.admin.execute(sql.SQL("ALTER DATABASE {} SET {}").format(name, sql.SQL(setting)))
    logged = server.log.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder) / "samples"
        with server.measured() as usage:
            command = [sys.executable, "-m", "benchmarks.sampler", str(samples), "etl", *data.arguments]
            run([*command, "--dsn", dsn, "--json"], usage)
        functions = json.loads(samples.read_text())["cpu"]
    with server.log.open("rb") as log:
        log.seek(logged)
        text = log.read().decode(errors="replace")
    found = Profile(usage, {phase: Part() for phase in PHASES})
    # The sampler's own time is not part of the load.
    usage.client_cpu -= functions.pop("the sampler itself", 0.0)
    for function, seconds in sorted(functions.items(), key=lambda item: -item[1]):
        phase = _phase(function, _CLIENT)
        found.phases[phase].client_cpu += seconds
        found.functions.append((function, phase, seconds))
    statements = _statements(text)
    assert statements, "the server logged no statement"
    for statement, (cpu, wall) in sorted(statements.items(), key=lambda item: -item[1][0]):
        phase = _phase(statement, _SERVER)
        found.phases[phase].server_cpu += cpu
        found.phases[phase].server_wall += wall
        found.statements.append((" ".join(statement.split())[:100], phase, cpu))
    rest = usage.server_cpu - sum(part.server_cpu for part in found.phases.values())
    found.phases[OTHER].server_cpu += max(rest, 0.0)
    found.functions, found.statements = found.functions[:most], found.statements[:most]
    return found


def _statements(log: str) -> dict[str, tuple[float, float]]:
    """The processor seconds and the seconds of each statement, with the numbers in names removed."""
    found: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    waiting: dict[str, tuple[float, float]] = {}
    for pid, kind, text in _ENTRY.findall(log):
        if kind == "DETAIL" and (used := _USED.search(text)):
            user, system, elapsed = map(float, used.groups())
            waiting[pid] = user + system, elapsed
        elif kind == "STATEMENT" and pid in waiting:
            cpu, elapsed = waiting.pop(pid)
            statement = re.sub(r"\d+", "N", text)
            found[statement] = (found[statement][0] + cpu, found[statement][1] + elapsed)
    return found


def _phase(text: str, rules: list[tuple[str, str]]) -> str:
    return next((phase for pattern, phase in rules if re.search(pattern, text)), OTHER)
