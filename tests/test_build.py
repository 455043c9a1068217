"""The build of the core: with any compiler, without Python's headers, for every Python 3."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import setup
from tests.support import CHECKOUT
from tests.support.cluster import make_wheel

CORE = CHECKOUT / setup.CORE
NEITHER = "sparkify needs a C compiler. On Debian and Ubuntu: apt install gcc libc6-dev."

needs_compiler = pytest.mark.skipif(not setup.system_compiler(), reason="there is no C compiler")


QUICKLY = {"CFLAGS": "-O0"}
"""Compiles in a third of the time, where it does not matter how quick the core is."""


def build(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--build-lib", str(folder)],
        cwd=CHECKOUT, env=os.environ | QUICKLY | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def load(folder: Path) -> None:
    """Import the core that was built there, without the package around it."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import _core; assert sys.argv[1] in _core.__file__"
    subprocess.run([sys.executable, "-c", code, str(folder / "sparkify/core")], check=True)


@needs_compiler
def test_the_wheel_has_every_file_but_the_c_files(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, **QUICKLY)
    assert wheel.name.split("-")[2:4] == ["cp311", "abi3"]
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sparkify/")}
    sources = {
        path.relative_to(CHECKOUT / "src").as_posix()
        for path in (CHECKOUT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".c", ".h"}
    }
    assert packed == sources | {"sparkify/core/_core.abi3.so"}
    assert "sparkify/py.typed" in packed  # else type checkers ignore the types


@needs_compiler
def test_a_compiler_that_does_not_work_is_passed_over(tmp_path: Path) -> None:
    assert build(tmp_path, CC="false").returncode == 0
    load(tmp_path)


@pytest.mark.skipif(not find_spec("ziglang"), reason="the wheel ziglang is not installed")
def test_without_a_compiler_zig_builds_the_core(tmp_path: Path) -> None:
    done = build(tmp_path, CC="no-such-compiler", PATH="/nowhere", HOME="/nowhere")
    assert done.returncode == 0, done.stderr
    load(tmp_path)


def test_without_any_compiler_one_line_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "system_compiler", lambda: None)
    monkeypatch.setattr(setup, "find_spec", lambda _: None)
    assert setup.requirements()[0].startswith("ziglang==")
    with pytest.raises(SystemExit) as stop:
        setup.compiler()
    assert str(stop.value).startswith(NEITHER)
    assert len(str(stop.value).splitlines()) == 1


def test_a_wheel_for_a_platform_without_a_version_is_refused() -> None:
    assert "x86_64-linux-gnu.2.17" in setup.cross_compiler("manylinux_2_17_x86_64")
    with pytest.raises(SystemExit, match="not linux_x86_64"):
        setup.cross_compiler("linux_x86_64")


# --- the declarations of the stable ABI

HEADER = Path(sysconfig.get_path("include")) / "Python.h"
needs_header = pytest.mark.skipif(
    not HEADER.exists() or not setup.system_compiler(), reason="Python.h or a C compiler is missing"
)

WITH_PYTHON_H = "#define Py_LIMITED_API 0x030B0000\n#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n"
STRUCTURES = {
    "PyObject": "ob_refcnt ob_type",
    "PyMethodDef": "ml_name ml_meth ml_flags ml_doc",
    "PyModuleDef_Slot": "slot value",
    "PyModuleDef": "m_base m_name m_doc m_size m_methods m_slots m_traverse m_clear m_free",
    "PyType_Slot": "slot pfunc",
    "PyType_Spec": "name basicsize itemsize flags slots",
}


def compile_c(source: str, *flags: str) -> None:
    compiler = setup.system_compiler()
    assert compiler
    command = [
        *compiler,
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{HEADER.parent}",
        f"-I{CORE}",
        *flags,
    ]
    subprocess.run([*command, "-x", "c", "-"], input=source, text=True, check=True)


@needs_header
def test_functions_and_constants_are_declared_as_in_python_h() -> None:
    """C refuses a second declaration that differs."""
    # From 3.13 on, Python.h has one more const here, which changes nothing for those who call it.
    other = "#define PyArg_ParseTupleAndKeywords of_3_12\n" if sys.version_info >= (3, 13) else ""
    compile_c(WITH_PYTHON_H + other + '#include "stable_abi.h"\n', "-fsyntax-only")


@needs_header
def test_structures_are_laid_out_as_in_python_h(tmp_path: Path) -> None:
    numbers = ["Py_TPFLAGS_DEFAULT"]
    for name, fields in STRUCTURES.items():
        numbers += [f"sizeof({name})", *(f"offsetof({name}, {field})" for field in fields.split())]
    program = "".join(f'printf("{number} %zu\\n", (size_t)({number}));' for number in numbers)
    said = []
    for headers in (WITH_PYTHON_H, '#include "stable_abi.h"\n'):
        compile_c(
            f"{headers}#include <stddef.h>\n#include <stdio.h>\nint main(void) {{ {program} }}\n",
            "-o",
            str(tmp_path / "program"),
        )
        said.append(subprocess.run([tmp_path / "program"], capture_output=True, check=True, text=True).stdout)
    assert said[0] == said[1]
