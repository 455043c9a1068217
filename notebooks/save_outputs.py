"""Run the notebooks and save what they show.

    python notebooks/save_outputs.py

They run on the server that sparkify would use, in separate databases that are dropped again.
"""

# ruff: noqa: INP001  a script, not part of a package

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sparkify import etl
from sparkify.database.connection import MAINTENANCE, connect, resolve
from sparkify.simulate import simulate

FOLDER: Final = Path(__file__).resolve().parent
ETL: Final = FOLDER / "etl.ipynb"
TEST: Final = FOLDER / "test.ipynb"
ANALYSIS: Final = FOLDER / "analysis.ipynb"
SCRATCH: Final = "sparkify_notebook_sample"

# These say nothing of the machine on which the notebooks ran.
METADATA: Final = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path, dsn: str) -> Any:
    """Run a notebook with SPARKIFY_DSN set to `dsn`; give it with its outputs.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # IPYTHONDIR: a user's start-up files must not run.
        environment = os.environ | {"SPARKIFY_DSN": dsn, "IPYTHONDIR": folder}
        client = NotebookClient(
            notebook,
            timeout=120,
            record_timing=False,
            coalesce_streams=True,  # a busy machine delivers what a cell prints in more pieces
            resources={"metadata": {"path": str(FOLDER)}},
        )
        # A socket in our folder: others on the machine could listen to a port.
        kernel = client.create_kernel_manager()
        kernel.transport = "ipc"
        kernel.connection_file = str(Path(folder) / "kernel.json")
        client.execute(env=environment)
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def load_sample(dsn: str, *, users: int = 40, days: int = 12) -> None:
    """Fill the warehouse with the made-up sample that test.ipynb was saved with, or one like it."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        simulate(data, users=users, songs=150, days=days, seed=5, dirt=0.03, workers=1)
        etl.run(data, dsn=dsn, workers=1)


def load_weeks(dsn: str) -> None:
    """Fill the warehouse with the sample that analysis.ipynb was saved with: more people, and some weeks."""
    load_sample(dsn, users=120, days=40)


def main() -> None:
    """Run all three notebooks and save them."""
    server = make_conninfo(resolve(), dbname=MAINTENANCE)
    sample = make_conninfo(server, dbname=SCRATCH)
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(SCRATCH))
    with connect(server) as maintenance:
        nbformat.write(execute(ETL, server), ETL)
        for path, fill in ((TEST, load_sample), (ANALYSIS, load_weeks)):
            maintenance.execute(drop)
            try:
                fill(sample)
                nbformat.write(execute(path, sample), path)
            finally:
                maintenance.execute(drop)


if __name__ == "__main__":
    main()
