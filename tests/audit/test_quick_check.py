from dataclasses import replace

import pytest

from tests.audit.examples import clean_rows, corpus_of, planted
from trainer.audit.out_of_fold import AuditStopped
from trainer.audit.quick_check import quick_check


def test_planted_errors_come_first_with_the_right_label():
    corpus, wrong = planted(300, 15)
    result = quick_check(corpus)
    first = result.ranked[:15]
    assert len({suspect.row for suspect in first} & wrong) >= 14
    texts, labels = clean_rows(300)
    assert all(suspect.suggested == labels[suspect.row] for suspect in result.suspects if suspect.row in wrong)
    assert all(suspect.text == texts[suspect.row] and suspect.line == suspect.row + 2 for suspect in first)
    assert {suspect.row for suspect in result.ranked} == set(range(300))
    assert result.suspects
    assert {suspect.row for suspect in result.suspects} <= wrong


def test_same_corpus_and_seed_give_the_same_result():
    corpus, _ = planted(120, 6)
    first, second = (replace(quick_check(corpus, seed=3), seconds=0.0) for _ in range(2))
    assert first == second


def test_progress_grows_and_a_stop_ends_the_check():
    corpus, _ = planted(60, 3)
    seen: list[float] = []
    quick_check(corpus, on_progress=lambda what, done: seen.append(done))
    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] <= 1
    with pytest.raises(AuditStopped):
        quick_check(corpus, should_stop=lambda: True)


def test_the_same_text_with_another_label_is_named_with_its_line():
    texts, labels = clean_rows(90)
    texts.append(texts[0].upper() + "!")
    labels.append("anger" if labels[0] != "anger" else "joy")
    result = quick_check(corpus_of(texts, labels))
    suspect = next(suspect for suspect in result.ranked if suspect.row == 90)
    assert f"The same text is {labels[0]} in line 2." in suspect.why
    assert "same text" in suspect.signals
    assert suspect.row in {suspect.row for suspect in result.suspects}


def test_texts_with_two_labels_prove_that_some_are_wrong():
    texts, labels = clean_rows(200)
    # Whatever the models say of them.
    texts += ["the same thing"] * 10
    labels += ["joy", "anger"] * 5
    assert quick_check(corpus_of(texts, labels)).noise.low >= 5 / 210
