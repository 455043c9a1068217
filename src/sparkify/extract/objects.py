"""Read objects in a store: ``s3://bucket/key``, and whatever else fsspec and its packages can open.

The store's library finds credentials in its usual places (environment, files, roles). None pass through here.
"""

import errno
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar

from sparkify import patience
from sparkify.errors import SparkifyError, StorageFailed, UsageError
from sparkify.extract.files import SUCCESS, InputFile, Kind, compression_of, ending_of

_WEB: Final = ("http", "https")

_S3_OPTIONS: Final = {
    # Allow 64 small objects in parallel. We retry; botocore must not retry each attempt, too.
    "config_kwargs": {"max_pool_connections": 64, "retries": {"total_max_attempts": 1}},
}

RETRY_SECONDS: Final = 60.0
"""How long to ask again, after its first failure, a store that fails or does not answer."""

RANGE_BYTES: Final = 8 << 20
"""Bytes of an object to ask for at a time: more than of a file, because each request has to wait."""

_SIGNATURES: Final = (
    *("ETag", "etag", "md5Hash", "content_md5", "generation"),
    *("LastModified", "last_modified", "mtime", "created"),
)
"""Attributes in which stores identify the content of an object; the first one present counts."""

_REFUSED: Final = frozenset(
    ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed", "SignatureDoesNotMatch")
)
"""S3 codes for bad credentials: they fail the run, not the object."""

_CHANGED: Final = frozenset(("PreconditionFailed", "InvalidRange", "412", "416"))

_BUSY: Final = frozenset(("SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"))
"""S3 codes, beside status 429 and those from 500 on, of a store that asks for another try."""

_UNREACHABLE: Final = frozenset(
    (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ClientConnectorError",
        "ConnectionRefusedError",
        "gaierror",
    )
)
_BROKEN: Final = frozenset(
    (
        *("ClientOSError", "ClientPayloadError", "ConnectionError", "IncompleteRead", "ReadTimeoutError"),
        *("ResponseParserError", "ServerDisconnectedError", "TimeoutError"),
    )
)
"""Errors of Python, botocore and aiohttp when a store cannot be reached, or breaks off, by the names of their
classes or of those above."""

Result = TypeVar("Result")


class _Away(StorageFailed):
    """The store cannot be reached; `what` says so in short."""

    what: str = ""


class _Busy(_Away):
    """The store was reached, but fails or breaks off: it may do better."""


def exists(address: str) -> bool:
    """Whether there are objects below a URL.

    Raises:
        UsageError: the URL holds credentials, or fsspec cannot open such URLs here.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        with _translated(address):
            if _is_s3(address):  # s3fs would ask for an object of this name, which needs other permissions
                return any(any(True for _ in page) for page in _pages(files, path, address))
            return bool(files.exists(path))
    except OSError as error:
        raise UsageError(f"Cannot look for {address}: {error.strerror}.") from error


def find(root: str, kind: Kind, other_files: Counter[str]) -> Iterator[InputFile]:
    """Yield all input files below a URL in the store's order; skip hidden ones.

    It counts objects with other names in `other_files` by their endings.

    Raises:
        UsageError: there are no objects, or they may not be listed.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(root)
    empty = True
    try:
        with _translated(root):
            for page in _pages(files, path, root):
                for address, details in page:
                    empty = False
                    below = address[len(root.rstrip("/")) :]
                    name = below.rpartition("/")[2]
                    if "/." in below or not name:  # hidden, or a placeholder for a folder
                        continue
                    compression = compression_of(name)
                    if compression != "":
                        yield _input_file(kind, address, details, compression)
                    elif name != SUCCESS:
                        other_files[ending_of(name)] += 1
    except OSError as error:
        raise UsageError(
            f"Cannot list {root}: {error.strerror}. Name a bucket and prefix that may be listed."
        ) from error
    if empty:
        raise UsageError(f"There are no objects below {root}. Name a folder of objects, not one object.")


