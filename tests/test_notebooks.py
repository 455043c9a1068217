"""The notebooks run, show what is saved, do not reveal the machine, and leave the warehouse unchanged."""

import re
import runpy
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.database.connection import connect
from sparkify.errors import SparkifyError
from tests.support.warehouse import checksums, one

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = ("etl.ipynb", "test.ipynb", "analysis.ipynb")


@cache
def script() -> dict[str, Any]:
    """The names in save_outputs.py, imported late: that takes seconds in each worker that needs it."""
    return runpy.run_path(str(FOLDER / "save_outputs.py"))


@pytest.fixture(scope="module")
def sample(module_dsn: str) -> str:
    """A warehouse with the sample that test.ipynb was saved with."""
    script()["load_sample"](module_dsn)
    return module_dsn


@pytest.fixture(scope="module")
def weeks(new_module_dsn: Callable[[], str]) -> str:
    """A warehouse with the sample that analysis.ipynb was saved with."""
    dsn = new_module_dsn()
    script()["load_weeks"](dsn)
    return dsn


@pytest.fixture
def copy_of_sample(sample: str, new_dsn: Callable[..., str]) -> str:
    """A copy of the sample that a test may damage."""
    return new_dsn(of=conninfo_to_dict(sample)["dbname"])


def saved(name: str) -> Any:
    return script()["nbformat"].read(FOLDER / name, as_version=4)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(notebook: Any) -> str:
    return "\n".join(
        str(output.get("text") or output.get("data"))
        for cell in map(_without_pixels, code_cells(notebook))
        for output in cell.outputs
    )


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_running_a_notebook_gives_what_is_saved(
    request: pytest.FixtureRequest, sample: str, name: str
) -> None:
    loaded: str = request.getfixturevalue("weeks") if name == "analysis.ipynb" else sample
    before = _checksums(loaded)

    executed = script()["execute"](FOLDER / name, loaded)

    for now, then in zip(executed.cells, saved(name).cells, strict=True):
        assert _without_pixels(now) == _without_pixels(then), (
            f"cell {then.id} shows something else: run python notebooks/save_outputs.py"
        )
    assert _checksums(loaded) == before, "the warehouse was touched"
    with connect(sample) as connection:
        assert not one(connection, "SELECT count(*) FROM pg_database WHERE datname = 'sparkify_notebook'")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_saved_notebook_is_complete_and_clean(name: str) -> None:
    notebook = saved(name)
    script()["nbformat"].validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[0].cell_type == "markdown"
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert cell.outputs, f"cell {cell.id} shows nothing"
        for output in cell.outputs:
            assert output.output_type != "error", f"cell {cell.id} failed"
            assert output.get("name") != "stderr", f"cell {cell.id} warns"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_saved_says_nothing_of_the_machine(name: str) -> None:
    text = text_of(saved(name))
    assert re.findall(r"(?<![\w.>])/(?:\w+/)+\w*|\w+://\S+|\b(?:host|user|password)=\S*|/run\w+/", text) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_make_notebook_installs_what_it_imports(name: str) -> None:
    lock = (FOLDER.parent / "requirements" / "notebook.lock").read_text(encoding="utf-8")
    imported = set(re.findall(r"^(?:from|import) (\w+)", _code(name), re.MULTILINE))
    for package in (imported | {"ipykernel", "jupyterlab"}) - sys.stdlib_module_names - {"show", "sparkify"}:
        assert f"\n{package}==" in lock, package


def test_the_analysis_asks_what_the_docs_ask() -> None:
    numbered = (FOLDER.parent / "docs" / "sql.md").read_text().partition("\n## ")[0]
    questions = re.findall(r"```sql\n(.*?);\n```", numbered, re.DOTALL)
    asked = [
        " ".join(query.split())
        for query in re.findall(r'rows = ask\("""(.*?)"""\)', _code("analysis.ipynb"), re.DOTALL)
    ]
    assert len(asked) == 15
    assert asked == [" ".join(query.split()) for query in questions]


def test_the_walk_shows_every_kind_of_line() -> None:
    shown = text_of(saved("etl.ipynb"))
    for word in (
        "reject",
        "blank",
        "invalid_json",
        "empty_field",
        "out_of_range",
        "Aberdeen, SD",
        "partition: True",
    ):
        assert word in shown


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ("sparkify_no_such_database", "the database does not exist"),
        ("postgres", "no warehouse in this database"),
        (None, "has no plays"),
    ],
)
def test_without_a_warehouse_it_says_what_to_do(
    dsn: str, database: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("test.ipynb", "analysis.ipynb"):
        with pytest.raises(SparkifyError, match=rf"{said}.*`sparkify etl DATA`"):
            _run_here(name, make_conninfo(dsn, dbname=database) if database else dsn, monkeypatch)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("ALTER TABLE users ALTER gender TYPE varchar", "users has its columns"),
        ("ALTER TABLE users ALTER level DROP NOT NULL", "users has its columns"),
        ("ALTER TABLE songplays DROP CONSTRAINT songplays_song_fkey", "foreign keys"),
        (
            "ALTER TABLE songs DROP CONSTRAINT songs_artist_id_fkey;"
            "ALTER TABLE songs ADD FOREIGN KEY (artist_id) REFERENCES artists NOT VALID",
            "validated",
        ),
        ("ALTER TABLE songplays DROP CONSTRAINT songplays_pkey", "primary key"),
        ("UPDATE etl.row_counts SET row_count = 7 WHERE table_name = 'artists'", "artists has as many rows"),
        ("UPDATE time SET weekday = 7 - weekday", "hour, day, week"),
        ("UPDATE users SET level = 'gold'", "level of the latest play"),
        ("UPDATE analytics.heard_songs SET title = title || '!'", "heard that song"),
        (
            "INSERT INTO users VALUES (1000000, 'No', 'Body', 'F', 'free');"
            "UPDATE etl.row_counts SET row_count = row_count + 1 WHERE table_name = 'users'",
            "users are the people with plays",
        ),
    ],
)
def test_a_warehouse_that_is_not_right_is_noticed(
    copy_of_sample: str, harm: LiteralString, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(copy_of_sample) as connection:
        connection.execute(harm)
    with pytest.raises(AssertionError, match=f"Broken: .*{said}"):
        _run_here("test.ipynb", copy_of_sample, monkeypatch)


def _run_here(name: str, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the cells in this process: quicker than a kernel, and what fails can be caught."""
    monkeypatch.setenv("SPARKIFY_DSN", dsn)
    monkeypatch.syspath_prepend(FOLDER)
    names: dict[str, Any] = {"display": print}
    try:
        for cell in code_cells(saved(name)):
            exec(cell.source.removeprefix("%matplotlib inline\n"), names)  # noqa: S102
    finally:
        if "connection" in names:
            names["connection"].close()


def _code(name: str) -> str:
    return "\n".join(cell.source for cell in code_cells(saved(name)))


def _without_pixels(cell: Any) -> Any:
    """A cell without the bytes of its pictures, which depend on the drawing library."""
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            output.data["image/png"] = "a picture"
    return cell


def _checksums(dsn: str) -> dict[str, str]:
    with connect(dsn) as connection:
        return checksums(connection)
