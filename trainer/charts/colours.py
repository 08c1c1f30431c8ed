"""One colour per class, the same wherever the class is shown. Knows names only, nothing of charts."""

import math
from collections.abc import Sequence

import numpy as np

# The hues people expect. All colours here have a contrast of at least 3 with white and with #111827 (WCAG 1.4.11), which leaves a narrow
# band of lightness; within it they were placed for the largest least OKLab distance with normal, deuteranopic and protanopic sight
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
_HUE_OF = {word: colour for colour, words in _EXPECTED.items() for word in words.split()}
# For all other names; the first eight are as far apart as the band allows.
_PALETTE = (
    *("#2A93F0", "#CC8411", "#B82889", "#51A197", "#6D52DC", "#D03103", "#006F95", "#617127"),
    *("#E85F71", "#329858", "#8A6552", "#78829C"),
)


def class_colours(label_names: Sequence[str]) -> tuple[str, ...]:
    """One "#RRGGBB" per class, the same wherever the same list of names is shown.

    Well-known emotions and sentiments get the hue people expect, by their English name in any case; the first of two synonyms has it. All
    others take a colour-blind-safe palette in turn, without the colours too like those already given, then its lighter and darker and
    turned variations. No two of the first 500 classes are equal.
    """
    colours: list[str | None] = [None] * len(label_names)
    for i, name in enumerate(label_names):
        hue = _HUE_OF.get(str(name).strip().casefold())
        colours[i] = hue if hue not in colours else None
    given = {c for c in colours if c}
    free = [c for c in _PALETTE if all(_distance(c, other) > 0.09 for other in given)]
    turn = 0
    for i, colour in enumerate(colours):
        while colour is None:
            if not free:
                turn += 1
                free = [c for c in (_variation(base, turn) for base in _PALETTE) if c not in given]
                continue
            colour = free.pop(0)
        colours[i] = colour
        given.add(colour)
    return tuple(colours)


def _variation(colour: str, turn: int) -> str:
    """``colour`` a little lighter or darker, within the band readable on white and on dark, and from the third turn in another hue."""
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