def names(address: str) -> list[tuple[str, bool]]:
    """The names directly below a URL, and whether each is a folder; none when it cannot be listed.

    Raises:
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        found = _patiently(address, lambda: files.ls(path, detail=True))
    except OSError:
        return []
    return [(each["name"].rstrip("/").rpartition("/")[2], each["type"] == "directory") for each in found]


def now(kind: Kind, address: str) -> InputFile | None:
    """The present state of an object; None when it is gone.

    Raises:
        OSError: its state may not be read.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        details = _patiently(address, lambda: files.info(path), answered=False)
    except FileNotFoundError:
        return None
    return _input_file(kind, address, details, compression_of(address))


def blocks(file: InputFile, start: int, size: int) -> Iterator[bytes]:
    """Like `storage.blocks`, range by range, and only of the planned version of the object."""
    files, path = _open(file.path)

    def opened() -> Any:
        source = files.open(path, "rb", block_size=RANGE_BYTES, cache_type="none")
        details = getattr(source, "details", None) or files.info(path)
        if _signature(details) != file.etag:
            raise _changed(file.path)
        return source

    def read() -> bytes:
        source.seek(start)
        return bytes(source.read(min(RANGE_BYTES, size)))

    try:
        with _patiently(file.path, opened) as source:
            while size and (data := _patiently(file.path, read)):
                yield data
                start, size = start + len(data), size - len(data)
        if size and start < file.size:
            raise OSError(errno.EIO, "it ends before the size that was listed", file.path)
    except PermissionError as error:
        raise _may_not_be_read(error) from error


