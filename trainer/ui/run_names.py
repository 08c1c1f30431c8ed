"""Names that tell runs apart. Runs are named without double, but a person may give two of them one name."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from trainer.runs.view import RunView


def distinct_names(views: Sequence[RunView]) -> list[str]:
    """The runs' names; behind those that several have, what tells them apart: the file, the time of the start, both, or the first letters of their ids."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, view in enumerate(views):
        places[view.name].append(at)
    names = [view.name for view in views]
    for name, shared in places.items():
        if len(shared) > 1:
            for at, difference in zip(shared, _differences([views[at] for at in shared]), strict=True):
                names[at] = f"{name} ({difference})"
    return names


def titles(views: Sequence[RunView]) -> list[str]:
    """The runs as a person knows them."""
    return distinct_names(views)


def _differences(namesakes: Sequence[RunView]) -> Sequence[str]:
    ways = zip(*map(_facets, namesakes), strict=True)
    return next((way for way in ways if len(set(way)) == len(namesakes)), [view.id[:8] for view in namesakes])


def _facets(view: RunView) -> tuple[str, ...]:
    """What may tell a run from another one of its name, the shortest first."""
    start = datetime.fromtimestamp(view.created, UTC)
    minute = f"{start:%d %b %Y, %H:%M} UTC"
    return view.source_name, minute, f"{start:%d %b %Y, %H:%M:%S} UTC", f"{view.source_name}, {minute}"
