"""What a program is lent and given: made such that its user can read and write it."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.sandbox import folders
from handlers.sandbox.users import User
from handlers.sandbox.values import Mount


def prepare(mounts: Sequence[Mount], user: User) -> None:
    """Let the program's user read what is mounted, and write what is writable."""
    for mount in mounts:
        if mount.writable:
            folders.hand_over(mount.source, user.uid, user.gid)
        else:
            folders.lend(mount.source, user.gid)
