"""One colour per class, the same wherever the class is shown. Knows names, not charts."""

import hashlib
import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from trainer.data.labels import normalize_label

# The hues people expect. All colours have a contrast of at least 3 with white and with #111827 (WCAG 1.4.11), which leaves a narrow
# band of lightness. Within it they maximize the smallest OKLab distance for normal, deuteranopic and protanopic vision
# (matrices of Machado et al. 2009).
_AMBER, _PINK, _BLUE, _RED, _VIOLET = "#CC8200", "#E64FB0", "#2D96EE", "#CB2420", "#7048E8"
_TEAL, _GREEN, _GREY = "#0B7A6C", "#65A058", "#748498"
_EXPECTED = {
    _AMBER: "joy happiness happy joyful amusement amused optimism excitement excited",
    _PINK: "love loving affection caring admiration romance romantic",
    _BLUE: "sadness sad sorrow grief unhappy depression",
    _RED: "anger angry rage annoyance mad hate negative spam toxic",
    _VIOLET: "fear fearful afraid scared anxiety worry nervousness",
    _TEAL: "surprise surprised astonishment amazement positive ham",
    _GREEN: "disgust disgusted",
    _GREY: "neutral none other mixed",
}
# For all other names; the first eight are as far apart as the band allows.
_PALETTE = (
    *("#2A93F0", "#CC8411", "#B82889", "#51A197", "#6D52DC", "#D03103", "#006F95", "#617127"),
    *("#E85F71", "#329858", "#8A6552", "#78829C"),
)
_FARTHEST = 8


def class_colours(label_names: Sequence[str]) -> tuple[str, ...]:
    """One "#RRGGBB" per class, by its name: the order of the list does not matter, nor do case, Unicode form, blanks, "_" and "-".

    Well-known emotions and sentiments have the expected hue, by their English name; of two synonyms the more usual one gets it. Any
    other name has its own place in a colour-blind-safe palette, or the next free one if two names have the same place. Several spellings
    of one class share a hue: the first has the class's colour, the others shades of it, and no other class changes when they are merged.
    The first 500 classes all have different colours.
    """
    keys = [_key(name) for name in label_names]
    by_key = _expected(set(keys))
    by_key |= _chosen(sorted(set(keys) - by_key.keys(), key=_hash), set(by_key.values()))
    used, seen, colours = set(by_key.values()), set(), []
    for key in keys:
        colour = by_key[key]
        if key in seen:
            colour = _shade(by_key[key], used)
        seen.add(key)
        used.add(colour)
        colours.append(colour)
    return tuple(colours)


def _shade(colour: str, used: set[str]) -> str:
    """A colour near ``colour`` that differs visibly from it."""
    shades = (_variation(colour, turn) for turn in itertools.count(1))
    return next(shade for shade in shades if shade not in used and _distance(shade, colour) > 0.03)


def _key(name: str) -> str:
    """The common form of the spellings of one class."""
    return " ".join(normalize_label(str(name)).replace("_", " ").replace("-", " ").split())


def _hash(key: str) -> int:
    # Python's hash differs between processes.
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _expected(keys: set[str]) -> dict[str, str]:
    matches = ((colour, next((word for word in names.split() if word in keys), None)) for colour, names in _EXPECTED.items())
    return {word: colour for colour, word in matches if word is not None}


def _chosen(keys: Sequence[str], reserved: set[str]) -> dict[str, str]:
    """A colour for each key (sorted by hash), none of them in ``reserved`` or too similar to one in it."""
    pool = _pool(len(keys), reserved)
    chosen: dict[str, str] = {}
    free = list(pool)
    # First the keys whose place is free, then the others, so that these displace nobody else.
    for key in keys:
        if (colour := pool[_hash(key) % len(pool)]) in free:
            chosen[key] = colour
            free.remove(colour)
    for key in keys:
        if key not in chosen:
            start = _hash(key) % len(pool)
            colour = next(c for c in (*pool[start:], *pool[:start]) if c in free)
            chosen[key] = colour
            free.remove(colour)
    return chosen


def _pool(n: int, reserved: Iterable[str]) -> list[str]:
    """Colours for at least ``n`` names: the few that are farthest apart, or the whole palette, then lighter, darker and turned variations."""
    free = [c for c in _PALETTE if all(_distance(c, other) > 0.09 for other in reserved)]
    if n <= (farthest := sum(c in _PALETTE[:_FARTHEST] for c in free)):
        return free[: max(farthest, 1)]
    turn = 0
    while len(free) < n:
        turn += 1
        free += [c for c in (_variation(base, turn) for base in _PALETTE) if c not in reserved and c not in free]
    return free


def _variation(colour: str, turn: int) -> str:
    """``colour`` a little lighter or darker, readable on white and on dark, and from the third turn on in another hue."""
    lightness, a, b = _oklab(colour)
    middle = (lightness, 0.66, 0.53)[turn % 3]
    angle = math.radians(11 * ((turn + 1) // 3))
    turned = (a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle))
    return _hex((0.4 * lightness + 0.6 * middle, *turned))


# Ottosson 2020, "A perceptual color space for image processing": linear sRGB -> cone responses -> OKLab.
_TO_CONES = np.array([[0.412221, 0.536333, 0.051446], [0.211903, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]])
_TO_LAB = np.array([[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]])


def _oklab(colour: str) -> np.ndarray:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return _TO_LAB @ np.cbrt(_TO_CONES @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4))


def _hex(lab: tuple[float, float, float]) -> str:
    linear = np.clip(np.linalg.solve(_TO_CONES, np.linalg.solve(_TO_LAB, lab) ** 3), 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(float(c) * 255):02X}" for c in rgb)


def _distance(a: str, b: str) -> float:
    return float(np.linalg.norm(_oklab(a) - _oklab(b)))
