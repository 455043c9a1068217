"""Which user of the machine runs the server. PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from sparkify.errors import ServerError

OWN_NAME = "sparkify"


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that make a child another user's."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A user of the machine."""

    name: str
    uid: int
    gid: int

    @property
    def run_as(self) -> RunAs:
        """What to give `subprocess` so that a child runs as this user, and with no group of the caller's."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Make a new private folder for this user; its parent exists and is ours."""
        folder.mkdir(mode=0o700)
        if self.uid != os.geteuid():
            os.chown(folder, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user reaches a folder. Asked of the kernel, so that ACLs and the like count."""
        if self.uid == os.geteuid():
            return os.access(folder, os.X_OK)
        probe = ["/bin/sh", "-c", 'cd "$0"', str(folder)]
        return not subprocess.run(probe, capture_output=True, check=False, cwd="/", **self.run_as).returncode


def server_account(data: Path) -> Account:
    """The user that runs the server whose data folder is `data`, which may not exist yet.

    Whoever is not root runs it themselves. For root it is the owner of the data; for new data the system user
    `sparkify` or, failing that, `postgres`; where neither exists `sparkify` is created.

    Raises ServerError when that user may not or cannot exist.
    """
    euid = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if euid != 0:
        if owner not in (None, euid):
            raise ServerError(
                f"{data} belongs to another user ({user_name(owner)}). Set SPARKIFY_HOME to a folder of your own, "
                "or connect to a server with --dsn."
            )
        return _account(euid)
    if owner == 0:
        raise ServerError(
            f"{data} belongs to root, and PostgreSQL does not run as root. If it is a copy of a data folder, "
            "give it to the user it came from (chown -R); else remove it or choose another SPARKIFY_HOME."
        )
    if owner is not None:
        return _account(owner)
    return _named(OWN_NAME) or _named("postgres") or _create()


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise ServerError(
            f"User id {uid} has no name on this machine, and PostgreSQL does not run without one. "
            "Run as a user listed in /etc/passwd, or connect to a server with --dsn."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry.pw_uid else None


def user_name(uid: int) -> str:
    """What to call a user in a message."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def _create() -> Account:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/bin/false", OWN_NAME]
    path = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}  # cron's own leaves out where useradd is
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, env=path).stderr.strip()
    except OSError as error:
        said = str(error)
    # Asked again rather than trusting the exit code: another program may have just created it.
    created = _named(OWN_NAME)
    if created is None:
        raise ServerError(
            "PostgreSQL does not run as root, and no unprivileged user could be created for it "
            f"({said}). Create a system user named {OWN_NAME}, or run sparkify as another user."
        )
    return created
