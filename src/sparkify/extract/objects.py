"""Read objects in a store: ``s3://bucket/key``, and whatever else fsspec and its packages can open.

The store's library finds credentials in its usual places (environment, files, roles). None pass through here.
"""

import errno
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sparkify.errors import StorageFailed, UsageError
from sparkify.extract.files import SUCCESS, InputFile, Kind, compression_of, ending_of
from sparkify.extract.store_errors import changed, error_of, may_not_be_read, patiently, translated

_WEB: Final = ("http", "https")

_S3_OPTIONS: Final = {
    # Allow 64 small objects in parallel. We retry; botocore must not retry each attempt, too.
    "config_kwargs": {"max_pool_connections": 64, "retries": {"total_max_attempts": 1}},
}

RANGE_BYTES: Final = 8 << 20
"""Bytes of an object to ask for at a time: more than of a file, because each request has to wait."""

_SIGNATURES: Final = (
    *("ETag", "etag", "md5Hash", "content_md5", "generation"),
    *("LastModified", "last_modified", "mtime", "created"),
)
"""Attributes in which stores identify the content of an object; the first one present counts."""


def exists(address: str) -> bool:
    """Whether there are objects below a URL.

    Raises:
        UsageError: the URL holds credentials, or fsspec cannot open such URLs here.
        StorageFailed: the store cannot be reached, or refuses access.
    """
    files, path = _open(address)
    try:
        with translated(address):
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
        with translated(root):
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
        found = patiently(address, lambda: files.ls(path, detail=True))
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
        details = patiently(address, lambda: files.info(path), answered=False)
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
            raise changed(file.path)
        return source

    def read() -> bytes:
        source.seek(start)
        return bytes(source.read(min(RANGE_BYTES, size)))

    try:
        with patiently(file.path, opened) as source:
            while size and (data := patiently(file.path, read)):
                yield data
                start, size = start + len(data), size - len(data)
        if size and start < file.size:
            raise OSError(errno.EIO, "it ends before the size that was listed", file.path)
    except PermissionError as error:
        raise may_not_be_read(error) from error


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
            error = error_of(content, file.path) if isinstance(content, Exception) else None
            if isinstance(error, StorageFailed):
                failed = error
            elif isinstance(error, PermissionError):
                found[file.path] = may_not_be_read(error)
            else:
                found[file.path] = error or content
        if failed:
            raise failed

    patiently(wanted[0].path, fetch_others)
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
        page = patiently(root, lambda: files.call_s3("list_objects_v2", **request), answered=answered)
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
