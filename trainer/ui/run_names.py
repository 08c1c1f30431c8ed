"""Titles of runs: file and level ("sample emotions, balanced"), and the friendly name if several runs share them."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from trainer.runs.view import RunView
from trainer.text_format import pluralize, with_part

_COMPRESSED = re.compile(r"\.(gz|bz2|xz|zst|zip)$", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[a-z][a-z0-9]{1,6}$", re.IGNORECASE)
_BLANKS = re.compile(r"[\s_-]+")


def title(view: RunView) -> str:
    """The name that the user gave the run, or else its file and level: "sample emotions, quick look"."""
    file = source_title(view)
    more_epochs = f" + {pluralize(view.more_epochs, 'epoch')}" if view.more_epochs else ""
    return view.name if view.renamed or not file else f"{file}, {view.level.lower() or 'own settings'}{more_epochs}"


def parent_sentence(view: RunView, titles: Mapping[str, str]) -> str:
    """Which run a child run continues: "continues sample emotions, balanced"; empty for any other run."""
    return f"continues {titles.get(view.parent, view.parent_name)}" if view.parent else ""


def titles(views: Sequence[RunView]) -> list[str]:
    """The titles of the runs, with a suffix if several runs share one.

    The suffix is the friendly name ("sample emotions, balanced (brisk otter)"), or else the file, the start time, both, or the first characters
    of the id.
    """
    names = [title(view) for view in views]
    for indices in _duplicates(names):
        for i, suffix in zip(indices, _suffixes([views[i] for i in indices]), strict=True):
            names[i] = f"{names[i]} ({suffix})"
    # The user may have given a run a name that another one got with its suffix.
    for indices in _duplicates(names):
        for i in indices:
            names[i] = f"{names[i]} ({views[i].id[:8]})"
    return names


def titles_by_id(views: Sequence[RunView]) -> dict[str, str]:
    """The runs' titles by the runs' ids."""
    return dict(zip((view.id for view in views), titles(views), strict=True))


def title_of(run_id: str, views: Sequence[RunView]) -> str:
    """The title of one of the runs; empty if it is not among them."""
    return titles_by_id(views).get(run_id, "")


def by_file(views: Sequence[RunView]) -> list[tuple[str, list[RunView]]]:
    """The runs grouped by file name: the file with the newest run first, and the newest run of each file first."""
    files: dict[str, list[RunView]] = defaultdict(list)
    for view in sorted(views, key=lambda view: view.created, reverse=True):
        files[view.source_name].append(view)
    return list(files.items())


def source_title(view: RunView) -> str:
    """The title of a run's file with the part that was read: "survey › answers"."""
    return with_part(file_title(view.source_name), file_title(view.source_part))


def file_title(name: str) -> str:
    """The title of a file: "sample_emotions.csv" -> "sample emotions"."""
    stem = _COMPRESSED.sub("", name)
    return _BLANKS.sub(" ", _EXTENSION.sub("", stem) or stem).strip()


def _duplicates(names: Sequence[str]) -> list[list[int]]:
    """The indices of each name that occurs more than once."""
    indices: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        indices[name].append(i)
    return [group for group in indices.values() if len(group) > 1]


def _suffixes(views: Sequence[RunView]) -> Sequence[str]:
    candidates = zip(*map(_distinguishing_facts, views), strict=True)
    return next((facts for facts in candidates if len(set(facts)) == len(views)), [view.id[:8] for view in views])


def _distinguishing_facts(view: RunView) -> tuple[str, ...]:
    """What may distinguish a run from others with the same title, the shortest first."""
    start = datetime.fromtimestamp(view.created, UTC)
    minute = f"{start:%d %b %Y, %H:%M} UTC"
    return view.name, view.source_name, minute, f"{start:%d %b %Y, %H:%M:%S} UTC", f"{view.source_name}, {minute}"
