"""Scores of groups of rows, and which of them are surely worse."""

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact

from trainer.evaluation.subgroups import LENGTH, find_subgroups, holm


def test_a_group_is_scored_and_compared_with_all_others() -> None:
    rng = np.random.default_rng(0)
    source = rng.choice(["web", "phone", "post"], 600, p=[0.6, 0.35, 0.05])
    right = rng.random(600) < np.where(source == "phone", 0.6, 0.9)
    groups = find_subgroups(right, {"source": source.tolist()}, np.full(600, 7))
    assert [group.column for group in groups] == ["source"] * 3
    phone = groups[0]
    inside, outside = right[source == "phone"], right[source != "phone"]
    wilson = binomtest(int(inside.sum()), len(inside)).proportion_ci(method="wilson")
    assert (phone.value, phone.rows) == ("phone", len(inside))
    assert (phone.accuracy.value, phone.accuracy.low, phone.accuracy.high) == pytest.approx(
        (inside.mean(), wilson.low, wilson.high), abs=1e-12
    )
    raw = fisher_exact([[inside.sum(), (~inside).sum()], [outside.sum(), (~outside).sum()]]).pvalue
    assert phone.p_value == pytest.approx(3 * raw, abs=1e-12)
    assert [group.value for group in groups if group.is_worse] == ["phone"]
    assert phone.sentence.startswith("Rows with source “phone” are surely harder: ")


def test_groups_that_differ_by_chance_alone_are_hardly_ever_called_worse() -> None:
    rng = np.random.default_rng(1)
    wrongly = 0
    for _ in range(100):
        columns = {name: rng.integers(0, 5, 300).astype(str).tolist() for name in "abc"}
        wrongly += any(g.is_worse for g in find_subgroups(rng.random(300) < 0.8, columns, rng.integers(1, 30, 300)))
    assert wrongly <= 5


def test_in_folds_a_group_is_tested_like_fewer_rows() -> None:
    groups = np.repeat(["a", "b"], 200).tolist()
    right = np.concatenate([np.arange(200) < 160, np.arange(200) < 178])
    alone, in_folds = (find_subgroups(right, {"source": groups}, np.full(400, 7), design_effect=effect)[0] for effect in (1.0, 2.25))
    assert alone.is_worse
    assert not in_folds.is_worse
    assert in_folds.p_value == pytest.approx(2 * fisher_exact([[71, 18], [79, 10]]).pvalue)


def test_groups_by_length_cover_all_rows_from_short_to_long() -> None:
    words = np.arange(1, 101)
    groups = find_subgroups(words < 90, {}, words)
    assert [(group.column, group.value, group.rows) for group in groups] == [
        (LENGTH, "1 to 25 words", 25),
        (LENGTH, "26 to 50 words", 25),
        (LENGTH, "51 to 75 words", 25),
        (LENGTH, "76 to 100 words", 25),
    ]
    assert [group.is_worse for group in groups] == [False, False, False, True]
    assert groups[3].sentence.startswith("Texts of 76 to 100 words are surely harder")
    assert find_subgroups(words < 90, {}, np.full(100, 5)) == ()
    assert find_subgroups(words[:30] < 20, {"one": ["x"] * 30, "few": ["a"] * 25 + ["b"] * 5}, words[:30]) == ()


def test_holm_is_as_in_his_paper() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
