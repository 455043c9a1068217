"""What an error of an object store means, and whether to ask again.

Stores' libraries are not imported here: their errors are told by the names of their classes.
"""

import errno
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypeVar

from sparkify import patience
from sparkify.errors import GivenUp, SparkifyError, StorageFailed

RETRY_SECONDS: Final = 60.0
"""How long to ask again, after its first failure, a store that fails or does not answer."""

_REFUSED: Final = frozenset(
    ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch")
)
"""S3 codes for bad credentials: they fail the run, not the object."""

_CHANGED: Final = frozenset(("PreconditionFailed", "InvalidRange", "412", "416"))

_BUSY: Final = frozenset(("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"))
"""S3 codes, beside status 429 and those from 500 on, of a store that asks for another try."""

_RESET: Final = frozenset(("BrokenPipeError", "ConnectionAbortedError", "ConnectionResetError"))
_UNREACHABLE: Final = frozenset(
    (
        *("ClientConnectorError", "ConnectTimeoutError", "ConnectionRefusedError", "EndpointConnectionError"),
        *("ProxyConnectionError", "SSLCertVerificationError", "gaierror"),
    )
)
_BROKEN: Final = frozenset(
    (
        *("ClientOSError", "ClientPayloadError", "ConnectionClosedError", "ConnectionError"),
        *("IncompleteRead", "IncompleteReadError", "ReadTimeoutError", "ResponseParserError"),
        *("ServerDisconnectedError", "TimeoutError"),
    )
)
"""Errors of Python, botocore and aiohttp when a store cannot be reached, or breaks off, by the names of their
classes or of those above. A client may report a reset as a store that cannot be reached."""

Result = TypeVar("Result")


class _Away(StorageFailed):
    """The store cannot be reached; `what` says so in short."""

    what: str = ""


class _Busy(_Away):
    """The store was reached, but fails or breaks off: it may do better."""


def patiently(address: str, work: Callable[[], Result], *, answered: bool = True) -> Result:
    """Do some work, and repeat it while the store fails.

    A store that has not `answered` yet, and cannot be reached, is not asked again: its address may be wrong.

    Raises:
        OSError: the object is to blame.
        StorageFailed: the store refuses access, or fails for too long.
        GivenUp: another thread gave the work up.
    """
    until, waits = math.inf, patience.pauses()
    while True:
        try:
            with translated(address):
                return work()
        except _Away as error:
            until = min(until, time.monotonic() + RETRY_SECONDS)
            if time.monotonic() >= until or not (answered or isinstance(error, _Busy)):
                raise
            patience.say("store", error.what, RETRY_SECONDS)
        if not patience.wait(next(waits)):
            raise GivenUp


@contextmanager
def translated(address: str) -> Iterator[None]:
    """Raise the errors of a store as `error_of` has them."""
    try:
        yield
    except SparkifyError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename == address:
            raise  # it is translated already
        raise error_of(error, address) from error


def error_of(error: Exception, address: str) -> OSError | StorageFailed:
    """Turn an error into one of the object (OSError) or of the whole store (StorageFailed)."""
    cause = error if hasattr(error, "response") else error.__cause__
    response = getattr(cause, "response", None)
    response = response if isinstance(response, dict) else {}
    code = str(response.get("Error", {}).get("Code", ""))
    text = str((isinstance(error, OSError) and error.strerror) or error)
    said = re.sub(r"//[^/@\s]*@", "//", " ".join(text.split())).rstrip(".") or type(error).__name__
    if code not in _REFUSED:
        if isinstance(error, FileNotFoundError):
            named = error.errno is not None or said in address  # fsspec's text is the path alone
            return FileNotFoundError(errno.ENOENT, "No such object" if named else said, address)
        if isinstance(error, PermissionError):
            return PermissionError(errno.EACCES, said, address)
        expired = isinstance(error, OSError) and error.errno == errno.ESTALE
        if expired or code in _CHANGED or type(error).__name__ == "FileExpired":
            return changed(address)
    kind, advice = StorageFailed, "Check the network, the credentials and AWS_ENDPOINT_URL."
    names = {base.__name__ for each in _chain(error) for base in type(each).__mro__}
    if code in _BUSY or _asks_for_another_try(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)):
        kind, advice = _Busy, "The store has a fault, or too much to do."
    elif names & _UNREACHABLE and not names & _RESET:
        kind, advice = _Away, "Check the network and AWS_ENDPOINT_URL."
    elif names & (_BROKEN | _RESET):
        kind, advice = _Busy, "Check the network."
    what = f"Cannot read {address}: {said}"
    failed = kind(f"{what}. {advice} What was committed is kept; run the command again to go on.")
    if isinstance(failed, _Away):
        failed.what = what
    return failed


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it: a client may hide the true one in a general one."""
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _asks_for_another_try(status: int) -> bool:
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return False
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def may_not_be_read(error: PermissionError) -> PermissionError:
    """The same error, with what it means for an object that was listed."""
    why = f"{error.strerror}: it may be listed, but not read"
    return PermissionError(error.errno, why, error.filename)


def changed(address: str) -> OSError:
    """The error of an object that has changed since the plan."""
    return OSError(errno.ESTALE, "it has changed since it was listed", address)
