"""The JDBC URL by which a BI tool reads a warehouse on the embedded server."""

from urllib.parse import quote, urlencode

from sparkify.database.connection import server_errors
from sparkify.database.reading import has_warehouse
from sparkify.errors import NoWarehouse
from sparkify.operations.roles import create_roles
from sparkify.server import Server
from sparkify.server.names import BI_LOGIN, DATABASE, READER
from sparkify.server.port import ADDRESS


def jdbc_url(server: Server, dbname: str = DATABASE) -> str:
    """The JDBC URL of a database on a running server. It holds the password of a read-only login, which is
    created if missing.

    Raises:
        UsageError: the server listens on no port.
        NoWarehouse: the database has no warehouse.
        SparkifyError: the login cannot be created now.
    """
    port, password = server.login()
    url = server.url(dbname)
    with server_errors():
        if not has_warehouse(url):
            raise NoWarehouse
    create_roles(url, login=(BI_LOGIN, READER, password))
    login = urlencode({"user": BI_LOGIN, "password": password})
    return f"jdbc:postgresql://{ADDRESS}:{port}/{quote(dbname, safe='')}?{login}"
