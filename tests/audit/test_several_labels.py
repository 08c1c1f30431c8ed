"""The check of texts that have several labels: planted mistakes of both kinds are found with their reasons, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from tests.several_labels import several_labels_corpus
from trainer.audit.checks_by_task import LABEL_CHECKS
from trainer.audit.out_of_fold import N_FOLDS, AuditStopped
from trainer.audit.suspects import AuditResult
from trainer.data.corpus import Corpus
from trainer.data.task import SEVERAL_LABELS

ROWS, WRONG = 180, range(0, 180, 15)


def check(corpus: Corpus, learned: np.ndarray | None = None, *, stop: bool = False, deep: np.ndarray | None = None) -> AuditResult:
    of_task = LABEL_CHECKS[corpus.task.key]
    learned = np.ones(len(corpus), dtype=bool) if learned is None else learned
    evidence = of_task.gather(corpus, learned, seed=0, on_progress=lambda what, done: None, should_stop=lambda: stop)
    if deep is not None:
        evidence = of_task.deepen(corpus, evidence, deep, min_texts=N_FOLDS)
    return of_task.build(corpus, evidence, seconds=lambda: 0.0)


def planted() -> tuple[Corpus, Corpus]:
    """A corpus, and the same one in which texts miss a label or have one too many, in turns."""
    clean = several_labels_corpus(ROWS)
    labels = clean.label_ids.copy()
    for number, row in enumerate(WRONG):
        has = labels[row] > 0
        change = np.flatnonzero(has)[0] if has.all() or (has.any() and number % 2) else np.flatnonzero(~has)[0]
        labels[row, change] = 1 - labels[row, change]
    return clean, replace(clean, label_ids=labels)


def test_missing_and_surplus_labels_are_found_and_said_in_words() -> None:
    clean, wrong = planted()
    result = check(wrong)
    found = {suspect.row: suspect for suspect in result.suspects}
    assert len(set(WRONG) & found.keys()) >= 10
    assert len(found.keys() - set(WRONG)) <= 2
    for row in set(WRONG) & found.keys():
        assert SEVERAL_LABELS.parse_written(found[row].suggested) == clean.label_sets[row]
        is_missing = wrong.label_ids[row].sum() < clean.label_ids[row].sum()
        assert ("seems to be missing" if is_missing else "may be one too many") in found[row].why
        assert "model" in found[row].signals
    assert result.verdict == "noisy"
    assert result.noise.low < len(WRONG) / ROWS < result.noise.high
    assert "of the texts seem to miss a label or to have one too many" in result.sentences[0]
    assert {not change.given for change in result.pairs} == {True, False}
    row = result.to_dict()["suspects"][0]
    assert set(row) == {"row", "text", "label", "suggested", "labels", "missing", "surplus", "score", "why"}
    assert bool(row["missing"]) != bool(row["surplus"])


def test_test_rows_are_judged_and_say_nothing_about_others() -> None:
    _, wrong = planted()
    learned = np.arange(ROWS) >= 60
    other = wrong.label_ids.copy()
    other[:60] = 1 - other[:60]
    first, second = check(wrong, learned), check(replace(wrong, label_ids=other), learned)
    scores = [{suspect.row: suspect.score for suspect in result.ranked if suspect.row >= 60} for result in (first, second)]
    assert scores[0] == scores[1]


def test_the_same_text_with_another_label_is_a_reason() -> None:
    clean = several_labels_corpus(ROWS)
    texts, labels = list(clean.texts), clean.label_ids.copy()
    for copy in (1, 2, 3):
        texts[copy], labels[copy] = texts[0].upper(), labels[0]
    labels[0, 0] = 1 - labels[0, 0]
    result = check(replace(clean, texts=tuple(texts), label_ids=labels))
    suspect = next(suspect for suspect in result.suspects if suspect.row == 0)
    assert "in line 3" in suspect.why
    assert suspect.signals[0] == "same text"


def test_a_label_on_too_few_texts_is_not_checked_and_shuffled_labels_are_called_so() -> None:
    clean = several_labels_corpus(ROWS)
    rare = np.zeros((ROWS, 1), dtype=np.int64)
    rare[:3] = 1
    shuffled = np.random.default_rng(0).permutation(clean.label_ids)
    result = check(replace(clean, label_ids=np.hstack([shuffled, rare]), label_names=(*clean.label_names, "zeal")))
    assert result.notes == (
        "“zeal” is on fewer than 5 different texts, or missing on as few: too few to learn from, so this label is not checked.",
    )
    assert (result.verdict, result.n_suspects) == ("random", 0)


def test_it_stops() -> None:
    with pytest.raises(AuditStopped):
        check(several_labels_corpus(60), stop=True)


def test_another_model_that_knows_better_decides_in_a_deep_check() -> None:
    clean, wrong = planted()
    knows = np.clip(clean.label_ids, 0.02, 0.98)
    result = check(wrong, deep=knows)
    found = {suspect.row for suspect in result.suspects}
    assert found <= set(WRONG)
    assert len(found) >= len(WRONG) - 1
    assert [SEVERAL_LABELS.parse_written(suspect.suggested) for suspect in result.suspects] == [
        clean.label_sets[suspect.row] for suspect in result.suspects
    ]
    guesses = check(wrong, deep=np.random.default_rng(0).random(knows.shape))
    assert len({suspect.row for suspect in guesses.suspects} ^ {suspect.row for suspect in check(wrong).suspects}) <= 3
