"""File permissions: other users of this computer cannot read our files. New files are created so, older ones are changed.

POSIX only. Only files and folders with our names are changed, nothing else in the runs folder.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from trainer.atomic import REMOVED_PREFIX
from trainer.runs.ids import is_id

_OTHER_USERS = 0o077
_FOLDERS = ("drafts", "jobs", "shares", "switches", "uploads")
_FILES = ("serving.lock", "users.json", "visits.json")
_TEMPORARY_PREFIXES = (".new-", REMOVED_PREFIX)


def restrict_umask() -> None:
    """Set the umask of this process and its children, so that only the owner can read new files; libraries write some, too."""
    if os.name == "posix":
        os.umask(_OTHER_USERS)


def restrict_permissions(runs_dir: Path) -> int:
    """Remove the permissions of other users from our files in the runs folder and from the folder; returns how many were changed.

    Files that disappear meanwhile or belong to another user are skipped; links are not followed.
    """
    if os.name != "posix":
        return 0
    changed = int(_restrict(os.fspath(runs_dir)))
    with suppress(OSError), os.scandir(runs_dir) as entries:
        for entry in entries:
            if is_id(entry.name) or entry.name in (*_FOLDERS, *_FILES) or entry.name.startswith(_TEMPORARY_PREFIXES):
                changed += sum(_restrict(inner.path, inner.stat(follow_symlinks=False)) for inner in _walk(entry))
    return changed


def _walk(entry: os.DirEntry) -> Iterator[os.DirEntry]:
    """The entry and everything in it, without links."""
    if entry.is_symlink():
        return
    yield entry
    if entry.is_dir(follow_symlinks=False):
        with suppress(OSError), os.scandir(entry.path) as entries:
            for inner in entries:
                yield from _walk(inner)


def _restrict(path: str, stat_result: os.stat_result | None = None) -> bool:
    """Remove the permissions of others; whether there were any. Its owner's do not change."""
    with suppress(OSError):
        mode = stat.S_IMODE((stat_result or os.stat(path)).st_mode)
        if mode & _OTHER_USERS:
            os.chmod(path, mode & ~_OTHER_USERS)
            return True
    return False
