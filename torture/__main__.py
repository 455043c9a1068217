"""Attack: ``python -m torture [--faults 500] [--seed S] [--only KIND ...]``, or ``make torture``.

Each fault disturbs a real load on a private server. Then one load runs undisturbed, and the warehouse is
compared, table by table, with that of a load nobody disturbed. The kind and the seed determine a fault: each
failure prints the command that repeats it, and its folder is kept.
"""

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.client import Broken
from torture import bombs, inputs, network, processes, resources, rivals
from torture.arena import Ground
from torture.resources import Skipped
from torture.scene import Scene

KINDS: Final[dict[str, Callable[[Scene], None]]] = {
    "client killed": processes.client_killed,
    "client terminated": processes.client_terminated,
    "client interrupted": processes.client_interrupted,
    "postmaster killed": processes.postmaster_killed,
    "backend killed": processes.backend_killed,
    "backend terminated": processes.backend_terminated,
    "statement cancelled": processes.statement_cancelled,
    "connection dropped": network.connection_dropped,
    "connection reset": network.connection_reset,
    "connection stalled": network.connection_stalled,
    "disk full": resources.disk_full,
    "temporary folder full": resources.temporary_folder_full,
    "out of memory": resources.out_of_memory,
    "clock jumps": resources.clock_jumps,
    "several at once": rivals.rivals,
    "files grow": inputs.files_grow,
    "files change": inputs.files_change,
    "files shrink": inputs.files_shrink,
    "files replaced": inputs.files_replaced,
    "permission lost": inputs.permission_lost,
}


def attack(ground: Ground, kind: str, seed: int) -> dict[str, Any]:
    """Disturb one load; return what came of it."""
    scene = Scene(ground, kind, seed)
    result: dict[str, Any] = {"kind": kind, "seed": seed, "result": "survived"}
    since = time.monotonic()
    try:
        scene.prepare()
        KINDS[kind](scene)
        if scene.dsn and not scene.runs:
            scene.recover()
    except Skipped as skipped:
        result |= {"result": "skipped", "why": str(skipped)}
    except Broken as broken:
        result |= {"result": "failed", "why": str(broken)}
    except Exception:  # noqa: BLE001  a mistake of ours must not end the campaign
        result |= {"result": "failed", "why": traceback.format_exc()}
    failed = result["result"] == "failed"
    scene.close(keep=failed)
    result |= {"runs": scene.runs, "seconds": round(time.monotonic() - since, 2), "notes": scene.notes}
    if failed:
        _say(f"FAILED: {kind}, seed {seed}: {result['why']}")
        _say(f"  {'; '.join(scene.notes)}")
        _say(f"  again: python -m torture --faults 1 --seed {seed} --only '{kind}'    kept: {scene.folder}")
    return result


def summary(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarise the results, one row for each kind of fault."""
    rows = []
    for kind in KINDS:
        mine = [result for result in results if result["kind"] == kind]
        if mine:
            rows.append(
                {
                    "kind": kind,
                    "faults": len(mine),
                    **{of: sum(r["result"] == of for r in mine) for of in ("survived", "skipped", "failed")},
                    "second run needed": sum(result["runs"] > 1 for result in mine),
                    "seconds": round(sum(result["seconds"] for result in mine), 1),
                }
            )
    return rows


def main() -> int:
    """Attack as the arguments say; return 1 if something broke."""
    options = _parser().parse_args()
    if options.only == ["bombs"]:
        exploded = bombs.campaign()
        if options.out:
            options.out.write_text(json.dumps(exploded, indent=1) + "\n", encoding="utf-8")
        return int(any("failed" in result for result in exploded))
    unknown = set(options.only) - set(KINDS)
    if unknown:
        sys.exit(f"There is no kind of fault {', '.join(map(repr, unknown))}; there are: {', '.join(KINDS)}")
    kinds = options.only or list(KINDS)
    signal.signal(signal.SIGTERM, _leave)
    ground = Ground()
    results: list[dict[str, Any]] = []
    failed = True
    try:
        for number in range(options.faults):
            results.append(attack(ground, kinds[number % len(kinds)], options.seed + number))
            if number % 25 == 24:
                _say(f"{number + 1} faults, {sum(r['result'] == 'failed' for r in results)} failed")
        failed = any(result["result"] == "failed" for result in results)
    finally:
        ground.close(keep=failed)
        if options.out:
            document = {"seed": options.seed, "kinds": summary(results), "faults": results}
            options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{'fault':24}{'faults':>8}{'survived':>10}{'skipped':>9}{'failed':>8}{'2nd run':>9}{'seconds':>9}")
    for row in summary(results):
        print("{:24}{:8}{:10}{:9}{:8}{:9}{:9}".format(*row.values()))
    return int(failed)


def _leave(*_: object) -> None:
    """On SIGTERM: stop the server, and write the results so far."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=100, metavar="N", help="how many (default: 100)")
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="S",
        help="seed of the first fault; the next has S + 1 (default: 1)",
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="KIND", help=f"kinds of faults: {', '.join(KINDS)}; or bombs"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write what came of each fault as JSON")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
