"""Choose the system user that runs the server: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from sparkify.errors import ServerError

OWN_NAME = "sparkify"


class RunAs(TypedDict, total=False):
    """Arguments of `subprocess.Popen` that run a child as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A system user."""

    name: str
    uid: int
    gid: int

    @property
    def run_as(self) -> RunAs:
        """Arguments for `subprocess` that run a child as this user, in none of the caller's groups."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Make a new private folder for this user, in an existing folder of ours."""
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # whatever the umask
        if self.uid != os.geteuid():
            os.chown(folder, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can enter a folder. The kernel is asked, so that ACLs count too."""
        if self.uid == os.geteuid():
            return os.access(folder, os.X_OK)
        probe = ["/bin/sh", "-c", 'cd "$0"', str(folder)]
        return not subprocess.run(probe, capture_output=True, check=False, cwd="/", **self.run_as).returncode


def server_account(data: Path) -> Account:
    """The user to run the server as; its data folder `data` may not exist yet.

    A user other than root runs it as themselves. Root runs it as the owner of the data. For new data that is
    the system user `sparkify`, else `postgres`; if neither exists, `sparkify` is created.

    Raises ServerError if the data belongs to another user or to root, or no user can be created.
    """
    euid = os.geteuid()
    owner = data.stat().st_uid if data.exists() else None
    if euid != 0:
        if owner not in (None, euid):
            raise ServerError(
                f"{data} belongs to another user ({user_name(owner)}). Set SPARKIFY_HOME to a folder of your "
                "own, or connect to a server with --dsn."
            )
        return _account(euid)
    if owner == 0:
        raise ServerError(
            f"{data} belongs to root, and PostgreSQL does not run as root. If it is a copy of a data folder, "
            "give it to the user it came from (chown -R); else remove it, or choose another SPARKIFY_HOME."
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
    """The name of a user, for a message."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"


def _create() -> Account:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/bin/false", OWN_NAME]
    path = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}  # cron's PATH lacks the folder of useradd
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, env=path).stderr.strip()
    except OSError as error:
        said = str(error)
    # Look again instead of trusting the exit code: another program may have created the user meanwhile.
    created = _named(OWN_NAME)
    if created is None:
        raise ServerError(
            "PostgreSQL does not run as root, and no unprivileged user could be created for it "
            f"({said}). Create a system user named {OWN_NAME}, or run sparkify as another user."
        )
    return created
