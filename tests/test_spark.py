"""The Spark engine on a real cluster loads what one machine loads, whichever process is killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sparkify import etl
from sparkify.database.connection import connect
from sparkify.operations.check import check
from sparkify.server import Server
from sparkify.simulate import simulate
from tests.support.cluster import (
    Cluster,
    above,
    command_of,
    executor_of,
    is_alive,
    kill_all,
    owner_of,
    wait_for,
)
from tests.support.proxy import Proxy, batch_is_being_staged, batch_is_committed
from tests.support.warehouse import CONTENT, LOCK_WAITS, check_books, checksums, one, totals

pytest.importorskip("pyspark", reason="pyspark is not installed (requirements/spark.lock)")
if not shutil.which("java"):
    pytest.skip("there is no Java", allow_module_level=True)

pytestmark = pytest.mark.timeout(600)
PASSWORD = "not-to-be-seen-7Q"  # noqa: S105
EVERYTHING = CONTENT | {
    "rejects": "SELECT split_part(path, '_data/', 2), r.line, reason, detail, record"
    " FROM etl.rejected_records r JOIN etl.files USING (file_id)",
    "files": "SELECT kind, split_part(path, '_data/', 2), state, size, lines, blank, page_views, bare_pages,"
    " rejected"
    " FROM etl.files",
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    yield running
    running.stop()


@pytest.fixture(scope="module", params=[0.0, 0.1], ids=["clean", "dirty"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder, users=40, days=40, songs=150, seed=4, dirt=request.param)
    return folder


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dirty")
    simulate(folder, users=30, days=40, songs=60, seed=5, dirt=0.1)
    return folder


@pytest.fixture
def proxy(server_dsn: str) -> Iterator[Proxy]:
    with Proxy(server_dsn) as relays:
        yield relays


def done(cluster: Cluster, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a load, and give its report."""
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0, cluster.said()
    report: dict[str, Any] = json.loads(out)
    return report


def must_equal_local(new_dsn: Callable[..., str], data: Path, dsn: str, report: dict[str, Any]) -> None:
    """Check that tables, books and report equal those of the local engine."""
    reference = new_dsn()
    wanted = etl.run(data, dsn=reference, workers=1).as_dict()
    with connect(reference) as local, connect(dsn) as db:
        assert checksums(db, EVERYTHING) == checksums(local, EVERYTHING)
        assert totals(db) == totals(local)
        check_books(db)
    assert [finding for finding in check(dsn) if finding.found] == []
    for part in {"rows", "matched", "files", "reject_reasons", "lines"} & report.keys():
        assert report[part] == wanted[part], part


def loading(
    cluster: Cluster, data: Path | str, dsn: str, *more: str, **environment: str
) -> subprocess.Popen[str]:
    cluster.two_workers()
    environment["SPARKIFY_DSN"] = dsn
    return cluster.drive(
        "etl", str(data), "--json", "--engine", "spark", "--master", cluster.url, *more, **environment
    )


def shown(cluster: Cluster, events: Path) -> list[str]:
    """All that Spark has written. Its web pages show what its event log contains."""
    written = [*events.rglob("*"), *cluster.folder.rglob("*.log"), *cluster.folder.glob("work*/app*/*/std*")]
    texts = [path.read_text(errors="replace") for path in written if path.is_file()]
    assert sum("SparkListenerEnvironmentUpdate" in text for text in texts) == 1
    assert sum("CoarseGrainedExecutorBackend" in text for text in texts) >= 3
    return texts


