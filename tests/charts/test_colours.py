"""Colours of classes: expected hues, distinct, readable on light and dark, distinguishable for the colour-blind."""

import math
import re

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from trainer.charts import colours
from trainer.charts.colours import class_colours

EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def hue(colour):
    _, a, b = colours._oklab(colour)
    return math.degrees(math.atan2(b, a)) % 360


def test_emotions_get_the_hues_people_expect_in_any_order_and_case():
    given = dict(zip(EMOTIONS, class_colours(EMOTIONS), strict=True))
    around = {"joy": 72, "love": 345, "sadness": 250, "anger": 28, "fear": 288, "surprise": 182}
    for name, angle in around.items():
        assert abs((hue(given[name]) - angle + 180) % 360 - 180) < 15, name
    assert class_colours(["Surprise", " JOY "]) == (given["surprise"], given["joy"])
    assert class_colours(["happiness"]) == (given["joy"],)
    assert colours._oklab(class_colours(["neutral"])[0])[1:] == pytest.approx([0, 0], abs=0.05)


def test_two_synonyms_do_not_share_a_colour():
    joy, happiness = class_colours(["joy", "happiness"])
    assert colours._distance(joy, happiness) > 0.09


@pytest.mark.parametrize("others", [("joy", "sadness"), ("billing", "returns", "sizes"), tuple(f"intent {i}" for i in range(40))])
def test_merging_spellings_changes_no_colour(others):
    spelt = ("Shipping_Cost", *others, "shipping cost", " SHIPPING-COST", "ｓhipping cost")
    many, merged = class_colours(spelt), class_colours(("Shipping_Cost", *others))
    assert many[: len(merged)] == merged
    assert len(set(many)) == len(many)
    # They are shades of one hue, and yet apart.
    for shade in many[len(merged) :]:
        assert 0.03 < colours._distance(shade, merged[0]) < 0.2
    assert class_colours(("shipping cost", *others))[0] == merged[0]


@examples(names=st.permutations(["billing", "returns", "joy", "happiness", "sizes", "Über_uns", "退货", "other"]))
def test_the_order_of_the_list_does_not_matter(names):
    known = dict(zip(sorted(names), class_colours(sorted(names)), strict=True))
    assert dict(zip(names, class_colours(names), strict=True)) == known


def test_a_name_keeps_its_colour_where_no_other_wants_it():
    alone = {name: class_colours([name])[0] for name in map("class {}".format, range(40))}
    assert len(set(alone.values())) > 5
    for name, colour in list(alone.items())[1:]:
        first = class_colours(["class 0"])[0]
        if colour != first:
            assert class_colours(["class 0", name]) == (first, colour)


@examples(names=st.lists(st.text(max_size=6), max_size=12))
def test_any_names_have_distinct_colours(names):
    assert len(set(class_colours(names))) == len(names)


@examples(names=st.lists(st.sampled_from([*EMOTIONS, "neutral", "disgust", "spam", "ham", "happy", "a", "b", "c", "d", "e"]), unique=True))
def test_colours_are_deterministic_distinct_and_readable_in_light_and_dark(names):
    given = class_colours(names)
    assert given == class_colours(names)
    assert len(set(given)) == len(names)
    for colour in given:
        assert re.fullmatch("#[0-9A-F]{6}", colour)
        if len(names) <= 12:
            assert contrast(colour, "#FFFFFF") >= 2.9
            assert contrast(colour, "#111827") >= 2.9


def test_five_hundred_classes_have_five_hundred_colours_of_middle_lightness():
    given = class_colours([str(i) for i in range(500)])
    assert len(set(given)) == 500
    assert min(contrast(c, "#FFFFFF") for c in given) > 2.2
    assert min(contrast(c, "#111827") for c in given) > 2.2


@pytest.mark.parametrize("names", [EMOTIONS, tuple("abcdefgh")])
def test_colours_stay_apart_for_the_colour_blind(names):
    # Machado, Oliveira & Fernandes 2009, severity 1.0: protanopia and deuteranopia, on linear RGB.
    sights = (
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    )
    for sight in sights:
        seen = []
        for colour in class_colours(names):
            channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
            linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
            seen.append(colours._TO_LAB @ np.cbrt(colours._TO_CONES @ np.clip(np.array(sight) @ linear, 0, 1)))
        # 0.02 is about the least difference that can be seen; 0.05 is plain to see.
        assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]) > 0.05
