"""Run the work of a Spark task on its executor: the same `stage(batch)` as everywhere."""

import pickle
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sparkify.database.connection import connect
from sparkify.errors import ConnectionFailed, SparkifyError, StorageFailed, UsageError
from sparkify.extract.batches import Batch
from sparkify.report import StagedBatch
from sparkify.stage.stager import Stager


def stage(dsn: str, run_id: int, planned_at: float, batch: Batch) -> StagedBatch:
    """Stage one batch. Its sessions are not sent to the driver: PostgreSQL counts them."""
    with closing(Stager(dsn, run_id, planned_at)) as stager:
        return replace(stager.stage(batch), sessions={})


def reach(dsn: str, seconds: int) -> None:
    """Connect to PostgreSQL once: to retry would only delay the news.

    Raises:
        ConnectionFailed: it cannot be reached from here within these seconds, or those that the DSN allows.
    """
    limit = {} if "connect_timeout" in conninfo_to_dict(dsn) else {"connect_timeout": seconds}
    connect(make_conninfo(dsn, **limit)).close()


def outcome(work: Callable[..., Any], *arguments: Any) -> bytes:
    """Do the work, and pickle its result or the error that ended it.

    Known errors are returned, not raised: Spark would retry the task, and transient errors were retried here.
    """
    try:
        return pickle.dumps(work(*arguments))
    except (ConnectionFailed, StorageFailed, UsageError) as error:
        # Say where: the driver has another network, other credentials and packages.
        return pickle.dumps(type(error)(f"On the executor {socket.gethostname()}: {error}"))
    except (SparkifyError, psycopg.Error) as error:
        return pickle.dumps(error)