def fetch(wanted: Sequence[InputFile]) -> dict[str, bytes | OSError]:
    """Fetch small objects of one store in parallel: the content of each, or the error.

    Raises:
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, _ = _open(wanted[0].path)
    found: dict[str, bytes | OSError] = {file.path: b"" for file in wanted if not file.size}

    def fetch_others() -> None:
        left = [file for file in wanted if file.path not in found]
        paths = [files._strip_protocol(file.path) for file in left]  # noqa: SLF001
        sizes = [file.size for file in left]
        contents = files.cat_ranges(paths, [0] * len(paths), sizes, on_error="return") if paths else []
        failed: StorageFailed | None = None
        for file, content in zip(left, contents, strict=True):
            error = _error(content, file.path) if isinstance(content, Exception) else None
            if isinstance(error, StorageFailed):
                failed = error
            elif isinstance(error, PermissionError):
                found[file.path] = _may_not_be_read(error)
            else:
                found[file.path] = error or content
        if failed:
            raise failed

    _patiently(wanted[0].path, fetch_others)
    return found


def _open(address: str) -> tuple[Any, str]:
    """The file system of a URL, and the path within it."""
    scheme, _, rest = address.partition("://")
    place = rest.partition("/")[0]
    login, at, _ = place.rpartition("@")
    is_s3 = _is_s3(address)
    has_secret = is_s3 and ":" in place and not place.startswith("arn:")  # a / in it cuts off the @
    if has_secret or (at and (is_s3 or scheme in _WEB or ":" in login)):
        raise UsageError(
            "A URL of input must hold no credentials."
            " Give them as the store's library expects, like AWS_PROFILE."
        )
    if scheme in _WEB:  # the address stays unsaid: it may be signed
        raise UsageError(
            f"{scheme}:// addresses are not read, because a web server does not list its files."
            " Download them, or name their store, like s3://BUCKET/FOLDER."
        )
    try:
        import fsspec  # noqa: PLC0415  slow to import, and not needed for local files

        kind = fsspec.get_filesystem_class(scheme)
        options = _S3_OPTIONS if is_s3 else kind._get_kwargs_from_urls(address)  # noqa: SLF001
        files = fsspec.filesystem(scheme, use_listings_cache=False, **options)
        if is_s3:
            files.retries = 1  # we retry
        return files, kind._strip_protocol(address)  # noqa: SLF001
    except ImportError as error:
        package = "sparkify[s3]" if is_s3 else "fsspec's package for it"
        raise UsageError(f"To read {scheme}:// addresses, install {package} ({error}).") from error
    # A scheme may need more than an address.
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"Cannot read {scheme}:// addresses: {error}.") from error


def _pages(files: Any, path: str, root: str) -> Iterator[Iterator[tuple[str, Mapping[str, Any]]]]:
    """The address and attributes of every object below a path, on S3 page by page."""
    if not _is_s3(root):
        found = files.find(path, detail=True)
        below = files._strip_protocol(root).rstrip("/")  # noqa: SLF001
        yield ((root.rstrip("/") + name[len(below) :], details) for name, details in found.items())
        return
    bucket, prefix, _ = files.split_path(path)
    request = {"Bucket": bucket, "Prefix": f"{prefix}/" if prefix else ""}
    while True:
        answered = "ContinuationToken" in request
        page = _patiently(root, lambda: files.call_s3("list_objects_v2", **request), answered=answered)
        yield ((f"s3://{bucket}/{each['Key']}", each) for each in page.get("Contents", ()))
        if not page.get("IsTruncated"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


def _input_file(kind: Kind, address: str, details: Mapping[str, Any], compression: str | None) -> InputFile:
    size = details["Size"] if "Size" in details else details["size"]
    return InputFile(kind, address, size, 0, compression, etag=_signature(details))


def _signature(details: Mapping[str, Any]) -> str:
    found = next((details[name] for name in _SIGNATURES if details.get(name)), "")
    return str(found).strip('"') or "unknown"


def _is_s3(address: str) -> bool:
    return address.startswith("s3://")


def _patiently(address: str, work: Callable[[], Result], *, answered: bool = True) -> Result:
    """Do some work, and repeat it while the store fails.

    A store that has not `answered` yet, and cannot be reached, is not asked again: its address may be wrong.

    Raises:
        OSError: the object is to blame.
        StorageFailed: the store refuses access, or fails for too long.
        SparkifyError: another thread gave the work up.
    """
    until, waits = math.inf, patience.pauses()
    while True:
        try:
            with _translated(address):
                return work()
        except _Away as error:
            until = min(until, time.monotonic() + RETRY_SECONDS)
            if time.monotonic() >= until or not (answered or isinstance(error, _Busy)):
                raise
            patience.say(error.what, RETRY_SECONDS)
        if not patience.wait(next(waits)):
            raise SparkifyError("Another batch failed, or somebody ended the run.")


@contextmanager
def _translated(address: str) -> Iterator[None]:
    try:
        yield
    except (UsageError, StorageFailed):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename == address:
            raise  # it is translated already
        raise _error(error, address) from error


def _error(error: Exception, address: str) -> OSError | StorageFailed:
    """Turn an error into one of the object (OSError) or of the whole store (StorageFailed)."""
    cause = error if hasattr(error, "response") else error.__cause__
    response = getattr(cause, "response", None) or {}
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
            return _changed(address)
    kind, advice = StorageFailed, "Check the network, the credentials and AWS_ENDPOINT_URL."
    names = {base.__name__ for each in _chain(error) for base in type(each).__mro__}
    if code in _BUSY or _asks_for_another_try(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)):
        kind, advice = _Busy, "The store has a fault, or too much to do."
    elif names & _UNREACHABLE:
        kind, advice = _Away, "Check the network and AWS_ENDPOINT_URL."
    elif names & _BROKEN:
        kind, advice = _Busy, "Check the network."
    what = f"Cannot read {address}: {said}"
    failed = kind(f"{what}. {advice} What was committed is kept; run the command again to go on.")
    if isinstance(failed, _Away):
        failed.what = what
    return failed


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it: a client may hide the true one in a general one."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _asks_for_another_try(status: int) -> bool:
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return False
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _may_not_be_read(error: PermissionError) -> PermissionError:
    why = f"{error.strerror}: it may be listed, but not read"
    return PermissionError(error.errno, why, error.filename)


def _changed(address: str) -> OSError:
    return OSError(errno.ESTALE, "it has changed since it was listed", address)
