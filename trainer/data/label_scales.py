"""Whether the labels of a file are steps of a scale (stars, grades, how much somebody agrees), and in which order.

Knows only their names; what an order is good for is evaluation/ordered.py's.
"""

import re
from collections.abc import Sequence

from trainer.data.labels import normalize_label

_MIN_STEPS = 3
"""Two classes have no distances but one."""
_SCALES = tuple(
    tuple(step.split("/") for step in scale.split(" < "))
    for scale in (
        "very negative/strongly negative < negative/somewhat negative < neutral/mixed < positive/somewhat positive < very positive/strongly positive",
        "terrible/awful < very bad/very poor < bad/poor < average/ok/okay/fair/neutral/acceptable/medium < good < very good < excellent/great/outstanding",
        "very low < low < medium/moderate/middle/normal < high < very high/critical/urgent",
        "none < minor/mild/slight < moderate/medium < major/severe < critical/very severe/extreme",
        "never < rarely/seldom < sometimes/occasionally < often/frequently < very often/usually < always",
        "strongly disagree < disagree/somewhat disagree < neutral/neither/undecided/neither agree nor disagree < agree/somewhat agree < strongly agree",
        "very dissatisfied < dissatisfied < neutral < satisfied < very satisfied",
        "very unlikely < unlikely < neutral/possible/maybe < likely < very likely",
        "very easy < easy < medium/moderate/intermediate < hard/difficult < very hard/very difficult",
        "beginner < elementary < intermediate < advanced < expert/proficient",
        "a1 < a2 < b1 < b2 < c1 < c2",
    )
)
"""From the lowest step to the highest; steps between may be missing. Different words for one step are not both used in one file."""
_GRADES = "fedcba"
_NUMBER = re.compile(r"((?<![\d.,])[+-]?\d+(?:[.,]\d+)?)")
_UNIT = re.compile(
    r"(stars?|sterne?|étoiles?|estrellas?|points?|punkte?|/\s?(5|10)|out of (5|10)|von (5|10)|sur (5|10)|★|⭐)", re.IGNORECASE
)


def find_scale(label_names: Sequence[str]) -> tuple[int, ...] | None:
    """The positions of the labels from the lowest step to the highest if their names say that they are steps of a scale; else None.

    Bare numbers and single letters do not say so: they may as well stand for names. ``order_if_said`` has their order.
    """
    names = [normalize_label(name) for name in label_names]
    if len(names) < _MIN_STEPS:
        return None
    stars = [name.count("★") + name.count("⭐") for name in names]
    if all(set(name) <= set("★⭐☆ ") and n for name, n in zip(names, stars, strict=True)) and len(set(stars)) == len(names):
        return tuple(sorted(range(len(names)), key=stars.__getitem__))
    order = numeric_order(label_names)
    if order is not None and all(_UNIT.search(name) for name in names):
        return order
    steps = [_steps(names, scale) for scale in _SCALES]
    return next((order for order in steps if order is not None), None)


def numeric_order(label_names: Sequence[str]) -> tuple[int, ...] | None:
    """The positions of the labels by the number that each of them holds; None if one holds none or several, two hold the same, or there are two labels."""
    numbers = []
    for name in label_names:
        found = _NUMBER.findall(re.sub(r"(/|out of|von|sur)\s?(5|10)\b", "", name))
        if len(found) != 1:
            return None
        numbers.append(float(found[0].replace(",", ".")))
    if len(numbers) < _MIN_STEPS or len(set(numbers)) < len(numbers):
        return None
    return tuple(sorted(range(len(numbers)), key=numbers.__getitem__))


def order_if_said(label_names: Sequence[str]) -> tuple[int, ...] | None:
    """The order of labels that are a scale only if somebody says so: numbers, and the grades F to A as letters; None for other labels."""
    grades = _steps([normalize_label(name) for name in label_names], _GRADES) if len(label_names) >= _MIN_STEPS else None
    return numeric_order(label_names) or grades


def _steps(names: Sequence[str], scale: Sequence[Sequence[str]]) -> tuple[int, ...] | None:
    place = {word: number for number, words in enumerate(scale) for word in words}
    places = [place.get(name) for name in names]
    if None in places or len(set(places)) < len(places):
        return None
    return tuple(sorted(range(len(places)), key=lambda position: places[position]))
