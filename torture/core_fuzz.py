"""Any bytes into the compiled core: ``python -m torture.core_fuzz [--seconds 60]``.

libFuzzer makes up lines and chunks, led by what they reach in the core, which clang compiles with its address
and undefined-behaviour sanitisers. The targets in `torture/core` say what must hold, also when an allocation
fails. What the judge says of a line is not asked here, but in `torture.fuzz`. Needs clang.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from torture.mill import NUMBERS, PIECES, Mill, seeds

ROOT: Final = Path(__file__).resolve().parents[1]
CORE: Final = ROOT / "src" / "sparkify" / "core"
TARGETS: Final = ROOT / "torture" / "core"
FOR_PYTHON: Final = {
    "copy_columns.c",
    "datums.c",
    "folder.c",
    "module.c",
    "plays_judged.c",
    "plays_results.c",
    "reading.c",
    "slices.c",
    "small_files.c",
}
"""Sources, beside those of types, that need Python."""

FLAGS: Final = [
    "-std=c11", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all",
    "-Dmalloc=failing_malloc", "-Dcalloc=failing_calloc", "-Drealloc=failing_realloc",
]  # fmt: skip


def build(target: str, folder: Path) -> Path:
    """Compile a target with the core.

    Raises:
        CalledProcessError: it does not compile.
    """
    core = [
        path for path in CORE.glob("*.c") if path.name not in FOR_PYTHON and not path.stem.endswith("_type")
    ]
    program = folder / target
    sources = [TARGETS / f"{target}.c", TARGETS / "memory_fails.c", *core]
    subprocess.run(["clang", *FLAGS, f"-I{CORE}", *sources, "-lm", "-o", program], check=True)
    return program


def write_seeds(folder: Path) -> None:
    """Write lines and chunks to begin with, and the tokens that are worth inserting."""
    lines = seeds(folder / "world")
    chunks: list[bytes] = []
    for kind in lines:
        luck = random.Random(1)  # noqa: S311
        for seed in range(600):
            mill = Mill(luck.sample(lines[kind], luck.choice([2, 50])), seed)  # of two, most plays repeat
            chunks.append(luck.randbytes(3) + b"\n".join(mill.lines(10)))
    for name, inputs in (("read_line", lines["log"] + lines["song"]), ("read_chunk", chunks)):
        (folder / f"{name}.seeds").mkdir()
        for number, data in enumerate(inputs):
            (folder / f"{name}.seeds" / str(number)).write_bytes(data)
    tokens = ("".join(rf"\x{byte:02x}" for byte in token) for token in NUMBERS + PIECES)
    (folder / "tokens").write_text("".join(f'"{token}"\n' for token in tokens))


def start(program: Path, folder: Path, seconds: int, findings: Path) -> subprocess.Popen[bytes]:
    """Start a target; its log is beside its seeds."""
    with (folder / f"{program.name}.log").open("wb") as log:
        return subprocess.Popen(
            [
                program,
                folder / f"{program.name}.seeds",
                f"-dict={folder / 'tokens'}",
                f"-artifact_prefix={findings}/{program.name}-",
                f"-max_total_time={seconds}",
                "-max_len=16000",
                "-print_final_stats=1",
            ],
            stderr=log,
        )


def main() -> int:
    """Fuzz as the arguments say; return 1 if something was found."""
    options = _parser().parse_args()
    options.findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_seeds(folder)
        programs = [build(target, folder) for target in ("read_line", "read_chunk")]
        running = {
            program.name: start(program, folder, options.seconds, options.findings) for program in programs
        }
        failed = [target for target, program in running.items() if program.wait() != 0]
        for target in running:
            log = (folder / f"{target}.log").read_text(errors="replace").splitlines()
            told = log[-60:] if target in failed else [line for line in log if "number_of_executed" in line]
            print(f"{target}:", *told, sep="\n", file=sys.stderr)
    return int(bool(failed))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m torture.core_fuzz", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--seconds", type=int, default=60, metavar="N", help="how long (default: 60), on two cores"
    )
    parser.add_argument(
        "--findings",
        type=Path,
        default=Path(".findings"),
        metavar="DIR",
        help="for what is found (default: .findings)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
