"""Ctrl-C and SIGTERM: the program says in one line what it kept, and ends within two seconds."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from psycopg import Connection, OperationalError, errors

from sparkify import etl
from sparkify.commands import interrupt
from sparkify.database import session
from sparkify.database.connection import connect
from sparkify.extract import plan
from sparkify.extract.batches import Batch
from sparkify.publish.ahead import MonthsAhead
from sparkify.report import Progress, StagedBatch
from sparkify.stage.stager import Stager
from sparkify.transform.sessions import Sessions
from tests.support.data import NOVEMBER, play, song, write
from tests.support.warehouse import LOCK_WAITS, one

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SLEEPS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Start `sparkify` in a process that runs other code first."""
    program = f"import sys; {code or None}; from sparkify.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(what: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it does not come")


def seconds_until_the_end(process: subprocess.Popen[str]) -> float:
    """Seconds until the process ends, counted in sleeps: a busy machine makes each sleep longer."""
    until, slept = time.monotonic() + 60, 0
    while process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.01)
        slept += 1
    return slept / 100


def ends(process: subprocess.Popen[str], number: signal.Signals) -> str:
    """Send the signal, check that the process ends in time, and return its stderr."""
    process.send_signal(number)
    assert seconds_until_the_end(process) < 2
    out, said = process.communicate(timeout=5)  # would block if a child still held the pipes
    assert (process.returncode, out) == (CODES[number], "")
    assert said.startswith("sparkify: Interrupted.")
    assert said.count("\n") == 1
    return said


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write(tmp_path, "song_data/a.json", song())
    for month in range(3):
        lines = [play(NOVEMBER + month * 31 * 86_400_000), *[""] * month, "bad"]
        write(tmp_path, f"log_data/{month}.json", *lines)
    return tmp_path


BUSY = {
    "claiming": "ALTER TABLE etl.known_files ADD CHECK (kind = 'song' OR pg_sleep(60) IS NOT NULL)",
    "staging": "ALTER TABLE etl.rejected_records ADD CHECK (pg_sleep(60) IS NOT NULL)",
    "publishing": "ALTER TABLE analytics.heard_songs ADD CHECK (pg_sleep(60) IS NOT NULL)",
    # The last file is still being staged.
    "publishing a month ahead": "ALTER TABLE analytics.heard_songs ADD CHECK (pg_sleep(60) IS NOT NULL);"
    "ALTER TABLE etl.rejected_records ADD CHECK (line < 4 OR pg_sleep(60) IS NOT NULL)",
    "publishing the catalogue": "ALTER TABLE etl.catalogue_records ADD CHECK (pg_sleep(60) IS NOT NULL)",
}


@pytest.mark.parametrize(
    ("busy", "number", "workers"),
    [
        ("claiming", signal.SIGINT, "2"),
        ("staging", signal.SIGINT, "2"),
        ("publishing", signal.SIGTERM, "1"),
        ("publishing a month ahead", signal.SIGTERM, "2"),
        ("publishing the catalogue", signal.SIGINT, "1"),
    ],
)
def test_while_the_server_is_busy(
    db: Connection[Any], dsn: str, files: Path, busy: str, number: signal.Signals, workers: str
) -> None:
    """The statement is cancelled; a normal run then loads everything."""
    db.execute(BUSY[busy])
    small = "from sparkify.extract import plan; plan.LEAST_BATCH_BYTES = 1"
    process = start(small, "etl", str(files), "--dsn", dsn, "--workers", workers)
    wait_for(lambda: len(db.execute(SLEEPS).fetchall()) >= BUSY[busy].count("pg_sleep"))
    said = ends(process, number)
    assert "of 4 new files are read and kept; run the same command again" in said
    wait_for(lambda: not db.execute(OTHERS).fetchall())
    for table, name in db.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE conbin IS NOT NULL"
        " AND pg_get_constraintdef(oid) LIKE '%pg_sleep%'"
    ).fetchall():
        db.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    assert etl.run(files, dsn=dsn).rows == {"songplays": 3, "users": 1, "songs": 1, "artists": 1, "time": 3}
    assert one(db, "SELECT count(*) FROM etl.rejected_records") == 3


@pytest.mark.parametrize("number", CODES)
def test_forgetting_that_is_done_is_reported(
    db: Connection[Any], dsn: str, files: Path, number: signal.Signals
) -> None:
    """Only its report says of which files to take the person out. What is left is told, too."""
    etl.run(files, dsn=dsn)
    patient = "from sparkify.operations import forget; forget.VACUUM_LOCK_TIMEOUT = '1min'"
    with connect(dsn) as other, other.transaction():
        other.execute("LOCK users IN SHARE UPDATE EXCLUSIVE MODE")
        process = start(patient, "forget", "15", "--json", "--dsn", dsn)
        wait_for(lambda: one(db, f"{LOCK_WAITS} AND query LIKE 'VACUUM%'"))
        process.send_signal(number)
        out, said = process.communicate(timeout=5)
    assert process.returncode == CODES[number]
    report = json.loads(out)
    assert (report["songplays"], len(report["files"])) == (3, 3)
    assert '"public"."users"' in report["unvacuumed"]
    assert 'VACUUM (ANALYZE) "public"."users"' in said


