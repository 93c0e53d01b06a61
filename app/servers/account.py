"""The account that private servers run as: Postgres refuses to be root, so root steps down."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An existing account; nothing here ever creates one."""

    name: str
    uid: int
    gid: int

    def popen(self) -> _Identity:
        """The arguments that make subprocess drop to this account, supplementary groups included."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_enter(self, folder: Path) -> bool:
        """Whether it can reach into the folder; asked of the kernel, since modes do not tell about ACLs."""
        return self._succeeds(["/bin/sh", "-c", 'test -x "$0"', str(folder)])

    def may_run(self, program: Path) -> bool:
        """Whether it can execute the program with everything the program loads."""
        return self._succeeds([str(program), "--version"])

    def own(self, path: Path) -> None:
        """Give it the file or folder."""
        os.chown(path, self.uid, self.gid)

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(  # noqa: S603 - our own argument list, no shell
                command, cwd="/", capture_output=True, timeout=30, check=False, **self.popen()
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def account_for(checkout: Path) -> Account | None:
    """Whom to step down to: None for a plain user, else the checkout's owner, else `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = checkout.stat().st_uid
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