def commands() -> list[str]:
    """The command lines of all processes."""
    return [command_of(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")]


def test_loads_what_one_machine_loads_and_shows_no_password(
    cluster: Cluster, world: Path, new_dsn: Callable[..., str], proxy: Proxy, tmp_path: Path
) -> None:
    """Executors get sparkify in an archive, not installed; the DSN shows nowhere."""
    dsn = new_dsn()
    (tmp_path / "events").mkdir()
    pack = shutil.make_archive(str(tmp_path / "pack"), "gztar", cluster.bare_python.parents[1])
    proxy.arm(batch_is_committed)
    process = loading(
        cluster, world, proxy.dsn(dsn, password=PASSWORD), "--conf", "spark.eventLog.enabled=true",
        "--conf", f"spark.eventLog.dir={tmp_path / 'events'}", "--conf", "spark.log.level=INFO", "--conf",
        "spark.eventLog.compress=false",
        "--conf", f"spark.archives={pack}#pack", "--conf", "spark.pyspark.python=pack/bin/python",
    )  # fmt: skip
    assert proxy.caught.wait(300), cluster.said()
    running = commands()
    proxy.release()
    must_equal_local(new_dsn, world, dsn, done(cluster, process))
    assert not [text for text in (*running, *shown(cluster, tmp_path / "events")) if PASSWORD in text]


def test_loads_from_s3_what_one_machine_loads_from_files(
    cluster: Cluster,
    world: Path,
    new_dsn: Callable[..., str],
    proxy: Proxy,
    s3: Any,
    tmp_path: Path,
) -> None:
    """The driver finds the store in its environment; executors in theirs, which Spark's configuration sets.

    No secret shows anywhere.
    """
    s3.pipe({f"lake/data/{path.relative_to(world)}": path.read_bytes() for path in world.rglob("*.json")})
    store = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text(
        "".join(f"spark.executorEnv.{name} {value}\n" for name, value in store.items())
    )
    (tmp_path / "events").mkdir()
    dsn = new_dsn()
    proxy.arm(batch_is_committed)
    process = loading(
        cluster, "s3://lake/data", proxy.dsn(dsn), "--conf", "spark.eventLog.enabled=true",
        "--conf", f"spark.eventLog.dir={tmp_path / 'events'}", "--conf", "spark.eventLog.compress=false",
        "--conf", "spark.log.level=INFO", **store, SPARK_CONF_DIR=str(tmp_path / "conf"),
    )  # fmt: skip
    assert proxy.caught.wait(300), cluster.said()
    running = commands()
    proxy.release()
    must_equal_local(new_dsn, world, dsn, done(cluster, process))
    with connect(dsn) as db:
        assert one(db, "SELECT count(*) FROM etl.files WHERE path NOT LIKE 's3://lake/data/%'") == 0
    seen = shown(cluster, tmp_path / "events")
    assert not [text for text in (*running, *seen) if store["AWS_SECRET_ACCESS_KEY"] in text]


def test_an_executor_killed_after_its_commit(
    cluster: Cluster, dirty: Path, new_dsn: Callable[..., str], proxy: Proxy
) -> None:
    """PostgreSQL has committed the batch, but Spark does not know: the second attempt finds it there."""
    dsn = new_dsn()
    proxy.arm(batch_is_committed)
    process = loading(cluster, dirty, proxy.dsn(dsn))
    assert proxy.caught.wait(300), cluster.said()
    with connect(dsn) as db:
        staged = one(db, "SELECT count(*) FROM etl.manifest")
        assert staged > 0
        worker = owner_of(*proxy.stopped)
        kill_all(executor_of(worker))
        assert one(db, "SELECT count(*) FROM etl.manifest") >= staged
    proxy.release()
    must_equal_local(new_dsn, dirty, dsn, done(cluster, process))


def test_a_worker_killed_with_its_executors(
    cluster: Cluster, dirty: Path, new_dsn: Callable[..., str], proxy: Proxy
) -> None:
    """In the middle of a batch: another executor stages it."""
    dsn = new_dsn()
    proxy.arm(batch_is_being_staged)
    process = loading(cluster, dirty, proxy.dsn(dsn))
    assert proxy.caught.wait(300), cluster.said()
    family = list(above(owner_of(*proxy.stopped)))
    (worker,) = set(cluster.workers) & set(family)
    kill_all(worker)
    proxy.release()
    must_equal_local(new_dsn, dirty, dsn, done(cluster, process))


def test_a_slow_task_and_its_twin(
    cluster: Cluster, dirty: Path, new_dsn: Callable[..., str], proxy: Proxy
) -> None:
    """With speculation, the second attempt waits for the claims of the first, then finds them committed."""
    dsn = new_dsn()
    proxy.arm(batch_is_being_staged)
    process = loading(
        cluster, dirty, proxy.dsn(dsn), "--conf", "spark.speculation=true", "--conf",
        "spark.speculation.interval=100ms",
        "--conf", "spark.speculation.task.duration.threshold=1s",
    )  # fmt: skip
    assert proxy.caught.wait(300), cluster.said()
    with connect(dsn) as db:
        wait_for(lambda: one(db, WAITING) > 0, "the twin, at the claims of the first")
    proxy.release()
    must_equal_local(new_dsn, dirty, dsn, done(cluster, process))


WAITING = f"{LOCK_WAITS} AND query LIKE '%known_files%'"


def test_the_driver_killed_and_started_again(
    cluster: Cluster, dirty: Path, new_dsn: Callable[..., str], proxy: Proxy
) -> None:
    """The next driver publishes what was staged, and stages again what was being staged."""
    dsn = new_dsn()
    proxy.arm(batch_is_being_staged)
    process = loading(cluster, dirty, proxy.dsn(dsn))
    assert proxy.caught.wait(300), cluster.said()
    process.kill()
    process.communicate()
    proxy.release()
    report = done(cluster, loading(cluster, dirty, proxy.dsn(dsn)))
    assert report["files"]["left_to_others"] == 0
    for part in ("files", "lines", "reject_reasons"):  # lacks what the earlier run had staged
        report.pop(part)
    must_equal_local(new_dsn, dirty, dsn, report)


def test_postgresql_restarted_in_mid_job(cluster: Cluster, dirty: Path, new_dsn: Callable[..., str]) -> None:
    """All sessions are lost, including the driver's."""
    home = Path(tempfile.mkdtemp(prefix="sparkify-test-"))  # pytest's own folder is private to its owner
    home.chmod(0o755)
    server = Server(home / "home")
    server.start()
    try:
        with Proxy(server.url()) as proxy:
            proxy.arm(batch_is_being_staged)
            process = loading(cluster, dirty, proxy.dsn(server.url()))
            assert proxy.caught.wait(300), cluster.said()
            server.stop()
            proxy.release()
            server.start()
            must_equal_local(new_dsn, dirty, server.url(), done(cluster, process))
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_job(
    cluster: Cluster, dirty: Path, new_dsn: Callable[..., str], proxy: Proxy, number: signal.Signals
) -> None:
    dsn = new_dsn()
    proxy.arm(batch_is_being_staged)
    process = loading(cluster, dirty, proxy.dsn(dsn))
    assert proxy.caught.wait(300), cluster.said()
    executor = executor_of(owner_of(*proxy.stopped))
    since = time.monotonic()
    process.send_signal(number)
    process.wait(timeout=20)
    assert time.monotonic() - since < 2
    process.communicate()  # the JVM holds its stdout, and ends later
    assert process.returncode == 128 + number
    assert "sparkify: Interrupted. " in cluster.said()
    assert "new files are read and kept; run the same command again" in cluster.said()
    assert "Traceback" not in cluster.said()
    wait_for(lambda: not is_alive(executor), "the end of its executors")
    proxy.release()
    with connect(dsn) as db:
        others = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        wait_for(lambda: one(db, others) == 0, "the end of its connections")
    assert etl.run(dirty, dsn=dsn).status == "done"


# --- what can be wrong with a cluster, in one line ----------------------------------------------------------


def refused(cluster: Cluster, *arguments: str, **environment: str) -> tuple[int | None, str]:
    process = cluster.drive("etl", *arguments, "--engine", "spark", **environment)
    out, _ = process.communicate(timeout=200)
    assert out == ""
    last = cluster.said().splitlines()[-1]
    assert last.startswith("sparkify: "), cluster.said()
    # Spark shows what a worker in our process says as it ends.
    assert "Traceback" not in re.sub(r"worker:\s*Traceback", "", cluster.said())
    return process.returncode, last


def test_no_master(cluster: Cluster, dirty: Path, dsn: str) -> None:
    code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", "spark://127.0.0.1:1")
    assert (code, "No Spark master answers at 127.0.0.1:1" in said) == (1, True)
    with connect(dsn) as db:
        assert one(db, "SELECT count(*) FROM etl.runs") == 0
    for master in ("spark://127.0.0.1", "127.0.0.1:7077", "http://127.0.0.1:7077"):
        code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", master)
        assert (code, "give spark://HOST:PORT" in said) == (2, True)
    code, said = refused(cluster, str(dirty), "--dsn", dsn)
    assert (code, "not on a cluster. Name a master: spark://HOST:PORT" in said) == (2, True)


def test_executors_that_cannot_reach_postgresql(cluster: Cluster, dirty: Path, dsn: str) -> None:
    nobody = "spark.executorEnv.PGHOSTADDR=127.0.0.1"  # the server is on a Unix socket
    cluster.two_workers()
    since = time.monotonic()
    code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", cluster.url, "--conf", nobody)
    assert (code, "On the executor" in said, "Cannot connect to PostgreSQL" in said) == (1, True, True)
    assert time.monotonic() - since < 60  # to try again would take two minutes
    with connect(dsn) as db:
        assert one(db, "SELECT count(*) FROM etl.runs") == 0


def test_a_cluster_without_room(cluster: Cluster, dirty: Path, dsn: str) -> None:
    """Spark waits for ever for an executor that no worker can give."""
    cluster.two_workers()
    asked = "spark.executor.memory=999g"
    process = cluster.drive(
        "etl", str(dirty), "--dsn", dsn, "--engine", "spark", "--master", cluster.url, "--conf", asked
    )
    wait_for(lambda: "Spark has not run a first task yet; waiting." in cluster.said(), "a word")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in cluster.said()


def test_no_java(cluster: Cluster, dirty: Path, dsn: str) -> None:
    for environment in ({"JAVA_HOME": "/nowhere"}, {"PATH": "/nowhere"}):
        code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", "local[1]", **environment)
        assert (code, "needs Java 17 or newer, and" in said) == (1, True)


def test_no_pyspark(cluster: Cluster, dirty: Path, dsn: str) -> None:
    process = cluster.drive(
        "etl", str(dirty), "--dsn", dsn, "--engine", "spark", code="sys.modules['pyspark'] = None"
    )
    process.communicate(timeout=100)
    assert (process.returncode, cluster.said().count("\n")) == (1, 1)
    assert "pip install 'sparkify[spark]'" in cluster.said()


def test_a_socket_that_other_machines_have_not(cluster: Cluster, dirty: Path, dsn: str) -> None:
    for master in ("spark://192.0.2.99:7077", "yarn", "k8s://https://192.0.2.99:6443"):
        code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", master)
        assert (code, f"The executors of {master} cannot reach this PostgreSQL" in said) == (2, True)
        assert "like postgresql://" in said


def test_executors_without_an_environment(cluster: Cluster, dirty: Path, dsn: str, tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "empty", symlinks=True)
    python = tmp_path / "empty" / "bin" / "python"
    code, said = refused(
        cluster, str(dirty), "--dsn", dsn, "--master", "local[1]", "--conf", f"spark.pyspark.python={python}"
    )
    assert code == 1
    assert "The executors' Python has no psycopg" in said


def test_a_core_that_executors_cannot_load(cluster: Cluster, dirty: Path, dsn: str) -> None:
    code = (
        "import zipfile; write = zipfile.ZipFile.write\n"
        "def ship(archive, file, name): archive.writestr(str(name), 'other' * 9) if file.suffix == '.so' else"
        " write(archive, file, name)\n"
        "zipfile.ZipFile.write = ship"
    )
    exit_code, said = refused(cluster, str(dirty), "--dsn", dsn, "--master", "local[1]", code=code)
    assert exit_code == 1
    assert "The executors cannot load the compiled core" in said


def test_a_store_that_executors_may_not_read(cluster: Cluster, dsn: str, s3: Any) -> None:
    """The driver has credentials, and has listed what there is."""
    s3.pipe("lake/data/log_data/a.json", b"{}")
    store = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    code, said = refused(
        cluster, "s3://lake/data", "--dsn", dsn, "--master", "local[1]",
        "--conf", "spark.executorEnv.AWS_SECRET_ACCESS_KEY=", **store,
    )  # fmt: skip
    assert code == 1
    assert re.search(r"On the executor \S+: Cannot read s3://lake/data/log_data/a\.json: Partial cred", said)