def test_months_that_are_being_published_are_cancelled(
    db: Connection[Any], dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when all batches are staged, and the program only waits for these months."""

    def publish(connection: Connection[Any]) -> None:
        connection.execute("SELECT pg_sleep(60)")

    def waiting(work: Any) -> Any:
        thread.start()
        return wait(work)

    def interrupt_it() -> None:
        wait_for(lambda: bool(db.execute(SLEEPS).fetchall()))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def load() -> None:
        with MonthsAhead(dsn, 1, Progress(), Sessions()) as ahead:
            begun.append(ahead._pool.submit(ahead._session.run, publish))  # noqa: SLF001
            ahead._published[date(2018, 11, 1)] = begun[0]  # noqa: SLF001

    begun: list[Any] = []
    thread = threading.Thread(target=interrupt_it)
    monkeypatch.setattr("sparkify.publish.ahead.wait", waiting)
    with pytest.raises(KeyboardInterrupt):
        load()
    thread.join()
    assert isinstance(begun[0].exception(0), errors.QueryCanceled)


@pytest.mark.parametrize("failures", [[MemoryError(), OperationalError()], [MemoryError()] * 100_000])
def test_an_error_ends_what_other_workers_do(
    db: Connection[Any], dsn: str, files: Path, monkeypatch: pytest.MonkeyPatch, failures: list[Exception]
) -> None:
    """Also if they cannot be cancelled at once, for example without memory. Waiting batches never begin."""
    write(files, "log_data/3.json", play(NOVEMBER), "bad")
    db.execute(BUSY["staging"])
    stage, cancel, failures = Stager.stage, Connection.cancel_safe, list(failures)

    def stage_or_fail(stager: Stager, batch: Batch) -> StagedBatch:
        if "2.json" not in str(batch):
            return stage(stager, batch)
        wait_for(lambda: len(db.execute(SLEEPS).fetchall()) == 2)
        raise ZeroDivisionError

    def cancel_or_fail(connection: Connection[Any], **options: Any) -> None:
        if failures:
            raise failures.pop()
        cancel(connection, **options)

    monkeypatch.setattr(plan, "LEAST_BATCH_BYTES", 1)
    monkeypatch.setattr(session, "_ONLY_CANCELLED", 0.2)
    monkeypatch.setattr(Stager, "stage", stage_or_fail)
    monkeypatch.setattr(Connection, "cancel_safe", cancel_or_fail)
    begun = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        etl.run(files, dsn=dsn, workers=3)
    assert time.monotonic() - begun < 30  # they would have slept for a minute


def test_while_the_server_does_not_answer(db: Connection[Any], dsn: str, files: Path) -> None:
    """The server does not answer the cancel request either: the program just ends."""
    db.execute(BUSY["staging"])
    process = start("pass", "etl", str(files), "--dsn", dsn)
    wait_for(lambda: db.execute(SLEEPS).fetchall())
    stopped = [pid for (pid,) in db.execute(OTHERS)]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        ends(process, signal.SIGTERM)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not db.execute(OTHERS).fetchall())  # no session outlives the program


@pytest.mark.parametrize(
    "busy",
    [
        "[None for _ in iter(int, 1)]",
        "time.sleep(60)",
        "threading.Thread(target=time.sleep, args=[60]).start(); time.sleep(60)",
        """
 try: time.sleep(60)
 finally: logging.getLogger("psycopg").warning("error ignored")""",
        """
 threading.Timer(0.6, logging.getLogger("psycopg").warning, ["error ignored"]).start(); time.sleep(60)""",
    ],
    ids=["Python", "system", "a thread that does not end", "a library that warns", "a thread that warns"],
)
def test_while_the_program_is_busy(busy: str) -> None:
    code = (
        "import logging, threading, time; from sparkify import etl\n"
        f"def run(*_, **__):\n print('busy', file=sys.stderr, flush=True); {busy}\n"
        "etl.run = run\nimport sys"
    )
    process = start(code, "etl")
    assert process.stderr is not None
    assert process.stderr.readline() == "busy\n"
    time.sleep(0.1)  # so that it really is busy
    ends(process, signal.SIGTERM)


def test_a_second_signal_ends_an_orderly_end() -> None:
    """The exit code stays that of the first."""
    code = """
import time; from sparkify import etl; from sparkify.commands import interrupt
interrupt.ORDERLY_END_SECONDS = 60
def run(*_, **__):
 while True:
  try: print("busy", file=sys.stderr, flush=True); time.sleep(60)
  except KeyboardInterrupt: pass
etl.run = run
import sys"""
    process = start(code, "etl")
    assert process.stderr is not None
    assert process.stderr.readline() == "busy\n"
    process.send_signal(signal.SIGTERM)
    assert process.stderr.readline() == "busy\n"
    process.send_signal(signal.SIGINT)
    assert seconds_until_the_end(process) < 2
    said = process.communicate()[1]
    assert (process.returncode, said.count("\n")) == (CODES[signal.SIGTERM], 1)
    assert said.startswith("sparkify: Interrupted. 0 of 0 new files are read and kept")


@pytest.mark.parametrize("number", CODES)
def test_while_the_program_starts(number: signal.Signals) -> None:
    """Most of the start is the import of the commands."""
    code = """
class Slow:
 def find_spec(self, name, *_):
  if name == "sparkify.commands.top": print('busy', file=sys.stderr, flush=True); time.sleep(60)
import time; sys.meta_path.insert(0, Slow())"""
    process = start(code, "status")
    assert process.stderr is not None
    assert process.stderr.readline() == "busy\n"
    time.sleep(0.1)  # so that it sleeps
    assert ends(process, number) == "sparkify: Interrupted.\n"


def test_the_calling_program_goes_on() -> None:
    code = """
import signal, time
from sparkify.commands import interrupt
interrupt.ORDERLY_END_SECONDS = 0.1
try:
    with interrupt.heeded(): signal.raise_signal(signal.SIGTERM)
except KeyboardInterrupt: time.sleep(interrupt.ORDERLY_END_SECONDS + 0.3)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_when_nobody_listens_any_more() -> None:
    """Ctrl-C ends all programs of a pipe; the reader of our stderr may end first."""
    code = (
        "from sparkify import etl\n"
        "def run(*_, **__):\n print('busy', file=sys.stderr, flush=True); [None for _ in iter(int, 1)]\n"
        "etl.run = run\nimport sys"
    )
    process = start(code, "etl")
    assert process.stderr is not None
    assert process.stdout is not None
    with process.stdout:
        assert process.stderr.readline() == "busy\n"
        process.stderr.close()
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert seconds_until_the_end(process) < 2
        assert process.returncode == CODES[signal.SIGTERM]


def test_who_is_not_to_hear_of_ctrl_c_does_not(dsn: str, files: Path) -> None:
    """Signals are ignored in the background of a script, or under nohup."""
    ignore = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    code = f"{ignore}; import os; os.kill(os.getpid(), signal.SIGINT)"
    process = start(code, "etl", str(files), "--dsn", dsn)
    assert "Loaded 4 new" in process.communicate(timeout=60)[0]


def test_too_little_memory_is_one_line(
    dsn: str,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_here: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    for error in (
        MemoryError(),
        RuntimeError("can't start new thread"),
        RuntimeError("can't allocate lock"),
    ):
        monkeypatch.setattr(etl, "run", Mock(side_effect=error))
        done = run_here("etl", files, "--dsn", dsn)
        assert (done.returncode != 0, done.stdout, done.stderr.count("\n")) == (True, "", 1)
        assert done.stderr.startswith(
            "sparkify: There is not enough memory, or too few processes are allowed."
        )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_when_the_work_is_done_changes_nothing(number: signal.Signals) -> None:
    """Not even while the usual handlers are put back: it would end the caller's process."""
    with interrupt.heeded() as asked:
        asked.done_with = 0
        signal.raise_signal(number)
    assert asked.code is None


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(("command", "code"), [("--version", 0), ("--no-such-option", 2)])
def test_a_signal_when_python_has_nearly_ended(number: signal.Signals, command: str, code: int) -> None:
    """Python has given its handlers back to the system by then."""
    late = (
        "import os, signal\n"
        "class Late:\n"
        f" def __del__(self, kill=os.kill, pid=os.getpid()): kill(pid, {int(number)})\n"
        "late = Late()"
    )
    process = start(late, command)
    process.communicate(timeout=60)
    assert process.returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_python_exits_leaves_the_exit_code(
    dsn: str, files: Path, number: signal.Signals
) -> None:
    """And ends it at once, should something keep it from exiting."""
    slowly = (
        "import atexit, time; from sparkify import cli; run = cli._run\n"
        "def run_and_be_slow(*given):\n"
        " atexit.register(lambda: (print('ends', flush=True), time.sleep(60)))\n"
        " return run(*given)\n"
        "cli._run = run_and_be_slow"
    )
    process = start(slowly, "etl", str(files), "--dsn", dsn)
    assert process.stdout is not None
    while process.stdout.readline() not in ("ends\n", ""):
        pass
    process.send_signal(number)
    assert seconds_until_the_end(process) < 2
    process.communicate()
    assert process.returncode == 0
