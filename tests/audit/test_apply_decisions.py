"""Decisions applied to rows: the test rows stay as they are, and the split too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.data.examples import corpus_of
from trainer.audit.apply_decisions import DecisionCounts, apply_decisions, count_decisions, decided_labels
from trainer.audit.decisions import Decision, DecisionLog, Decisions
from trainer.data.corpus import join_corpora
from trainer.data.splits import Splits
from trainer.errors import UserError

CORPUS = corpus_of(("a", "joy"), ("b", "love"), ("c", "joy"), ("d", "fear"), ("e", "love"), ("f", "joy"))
SPLITS = Splits(np.array([0, 1, 3]), np.array([2]), np.array([4, 5]), np.array([], dtype=np.int64), ())


def decisions_of(*rows: Decision, **others) -> Decisions:
    return Decisions({row.key: row for row in rows}, **others)


def relabel(row: int, after: str, text: str) -> Decision:
    return Decision(row, "relabel", CORPUS.labels[row], after, text=text)


def drop(row: int, text: str) -> Decision:
    return Decision(row, "drop", CORPUS.labels[row], "", text=text)


def test_training_and_validation_rows_change_and_test_rows_do_not() -> None:
    decisions = decisions_of(relabel(1, "joy", "b"), relabel(2, "fear", "c"), relabel(5, "fear", "f"), drop(4, "e"), drop(0, "a"))
    corpus, splits = apply_decisions(CORPUS, SPLITS, decisions)
    assert list(zip(corpus.texts, corpus.labels, strict=True)) == [("b", "joy"), ("c", "fear"), ("d", "fear"), ("e", "love"), ("f", "joy")]
    assert [part.tolist() for part in (splits.train, splits.validation, splits.test, splits.excluded)] == [[0, 2], [1], [3, 4], []]
    assert corpus.source_rows.tolist() == [1, 2, 3, 4, 5]
    assert count_decisions(CORPUS, decisions, SPLITS) == DecisionCounts(changed=2, dropped=1, test_changed=1, test_dropped=1)
    assert decided_labels(CORPUS, decisions) == [None, "joy", "fear", "fear", None, "fear"]


def test_without_decisions_nothing_changes() -> None:
    kept = decisions_of(Decision(0, "keep", "joy", "joy", text="a"))
    for decisions in (Decisions(), kept):
        assert apply_decisions(CORPUS, SPLITS, decisions) == (CORPUS, SPLITS)
    assert count_decisions(CORPUS, kept, SPLITS).decided == 1


def test_classes_are_renamed_and_merged_in_test_rows_too() -> None:
    corpus, splits = apply_decisions(CORPUS, SPLITS, decisions_of(relabel(0, "calm", "a"), renamed={"love": "joy"}, added=("calm",)))
    assert corpus.labels == ["calm", "joy", "joy", "fear", "joy", "joy"]
    assert corpus.label_names == ("calm", "fear", "joy")
    assert splits.test.tolist() == [4, 5]


def test_a_decision_on_another_text_does_not_count() -> None:
    decisions = decisions_of(relabel(1, "joy", "another text"), replace(relabel(1, "joy", "b"), row=77))
    assert apply_decisions(CORPUS, SPLITS, decisions)[0].labels == CORPUS.labels
    assert count_decisions(CORPUS, decisions, SPLITS) == DecisionCounts()


def test_rows_of_a_given_test_file_are_other_rows() -> None:
    joined = join_corpora(corpus_of(("a", "joy"), ("b", "love")), test=corpus_of(("c", "joy"), ("d", "love")))
    assert joined.files == ("main", "main", "test", "test")
    assert joined.where(np.array([False, True, True, False])).files == ("main", "test")
    main, test = Decision(1, "relabel", "love", "joy", text="b"), Decision(0, "relabel", "joy", "love", text="c", file="test")
    assert decided_labels(joined, decisions_of(main, test)) == ["joy", "joy", "love", "love"]


@pytest.mark.parametrize(
    "decisions",
    [
        decisions_of(drop(0, "a"), drop(1, "b")),
        decisions_of(drop(2, "c")),
        Decisions(renamed={"love": "joy", "fear": "joy"}),
    ],
    ids=["one class", "no validation rows", "all merged"],
)
def test_decisions_that_leave_nothing_to_learn_are_refused(decisions: Decisions) -> None:
    with pytest.raises(UserError, match="Take some of them back") as error:
        apply_decisions(CORPUS, SPLITS, decisions)
    assert error.value.code == "decisions_leave_nothing"


def test_a_decision_on_a_very_long_text_is_found_again(tmp_path: Path) -> None:
    long = replace(CORPUS, texts=("x" * 20_000, *CORPUS.texts[1:]))
    log = DecisionLog(tmp_path / "decisions-1.jsonl")
    log.decide([relabel(0, "love", long.texts[0])])
    assert decided_labels(long, log.read())[0] == "love"
