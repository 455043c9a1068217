"""Start a session with a Spark cluster, ship our program to it, and turn its errors into one line."""

import os
import re
import shutil
import socket
import sys
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sparkify
from sparkify.engines.spark.reach import is_here
from sparkify.errors import ConnectionFailed, SparkifyError, UsageError

_NAME_A_CLUSTER: Final = "spark://HOST:PORT, yarn, k8s://…, or local[2] to try it here"

_MASTER: Final = re.compile(r"local(\[.+\]|-cluster\[.+\])?|spark://.+|yarn|k8s://.+")

_CONNECT_SECONDS: Final = 5.0
"""Seconds that a master has to accept a connection."""

# Spark's messages belong in its logs, and its progress bar would overwrite ours.
_CONF: Final = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}


def start_session(master: str | None, conf: Mapping[str, str]) -> Any:
    """Start a session with the cluster at `master`, by default the one that Spark's configuration names.

    Raises:
        UsageError: nothing names a cluster.
        SparkifyError: pyspark or Java is missing, or Spark did not start.
        ConnectionFailed: no master answers.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415  an extra
    except ImportError:
        raise SparkifyError("The engine spark needs pyspark: pip install 'sparkify[spark]'.") from None
    java = os.environ.get("JAVA_HOME")
    if not shutil.which(f"{java}/bin/java" if java else "java"):
        where = f"JAVA_HOME={java} has no bin/java" if java else "there is no java on the PATH"
        raise SparkifyError(
            f"The engine spark needs Java 17 or newer, and {where}. Install one or set JAVA_HOME."
        )
    if master and master.startswith("spark://"):
        _knock(master)
    # A driver that spark-submit did not start heeds only this variable. Executors here can use our Python.
    here = sys.executable if master and is_here(master) else None
    if python := conf.get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON") or here:
        os.environ["PYSPARK_PYTHON"] = python
    builder = SparkSession.builder.appName("sparkify")
    for key, value in (_CONF | dict(conf) | ({"spark.master": master} if master else {})).items():
        builder = builder.config(key, value)
    # In another thread: in the main thread pyspark would install its own handler for Ctrl-C.
    starter = ThreadPoolExecutor(1)
    try:
        session = starter.submit(builder.getOrCreate).result()
    finally:
        starter.shutdown(wait=False)
    is_named = master is not None or "spark.master" in conf
    found = str(session.conf.get("spark.master"))
    if not is_named and found.startswith("local"):
        session.stop()  # Spark's default is this machine: nobody means that by a cluster
        raise UsageError(
            f"Spark would run on this machine ({found}), not on a cluster. Name a master: {_NAME_A_CLUSTER}."
        )
    return session


def check_master(master: str | None) -> None:
    """Check the form of a master's URL.

    Raises:
        UsageError: Spark knows no master of this form.
    """
    if master is not None and not _MASTER.fullmatch(master):
        raise UsageError(f"The master cannot be {master}: give {_NAME_A_CLUSTER}.")


def _knock(master: str) -> None:
    """Check that a master answers. Spark itself would try for a minute and then end with a traceback."""
    said = ""
    for place in master.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        if not host or not port.isdecimal():
            raise UsageError(f"The master cannot be {master}: give spark://HOST:PORT.")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except OSError as error:
            said = f"{place}: {error.strerror or error}"
        else:
            return
    raise ConnectionFailed(f"No Spark master answers at {said}. Check its address, and that it runs.")


def ship_package(session: Any, folder: str) -> None:
    """Ship this program to the executors as an archive, which overrides an installed version.

    The archive must stay in `folder`, because executors that start later fetch it later.
    """
    package = Path(sparkify.__file__).parent
    archive = Path(folder) / f"sparkify-{sparkify.__version__}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in sorted(package.rglob("*")):
            if file.suffix in {".py", ".sql", ".so"}:
                target.write(file, Path("sparkify") / file.relative_to(package))
    session.addArtifacts(str(archive), pyfile=True)


@contextmanager
def spark_errors() -> Iterator[None]:
    """Turn Spark's errors into ours, with the executor's words but without the stacks of two languages.

    Raises:
        SparkifyError: Spark failed; the message says why.
    """
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith(("pyspark.", "py4j.")):
            raise
        raise SparkifyError(_in_one_line(str(error))) from error


def _in_one_line(said: str) -> str:
    if missing := re.search(r"ModuleNotFoundError: No module named '([\w.]+)'", said):
        return (
            f"The executors' Python has no {missing[1]}. Give them an environment with what sparkify needs:"
            " --conf spark.archives=… and --conf spark.pyspark.python=… (docs/spark.md)."
        )
    if re.search(r"ImportError: .*_core\.abi3\.so", said):
        return (
            "The executors cannot load the compiled core, which comes from this machine. They need the same"
            " kind of system and processor as this machine (docs/spark.md)."
        )
    if "JAVA_GATEWAY_EXITED" in said:
        return "Spark did not start. It needs Java 17 or newer; its messages above say what was wrong."
    if "calling None.org.apache.spark" in said:
        cause = re.search(r"^: (?:\w+\.)*(.+)$", said, re.MULTILINE)
        why = f": {cause[1].rstrip('.')}" if cause else ""
        return (
            f"Spark did not start{why}. Its messages above say more. If they call a master unresponsive, its"
            " port may be that of the web page; that of the master is usually 7077."
        )
    # The innermost cause says most: the last line of a Python traceback, or the failure of the task.
    python = re.findall(r"^(?:\w+\.)*\w+(?:Error|Exception): .+$", said, re.MULTILINE)
    task = re.search(r"most recent failure: (.+)", said)
    why = task[1] if task else (python[-1] if python else said.strip().partition("\n")[0])
    return f"Spark gave up: {why.strip()} What was staged is kept; run the command again to go on."
