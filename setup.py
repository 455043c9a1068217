"""Build the core, sparkify.core._core, from the C files in src/sparkify/core."""

import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit("sparkify needs a Python with the GIL: its core uses the stable ABI, which this one lacks.")

if sys.maxsize < 1 << 32:
    sys.exit("sparkify needs a 64-bit Python: its core multiplies 64-bit numbers into 128 bits.")

CORE = Path("src/sparkify/core")
FLAGS = ["-std=c11", "-O2", "-g0", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra"]
FLAGS += ["-Werror=implicit-function-declaration"]  # no linker finds it: Python defines the functions
FLAGS += ["-ffp-contract=off"]  # a fused multiplication rounds otherwise than PostgreSQL and Python do
MACOS = ["-undefined", "dynamic_lookup"]  # Python defines them there, too
ZIG = [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline"]  # by default it compiles for this CPU only


@cache
def system_compiler() -> list[str] | None:
    """The first C compiler that works. Debian's gcc may lack the C library; macOS's cc may be a stub."""
    for name in (os.environ.get("CC", "cc"), "cc", "gcc", "clang"):
        with tempfile.TemporaryDirectory() as folder:
            trial = [*shlex.split(name), *FLAGS, "-x", "c", "-", "-o", f"{folder}/trial.so"]
            try:
                subprocess.run(trial, input=b"#include <stdlib.h>", capture_output=True, check=True)
            except (OSError, subprocess.CalledProcessError):
                continue
        return shlex.split(name)
    return None


def any_compiler() -> list[str] | None:
    """The system's C compiler, or else the one in the wheel `ziglang`."""
    return system_compiler() or (ZIG if find_spec("ziglang") else None)


def compiler() -> list[str]:
    return any_compiler() or sys.exit(
        "sparkify needs a C compiler. On Debian and Ubuntu: apt install gcc libc6-dev. "
        "On macOS: xcode-select --install. Anywhere: pip install ziglang."
    )


def requirements() -> list[str]:
    """What pip fetches before it builds the core."""
    groups = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return [] if any_compiler() else groups["zig"]


def cross_compiler(platform: str) -> list[str]:
    """Zig for the platform of a wheel, such as manylinux_2_17_aarch64 or macosx_11_0_arm64."""
    parts = re.fullmatch(r"(manylinux|macosx)_(\d+)_(\d+)_(\w+)", platform) or sys.exit(
        f"A wheel's platform is named like manylinux_2_17_x86_64 or macosx_11_0_arm64, not {platform}."
    )
    system, major, minor, machine = parts.groups()
    if system == "macosx":
        machine = machine.replace("arm64", "aarch64")
        return [*ZIG, "-target", f"{machine}-macos.{major}.{minor}", *MACOS]
    return [*ZIG, "-target", f"{machine}-linux-gnu.{major}.{minor}"]


class BuildCore(build_ext):
    """Compile all C files with one command, whatever compiler and headers Python itself was built with."""

    def build_extension(self, ext: Extension) -> None:
        output = Path(self.get_ext_fullpath(ext.name))
        output.parent.mkdir(parents=True, exist_ok=True)
        wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
        if wheel and wheel.plat_name_supplied:
            command = cross_compiler(wheel.plat_name)
        else:
            command = compiler() + (MACOS if sys.platform == "darwin" else [])
        command += [
            *FLAGS,
            *shlex.split(os.environ.get("CFLAGS", "")),
            *ext.sources,
            "-lm",
            "-o",
            str(output),
        ]
        # Zig would keep its cache below HOME, which a service's user may lack.
        environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": self.build_temp}
        if subprocess.run(command, env=environment, check=False).returncode:
            sys.exit(f"The core does not compile: {shlex.join(command)}")


if __name__ == "__main__":
    core = Extension(
        "sparkify.core._core",
        sources=sorted(map(str, CORE.glob("*.c"))),
        depends=sorted(map(str, CORE.glob("*.h"))),
        py_limited_api=True,
    )
    # In a folder that stays, files deleted from src would live on, and get into the next wheel.
    with tempfile.TemporaryDirectory() as scratch:
        setup(
            ext_modules=[core],
            cmdclass={"build_ext": BuildCore},
            setup_requires=requirements(),
            options={
                "bdist_wheel": {"py_limited_api": "cp311"},
                "build": {"build_base": scratch},
                "egg_info": {"egg_base": scratch},
            },
        )
