"""Read objects in a store: ``s3://bucket/key``, and whatever else fsspec and its packages can open.

The store's library finds credentials in its usual places (environment, files, roles). None pass through here.
"""

import errno
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sparkify.errors import StorageFailed, UsageError
from sparkify.extract.files import SUCCESS, InputFile, Kind, compression_of, ending_of

_S3: Final = ("s3", "s3a")
_BARE: Final = (*_S3, "http", "https")
"""Schemes with nothing before an @ but credentials."""

_S3_OPTIONS: Final = {
    # Allow 64 small objects in parallel. s3fs retries; botocore must not retry each attempt five times, too.
    "config_kwargs": {"max_pool_connections": 64, "retries": {"total_max_attempts": 1}},
}

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


def exists(address: str) -> bool:
    """Whether there are objects below a URL.

    Raises:
        UsageError: the URL holds credentials, or fsspec cannot open such URLs here.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        with _translated(address):
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
        raise UsageError(f"There are no objects below {root}.")


def names(address: str) -> list[tuple[str, bool]]:
    """The names directly below a URL, and whether each is a folder; none when it cannot be listed.

    Raises:
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        with _translated(address):
            found = files.ls(path, detail=True)
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
        with _translated(address):
            return _input_file(kind, address, files.info(path), compression_of(address))
    except FileNotFoundError:
        return None


def blocks(file: InputFile, start: int, size: int) -> Iterator[bytes]:
    """Like `storage.blocks`, range by range, and only of the planned version of the object."""
    files, path = _open(file.path)
    with _translated(file.path):
        with files.open(path, "rb", block_size=RANGE_BYTES, cache_type="none") as source:
            details = getattr(source, "details", None) or files.info(path)
            if _signature(details) != file.etag:
                raise _changed(file.path)
            source.seek(start)
            while size and (data := source.read(min(RANGE_BYTES, size))):
                yield data
                size -= len(data)


def fetch(wanted: Sequence[InputFile]) -> dict[str, bytes | OSError]:
    """Fetch small objects of one store in parallel: the content of each, or the error.

    Raises:
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, _ = _open(wanted[0].path)
    found: dict[str, bytes | OSError] = {file.path: b"" for file in wanted if not file.size}
    with_content = [file for file in wanted if file.size]
    paths = [files._strip_protocol(file.path) for file in with_content]  # noqa: SLF001
    with _translated(wanted[0].path):
        sizes = [file.size for file in with_content]
        contents = files.cat_ranges(paths, [0] * len(paths), sizes, on_error="return") if paths else []
    for file, content in zip(with_content, contents, strict=True):
        error = _error(content, file.path) if isinstance(content, Exception) else None
        if isinstance(error, StorageFailed):
            raise error from content
        found[file.path] = error or content
    return found


def _open(address: str) -> tuple[Any, str]:
    """The file system of a URL, and the path within it."""
    scheme, _, rest = address.partition("://")
    place = rest.partition("/")[0]
    login, at, _ = place.rpartition("@")
    has_secret = scheme in _S3 and ":" in place and not place.startswith("arn:")  # a / in it cuts off the @
    if has_secret or (at and (scheme in _BARE or ":" in login)):
        raise UsageError(
            "A URL of input must hold no credentials."
            " Give them as the store's library expects, like AWS_PROFILE."
        )
    try:
        import fsspec  # noqa: PLC0415  slow to import, and not needed for local files

        kind = fsspec.get_filesystem_class(scheme)
        options = _S3_OPTIONS if scheme in _S3 else kind._get_kwargs_from_urls(address)  # noqa: SLF001
        files = fsspec.filesystem(scheme, use_listings_cache=False, **options)
        return files, kind._strip_protocol(address)  # noqa: SLF001
    except ImportError as error:
        package = "sparkify[s3]" if scheme in _S3 else "fsspec's package for it"
        raise UsageError(f"To read {scheme}:// addresses, install {package} ({error}).") from error
    # A scheme may need more than an address.
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise UsageError(f"Cannot read {scheme}:// addresses: {error}.") from error


def _pages(files: Any, path: str, root: str) -> Iterator[Iterator[tuple[str, Mapping[str, Any]]]]:
    """The address and attributes of every object below a path, on S3 page by page."""
    scheme = root.partition("://")[0]
    if scheme not in _S3:
        found = files.find(path, detail=True)
        below = files._strip_protocol(root).rstrip("/")  # noqa: SLF001
        yield ((root.rstrip("/") + name[len(below) :], details) for name, details in found.items())
        return
    bucket, prefix, _ = files.split_path(path)
    request = {"Bucket": bucket, "Prefix": f"{prefix}/" if prefix else ""}
    while True:
        page = files.call_s3("list_objects_v2", **request)
        yield ((f"{scheme}://{bucket}/{each['Key']}", each) for each in page.get("Contents", ()))
        if not page.get("IsTruncated"):
            return
        request["ContinuationToken"] = page["NextContinuationToken"]


def _input_file(kind: Kind, address: str, details: Mapping[str, Any], compression: str | None) -> InputFile:
    size = details["Size"] if "Size" in details else details["size"]
    return InputFile(kind, address, size, 0, compression, etag=_signature(details))


def _signature(details: Mapping[str, Any]) -> str:
    found = next((details[name] for name in _SIGNATURES if details.get(name)), "")
    return str(found).strip('"') or "unknown"


@contextmanager
def _translated(address: str) -> Iterator[None]:
    try:
        yield
    except (UsageError, StorageFailed):
        raise
    except Exception as error:
        raise _error(error, address) from error


def _error(error: Exception, address: str) -> OSError | StorageFailed:
    """Turn an error into one of the object (OSError) or of the whole store (StorageFailed)."""
    cause = error if hasattr(error, "response") else error.__cause__
    code = str((getattr(cause, "response", None) or {}).get("Error", {}).get("Code", ""))
    said = re.sub(r"//[^/@\s]*@", "//", " ".join(str(error).split())) or type(error).__name__
    if code not in _REFUSED:
        if isinstance(error, FileNotFoundError):
            return FileNotFoundError(errno.ENOENT, said if error.errno is None else "No such object", address)
        if isinstance(error, PermissionError):
            return PermissionError(errno.EACCES, said, address)
        expired = isinstance(error, OSError) and error.errno == errno.ESTALE
        if expired or code in _CHANGED or type(error).__name__ == "FileExpired":
            return _changed(address)
    return StorageFailed(
        f"Cannot read {address}: {said.rstrip('.')}. Check the network, the credentials and AWS_ENDPOINT_URL."
        " What was committed is kept; run the command again to go on."
    )


def _changed(address: str) -> OSError:
    return OSError(errno.ESTALE, "it has changed since it was listed", address)
