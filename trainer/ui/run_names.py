"""What runs are called: the file and the level first ("sample emotions, balanced"), the friendly name where that does not tell them apart.

Words only; where they stand is the pages' business.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from trainer.runs.view import RunView
from trainer.text_format import pluralize

_PACKED = re.compile(r"\.(gz|bz2|xz|zst|zip)$", re.IGNORECASE)
_ENDING = re.compile(r"\.[a-z][a-z0-9]{1,6}$", re.IGNORECASE)
_BLANKS = re.compile(r"[\s_-]+")


def title(view: RunView) -> str:
    """The name that a person gave the run; else its file and its level: "sample emotions, quick look"."""
    file = file_words(view.source_name)
    more = f" + {pluralize(view.more_epochs, 'epoch')}" if view.more_epochs else ""
    return view.name if view.renamed or not file else f"{file}, {view.level.lower() or 'own settings'}{more}"


def came_from(view: RunView, titles: Mapping[str, str]) -> str:
    """Which run's training a child run goes on with: "goes on from sample emotions, balanced"; empty for any other."""
    return f"goes on from {titles.get(view.parent, view.parent_name)}" if view.parent else ""


def titles(views: Sequence[RunView]) -> list[str]:
    """The runs' titles; behind those that several have, what tells them apart.

    That is the friendly name ("sample emotions, balanced (brisk otter)"), else the file, the time of the start, both, or the first letters of
    their ids.
    """
    names = [title(view) for view in views]
    for places in _shared(names):
        for at, difference in zip(places, _differences([views[at] for at in places]), strict=True):
            names[at] = f"{names[at]} ({difference})"
    # A person may have given a run the very words that tell two others apart.
    for places in _shared(names):
        for at in places:
            names[at] = f"{names[at]} ({views[at].id[:8]})"
    return names


def titles_by_id(views: Sequence[RunView]) -> dict[str, str]:
    """The runs' titles by the runs' ids."""
    return dict(zip((view.id for view in views), titles(views), strict=True))


def title_of(run_id: str, views: Sequence[RunView]) -> str:
    """The title of one run among all of them; empty where it is not there."""
    return titles_by_id(views).get(run_id, "")


def by_file(views: Sequence[RunView]) -> list[tuple[str, list[RunView]]]:
    """The runs of each file, by its name; the file with the newest run first, in each the newest run first."""
    files: dict[str, list[RunView]] = defaultdict(list)
    for view in sorted(views, key=lambda view: view.created, reverse=True):
        files[view.source_name].append(view)
    return list(files.items())


def file_words(name: str) -> str:
    """A file's name as words: "sample_emotions.csv" -> "sample emotions"."""
    whole = _PACKED.sub("", name)
    return _BLANKS.sub(" ", _ENDING.sub("", whole) or whole).strip()


def _shared(names: Sequence[str]) -> list[list[int]]:
    """The places of each name that stands at several."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(names):
        places[name].append(at)
    return [found for found in places.values() if len(found) > 1]


def _differences(namesakes: Sequence[RunView]) -> Sequence[str]:
    ways = zip(*map(_facets, namesakes), strict=True)
    return next((way for way in ways if len(set(way)) == len(namesakes)), [view.id[:8] for view in namesakes])


def _facets(view: RunView) -> tuple[str, ...]:
    """What may tell a run from another one of its title, the shortest first."""
    start = datetime.fromtimestamp(view.created, UTC)
    minute = f"{start:%d %b %Y, %H:%M} UTC"
    return view.name, view.source_name, minute, f"{start:%d %b %Y, %H:%M:%S} UTC", f"{view.source_name}, {minute}"
