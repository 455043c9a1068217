"""The generated pages of docs/ say what the warehouse says, and that says what every table and column is."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

DOCS = Path(__file__).resolve().parents[1] / "docs"
dictionary = runpy.run_path(str(DOCS / "make_dictionary.py"))["dictionary"]
answers = runpy.run_path(str(DOCS / "make_answers.py"))["answers"]
diagram = runpy.run_path(str(DOCS / "make_diagram.py"))["diagram"]

# Asked in another way than the generator does: a table that it overlooks must show here.
WITHOUT_COMMENT = """
SELECT attrelid::regclass || coalesce('.' || attname, '')
FROM (
    SELECT attrelid, attnum, attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT oid, 0, NULL FROM pg_class
) AS thing (attrelid, attnum, attname)
JOIN pg_class ON pg_class.oid = attrelid
WHERE relnamespace NOT IN (
        SELECT oid FROM pg_namespace
        WHERE nspname IN ('information_schema', 'staging', 'partitions') OR nspname LIKE 'pg\\_%'
    )
    AND relkind NOT IN ('i', 'I', 'S', 'c') AND NOT relispartition
    AND NOT EXISTS (
        SELECT FROM pg_description d
        WHERE d.classoid = 'pg_class'::regclass AND d.objoid = attrelid AND d.objsubid = attnum
          AND d.description <> ''
    )
ORDER BY 1
"""


def test_every_table_and_column_has_a_comment(db: Connection[Any]) -> None:
    assert [name for (name,) in db.execute(WITHOUT_COMMENT)] == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("CREATE TABLE public.playlists (playlist_id bigint)", "playlists"),
        ("COMMENT ON TABLE songplays IS NULL", "songplays"),
        ("COMMENT ON COLUMN analytics.user_levels.valid_to IS ''", "analytics.user_levels.valid_to"),
        ("ALTER TABLE etl.runs ADD COLUMN host text", "etl.runs.host"),
    ],
)
def test_a_missing_comment_is_noticed(db: Connection[Any], change: str, name: str) -> None:
    db.execute(change)
    assert name in [name for (name,) in db.execute(WITHOUT_COMMENT)]


def test_the_committed_dictionary_is_that_of_the_warehouse(db: Connection[Any]) -> None:
    committed = (DOCS / "dictionary.md").read_text(encoding="utf-8")
    assert dictionary(db) == committed, "run: make docs"


def test_the_committed_diagram_is_that_of_the_warehouse(db: Connection[Any]) -> None:
    committed = (DOCS / "diagram.md").read_text(encoding="utf-8")
    assert diagram(db) == committed, "run: make docs"
    db.execute("CREATE TABLE analytics.moods (user_id bigint, mood text)")
    assert 'users ||--o{ moods : "user_id"' in diagram(db)


def test_the_committed_answers_are_those_of_the_questions(db: Connection[Any]) -> None:
    committed = (DOCS / "answers.md").read_text(encoding="utf-8")
    assert answers(db) == committed, "run: make docs"


def test_the_dictionary_follows_the_warehouse_and_keeps_months_and_staging_out(db: Connection[Any]) -> None:
    before = dictionary(db)
    db.execute("""
        CREATE TABLE partitions.time_2018_11 PARTITION OF time
          FOR VALUES FROM ('2018-11-01') TO ('2018-12-01');
        CREATE TABLE staging.run1_2018_11_users (user_id bigint)
    """)
    assert dictionary(db) == before
    db.execute("""
        CREATE TABLE analytics.moods (user_id bigint PRIMARY KEY REFERENCES users, mood text);
        COMMENT ON TABLE analytics.moods IS 'One row per user who said how it goes.';
        COMMENT ON COLUMN analytics.moods.mood IS 'good | bad';
    """)
    after = dictionary(db)
    assert "### analytics.moods\n\nOne row per user who said how it goes.\n" in after
    assert "| `user_id` | bigint | no | primary; → [users](#users) | None |" in after
    assert r"| `mood` | text | yes |  | good \| bad |" in after
