"""Nobody else on this computer may read what is kept here: new files and folders are made so, older ones are tightened.

Only where the system has such rights (POSIX). It knows the names of what is kept, and touches nothing else that lies in the folder.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from trainer.atomic import REMOVED_PREFIX
from trainer.runs.ids import is_id

_OTHERS = 0o077
_FOLDERS = ("drafts", "uploads")
_FILES = ("serving.lock",)
_HALFWAY = (".new-", REMOVED_PREFIX)


def restrict_umask() -> None:
    """From now on this process, and what it starts, makes files that only their owner may read: libraries write some, too."""
    if os.name == "posix":
        os.umask(_OTHERS)


def restrict_permissions(runs_dir: Path) -> int:
    """Take from everybody else the rights to what is kept in the runs folder, and to the folder; returns how many files and folders had some.

    What goes away meanwhile, or belongs to somebody else, is left; links are not followed.
    """
    if os.name != "posix":
        return 0
    changed = int(_tighten(os.fspath(runs_dir)))
    with suppress(OSError), os.scandir(runs_dir) as entries:
        for entry in entries:
            if is_id(entry.name) or entry.name in (*_FOLDERS, *_FILES) or entry.name.startswith(_HALFWAY):
                changed += sum(_tighten(found.path, found.stat(follow_symlinks=False)) for found in _everything(entry))
    return changed


def _everything(entry: os.DirEntry) -> Iterator[os.DirEntry]:
    """The entry, and what is within it, links left out."""
    if entry.is_symlink():
        return
    yield entry
    if entry.is_dir(follow_symlinks=False):
        with suppress(OSError), os.scandir(entry.path) as entries:
            for inner in entries:
                yield from _everything(inner)


def _tighten(path: str, facts: os.stat_result | None = None) -> bool:
    """Whether others had rights to it, which they have no longer. Its owner's stay as they are."""
    with suppress(OSError):
        mode = stat.S_IMODE((facts or os.stat(path)).st_mode)
        if mode & _OTHERS:
            os.chmod(path, mode & ~_OTHERS)
            return True
    return False
