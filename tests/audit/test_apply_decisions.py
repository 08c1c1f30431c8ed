"""Decisions applied to rows: the test rows stay as they are, and the split too."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.data.examples import corpus_of
from trainer.audit.apply_decisions import DecisionCounts, apply_decisions, count_decisions, decided_labels
from trainer.audit.decisions import Decision, DecisionLog, Decisions
from trainer.data.corpus import join_corpora
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS
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


def test_new_texts_are_training_rows_unless_they_are_nearly_a_row_that_is_kept_aside(tmp_path: Path) -> None:
    held = corpus_of(
        ("a", "joy"), ("b", "love"), ("nobody ever came to see her again", "joy"), ("the dog next door barks at night", "fear")
    )
    splits = Splits(np.array([0, 1]), np.array([2]), np.array([3]), np.array([], dtype=np.int64), ())
    texts = {"so kind": "love", "The dog next door barks at nights": "joy", "Nobody ever came to see her again!": "love", "boo": "awe"}
    corpus, longer = apply_decisions(held, splits, decisions_of(texts=texts, added=("awe",)))
    assert corpus.texts[4:] == ("so kind", "boo")
    assert corpus.labels == [*held.labels, "love", "awe"]
    assert corpus.files == (*("main",) * 4, "added", "added")
    assert [part.tolist() for part in (longer.train, longer.validation, longer.test)] == [[0, 1, 4, 5], [2], [3]]
    assert count_decisions(held, decisions_of(texts=texts), splits).added == 4
    save_rows(tmp_path / "rows.parquet", corpus, longer)
    assert load_rows(tmp_path / "rows.parquet")[0].files == corpus.files


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


def test_rows_with_several_labels_get_others_or_none() -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 1], [0, 0, 0]])
    several = replace(CORPUS, label_ids=labels, label_names=("fear", "joy", "love"), task=SEVERAL_LABELS)

    def decide(row: int, text: str, *after: str) -> Decision:
        return Decision(row, "relabel", several.written_label(row), SEVERAL_LABELS.written(after), text=text)

    decisions = decisions_of(
        decide(0, "a", "joy", "awe"), decide(1, "b"), decide(4, "e", "joy"), renamed={"love": "joy"}, task=SEVERAL_LABELS
    )
    corpus, splits = apply_decisions(several, SPLITS, decisions)
    assert corpus.label_names == ("awe", "fear", "joy")
    # Test rows keep their labels; of two that were merged one is left.
    assert corpus.label_sets == [("awe", "joy"), (), ("joy",), ("joy",), ("fear", "joy"), ()]
    assert splits.test.tolist() == [4, 5]
    assert count_decisions(several, decisions, SPLITS) == DecisionCounts(changed=2, test_changed=1)
    assert decided_labels(several, decisions)[4] == '["joy"]'
