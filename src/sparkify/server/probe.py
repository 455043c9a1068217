"""Ask a server whether it accepts connections."""

from sparkify.errors import ServerError

WAIT = 10
"""Seconds to wait for an answer: a loaded machine may need a few; a stopped process never answers."""


def answers(url: str) -> bool:
    """Whether a connection works now. Raises ServerError if the server is up but refuses us."""
    import psycopg  # noqa: PLC0415  slow to import
    from psycopg.pq import PGconn, Ping  # noqa: PLC0415

    url = f"{url}&connect_timeout={WAIT}&hostaddr="  # not what PGHOSTADDR says
    # PGREQUIREPEER and PGGSSENCMODE can make libpq give up early: a ping would say that nobody answers.
    ping = f"{url}&requirepeer=&gssencmode=disable".encode()

    def is_up() -> bool:
        found = PGconn.ping(ping)
        if found == Ping.NO_ATTEMPT:
            raise ServerError(
                "A PG* variable keeps libpq from connecting to the embedded PostgreSQL: its value is unknown,"
                " or does not fit a Unix socket. Unset it (env | grep ^PG)."
            )
        return found == Ping.OK

    if not is_up():
        return False
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError as error:
        if is_up():  # it refused us; it is not just shutting down
            raise ServerError(
                f"The embedded PostgreSQL is up, but the connection failed: {' '.join(str(error).split())}."
                " If a PG* variable asks for that, unset it (env | grep ^PG)."
            ) from error
        return False
    return True
