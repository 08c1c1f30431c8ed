"""Two runs on the rows both kept aside: which rows these are, and what the numbers say."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.comparison import (
    ComparedRun,
    Comparison,
    RunPredictions,
    _newcombe_interval,
    compare,
    compare_counts,
    describe_comparison,
    differing_rows,
    run_predictions,
    shown_labels,
)
from trainer.evaluation.intervals import Interval
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.report import Scores, SplitScores
from trainer.recipe import Recipe
from trainer.runs.view import RunView

LABELS = ("joy", "anger", "love")
COUNTS = st.integers(0, 400)
INTERVALS = {"accuracy": [0.68, 0.8], "macro_f1": [0.6, 0.78]}


def answered(rows, seen_texts=()):
    """RunPredictions from (text, label, predicted) triples."""
    texts, labels, predicted = zip(*rows, strict=True) if rows else ((), (), ())
    return RunPredictions(texts, labels, predicted, frozenset(seen_texts))


def corpus_of(rows, names):
    ids = np.array([names.index(label) for _, label in rows])
    at = np.arange(len(rows))
    return Corpus(tuple(text for text, _ in rows), ids, names, at, at + 2, None, ())


def splits_of(train, validation, test, excluded=()):
    return Splits(*(np.array(part, dtype=np.int64) for part in (train, validation, test, excluded)), split_notes=())


def predictions_of(corpus, rows, predicted, names):
    """Predictions of the given class for each of ``rows``, all in the test split."""
    probabilities = np.full((len(rows), len(names)), 0.1)
    for i, label in enumerate(predicted):
        probabilities[i, names.index(label)] = 0.9
    return Predictions(np.array(rows), ["test"] * len(rows), corpus.label_ids[list(rows)], probabilities, names)


def test_the_rows_that_only_one_run_has_right_are_those_that_are_counted():
    a = answered(
        [("1", "joy", "joy"), ("2", "joy", "love"), ("3", "love", "love"), ("4", "joy", "anger"), ("5", "joy", "joy"), ("5", "joy", "joy")],
        {"9"},
    )
    b = answered(
        [("1", "joy", "joy"), ("2", "joy", "joy"), ("3", "love", "joy"), ("4", "joy", "love"), ("5", "joy", "anger"), ("9", "joy", "love")]
    )
    rows = differing_rows(a, b)
    counts = compare(a, b)
    assert [(row.text, row.only_a, row.said_a, row.said_b) for row in rows] == [
        ("3", True, "love", "joy"),
        ("5", True, "joy", "anger"),
        ("2", False, "love", "joy"),
    ]
    assert (counts.only_a, counts.only_b) == (2, 1)
    assert rows[0].to_dict() == {"text": "3", "label": "love", "said_a": "love", "said_b": "joy", "only_a": True}


def test_a_comparison_is_plain_data():
    split = SplitScores(204, Interval(0.75, 0.68, 0.8), Interval(0.7, 0.6, 0.78))
    views = [RunView("a" * 32, name="brisk otter"), RunView("b" * 32, name="calm fox"), RunView("c" * 32, name="torn")]
    recipe = Recipe(epochs=2)
    runs = [ComparedRun(view, recipe, Scores(split, split)) for view in views[:2]]
    paired = compare_counts(80, 9, 1, 5)
    shape = Comparison((*runs, ComparedRun(views[2], None, None, "No model.")), 0, ((1, paired),), same_file=True).to_dict()
    assert json.loads(json.dumps(shape, allow_nan=False)) == shape | {"runs": json.loads(json.dumps(shape["runs"]))}
    assert (shape["reference"], shape["same_file"]) == ("a" * 32, True)
    assert shape["runs"][0] | {"recipe": None} == {
        "run": "a" * 32,
        "name": "brisk otter",
        "scores": {split: {"rows": 204, "accuracy": 0.75, "macro_f1": 0.7, "intervals": INTERVALS} for split in ("validation", "test")},
        "recipe": None,
        "problem": "",
    }
    assert Recipe.from_dict(shape["runs"][0]["recipe"]) == recipe
    assert shape["runs"][2] == {"run": "c" * 32, "name": "torn", "scores": None, "recipe": None, "problem": "No model."}
    (against,) = shape["paired"]
    assert (against["run"], against["both"], against["only_a"], against["only_b"], against["neither"]) == ("b" * 32, 80, 9, 1, 5)
    assert (against["n_shared_rows"], against["accuracy_a"], against["difference"]) == (95, pytest.approx(89 / 95), pytest.approx(8 / 95))
    assert against["differs"] is paired.differs


def test_mcnemar_by_hand():
    # Of 10 rows that only one had right, 2 or fewer on one side: (1 + 10 + 45) / 1024, twice.
    assert compare_counts(50, 8, 2, 3).p_value == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert compare_counts(50, 2, 8, 3).p_value == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert compare_counts(0, 6, 0, 0).p_value == pytest.approx(2 / 2**6)
    assert compare_counts(9, 4, 4, 1).p_value == 1.0
    assert compare_counts(9, 0, 0, 1).p_value == 1.0


def test_in_folds_the_test_is_that_of_fewer_rows():
    half, whole = compare_counts(160, 18, 6, 10, design_effect=2), compare_counts(80, 9, 3, 5)
    assert (half.low, half.high, half.p_value) == pytest.approx((whole.low, whole.high, whole.p_value))
    assert (half.both, half.only_a, half.only_b, half.neither) == (160, 18, 6, 10)
    assert compare_counts(160, 18, 6, 10).differs
    assert not half.differs
    a = answered([(str(number), "joy", "joy" if number >= 6 else "love") for number in range(100)])
    b = answered([(str(number), "joy", "joy" if number < 82 else "love") for number in range(100)])
    assert compare(a, b).differs
    in_folds = compare(dataclasses.replace(a, folds=5), b)
    assert not in_folds.differs


@settings(deadline=None)
@given(both=COUNTS, only_a=COUNTS, only_b=COUNTS, neither=COUNTS)
def test_in_folds_interval_and_test_agree_too(both, only_a, only_b, neither):
    comparison = compare_counts(both, only_a, only_b, neither, design_effect=2.25)
    assert comparison.differs == (comparison.low > 0 or comparison.high < 0)
    assert comparison.low <= comparison.difference + 1e-12
    assert comparison.difference <= comparison.high + 1e-12


def test_the_interval_is_newcombes_tenth():
    # The examples of Fagerland, Lydersen & Laake 2014 (Bentur et al. 2009, Cavo et al. 2012), as R's contingencytables gives them.
    assert _newcombe_interval(1, 1, 7, 12, confidence=0.95) == pytest.approx((-0.507, -0.026), abs=5e-4)
    assert _newcombe_interval(59, 6, 16, 80, confidence=0.95) == pytest.approx((-0.1186, -0.0046), abs=5e-5)
    # Of both tables the exact test says that it could be chance, so 0 belongs to what is shown.
    assert all(
        comparison.low < comparison.difference < 0 < comparison.high
        for comparison in (compare_counts(1, 1, 7, 12), compare_counts(59, 6, 16, 80))
    )
    # Where the two agree, the interval is Newcombe's.
    assert (compare_counts(59, 4, 16, 80).low, compare_counts(59, 4, 16, 80).high) == _newcombe_interval(59, 4, 16, 80, confidence=1 - 0.05)


@settings(deadline=None)
@given(both=COUNTS, only_a=COUNTS, only_b=COUNTS, neither=COUNTS)
def test_swapping_the_runs_mirrors_everything(both, only_a, only_b, neither):
    one, other = compare_counts(both, only_a, only_b, neither), compare_counts(both, only_b, only_a, neither)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert (one.accuracy_a, one.accuracy_b) == (other.accuracy_b, other.accuracy_a)
    assert one.p_value == pytest.approx(other.p_value)
    assert -1 <= one.low <= one.difference <= one.high <= 1
    assert 0 < one.p_value <= 1
    assert one.difference == pytest.approx(one.accuracy_a - one.accuracy_b)
    a, b = describe_comparison(one, "A", "B"), describe_comparison(other, "B", "A")
    assert a == b or only_a == only_b


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(LABELS)), max_size=30
    ),
    st.frozensets(st.sampled_from("abcdefgh"), max_size=2),
)
def test_swapping_the_answers_mirrors_the_counts(rows, seen_texts):
    a = answered([(text, label, predicted) for text, label, predicted, _ in rows])
    b = answered([(text, label, predicted) for text, label, _, predicted in rows[::-1]], seen_texts)
    # Copies that one model answers differently do not occur; here they may, and then the first counts.
    if len({(text, label) for text, label, *_ in rows}) == len(rows):
        one, other = compare(a, b), compare(b, a)
        assert (one.both, one.only_a, one.only_b, one.neither) == (other.both, other.only_b, other.only_a, other.neither)
        assert one.label_conflicts == other.label_conflicts
        assert one.n_shared_rows == sum(text not in seen_texts for text, *_ in rows)


def test_rows_are_found_by_text_and_label_whatever_the_order_of_classes_and_rows():
    rows = [("t1", "joy"), ("t2", "anger"), ("t3", "joy"), ("t4", "anger"), ("t5", "joy"), ("t6", "anger")]
    one, other = ("joy", "anger"), ("anger", "joy")
    a = corpus_of(rows, one)
    b = corpus_of(rows[::-1], other)
    predictions_a = predictions_of(a, [1, 2, 3], ["anger", "anger", "joy"], one)  # t2 right, t3 and t4 wrong
    predictions_b = predictions_of(b, [2, 3, 4], ["anger", "joy", "anger"], other)  # t4, t3, t2, all right
    comparison = compare(
        run_predictions(a, splits_of([0, 4], [5], [1, 2, 3]), predictions_a),
        run_predictions(b, splits_of([0, 5], [1], [2, 3, 4]), predictions_b),
    )
    assert (comparison.both, comparison.only_a, comparison.only_b, comparison.neither) == (1, 0, 2, 0)


def test_only_rows_of_both_test_splits_with_the_same_label_count():
    a = answered([("both", "joy", "joy"), ("only a", "joy", "joy"), ("corrected", "joy", "joy")])
    b = answered([("both", "joy", "anger"), ("only b", "joy", "joy"), ("corrected", "anger", "anger")])
    comparison = compare(a, b)
    assert (comparison.n_shared_rows, comparison.only_a, comparison.label_conflicts) == (1, 1, 1)


def test_what_either_run_has_learned_from_never_counts():
    a = answered([("fresh", "joy", "joy"), ("leaked", "joy", "joy")])
    b = answered([("fresh", "joy", "joy"), ("leaked", "joy", "joy")], seen_texts=["leaked"])
    assert compare(a, b).n_shared_rows == compare(b, a).n_shared_rows == 1
    rows = [("same", "joy"), ("same", "joy"), ("other", "anger")]
    corpus = corpus_of(rows, ("joy", "anger"))
    run = run_predictions(corpus, splits_of([0], [], [1, 2]), predictions_of(corpus, [1, 2], ["joy", "joy"], ("joy", "anger")))
    assert compare(run, run).n_shared_rows == 1  # "same" is also a training row


def test_copies_count_once_and_a_text_with_two_labels_twice():
    a = answered([("copy", "joy", "joy")] * 5 + [("two", "joy", "joy"), ("two", "anger", "joy")])
    comparison = compare(a, a)
    assert (comparison.n_shared_rows, comparison.both, comparison.neither, comparison.label_conflicts) == (3, 2, 1, 0)


def test_predictions_of_another_run_are_refused():
    corpus = corpus_of([("t", "joy")], ("joy", "anger"))
    wrong = Predictions([5], ["test"], [0], [[0.9, 0.1]], ("joy", "anger"))
    with pytest.raises(ValueError, match="rows up to 5"):
        run_predictions(corpus, splits_of([], [], [0]), wrong)


def test_in_words():
    better = compare_counts(2900, 130, 60, 110)
    assert describe_comparison(better, "brisk otter", "calm fox") == (
        "On 3,200 shared test rows brisk otter is right in 2.2 percentage points more of them than calm fox (1.3 to 3.0); "
        "such a difference is unlikely to be chance (p < 0.001)."
    )
    assert "calm fox is right in 2.2 percentage points more" in describe_comparison(
        compare_counts(2900, 60, 130, 110), "brisk otter", "calm fox"
    )
    chance = describe_comparison(compare_counts(80, 8, 5, 7), "A", "B")
    assert "could well be chance (p = 0.58)" in chance
    assert "(−4.6 to 10.8)" in chance
    assert (
        describe_comparison(compare_counts(80, 0, 0, 7), "A", "B")
        == "On 87 shared test rows A and B agree on which are right and which are wrong."
    )
    assert "right equally often (−" in describe_comparison(compare_counts(80, 4, 4, 7), "A", "B")
    assert describe_comparison(compare_counts(8, 1, 0, 2), "A", "B").endswith("So few rows say little.")
    assert "On 1 shared test row " in describe_comparison(compare_counts(1, 0, 0, 0), "A", "B")
    no_rows = compare_counts(0, 0, 0, 0)
    assert (no_rows.low, no_rows.high, no_rows.p_value, no_rows.difference) == (-1, 1, 1, 0)
    assert "no test rows in common" in describe_comparison(no_rows, "A", "B")


def all_tables(max_rows):
    for rows in range(1, max_rows + 1):
        for only_a in range(rows + 1):
            for only_b in range(rows + 1 - only_a):
                for both in range(rows - only_a - only_b + 1):
                    yield both, only_a, only_b, rows - only_a - only_b - both


def assert_of_one_mind(table, n_comparisons):
    comparison = compare_counts(*table, n_comparisons=n_comparisons)
    assert comparison.differs == (comparison.low > 0 or comparison.high < 0), table
    assert comparison.low <= comparison.difference <= comparison.high
    sentence = describe_comparison(comparison, "A", "B")
    assert ("is unlikely to be chance" in sentence) == comparison.differs
    return comparison


@pytest.mark.parametrize("n_comparisons", [1, 2, 5])
def test_the_interval_and_the_test_never_contradict_each_other_in_any_table_of_up_to_15_rows(n_comparisons):
    differing = sum(assert_of_one_mind(table, n_comparisons).differs for table in all_tables(15))
    assert differing > 50


# The first two are tables in which Newcombe's interval leaves out 0 and the exact test does not, the third one of the few the other way round.
@pytest.mark.parametrize(
    ("table", "n_comparisons"), [((47, 6, 1, 46), 1), ((5, 5, 0, 90), 1), ((1, 7, 0, 92), 3), ((1, 0, 7, 92), 3), ((0, 11, 2, 0), 1)]
)
def test_the_test_decides_where_the_two_methods_disagree(table, n_comparisons):
    comparison = assert_of_one_mind(table, n_comparisons)
    from scipy.stats import binomtest

    assert comparison.differs == (binomtest(table[1], table[1] + table[2]).pvalue < 0.05 / n_comparisons)


@settings(deadline=None)
@given(both=COUNTS, only_a=COUNTS, only_b=COUNTS, neither=COUNTS, n_comparisons=st.integers(1, 5))
def test_the_interval_and_the_test_never_contradict_each_other(both, only_a, only_b, neither, n_comparisons):
    assert_of_one_mind((both, only_a, only_b, neither), n_comparisons)


def test_several_comparisons_are_judged_together():
    alone, among_three = compare_counts(80, 10, 1, 5), compare_counts(80, 10, 1, 5, n_comparisons=3)
    assert among_three.p_value == pytest.approx(3 * alone.p_value)
    assert among_three.low < alone.low < alone.high < among_three.high
    assert compare_counts(80, 5, 5, 5, n_comparisons=5).p_value == 1.0
    # What alone would be called a difference is one of five chances to be misled.
    alone, among_five = compare_counts(80, 8, 1, 5), compare_counts(80, 8, 1, 5, n_comparisons=5)
    assert (alone.differs, among_five.differs) == (True, False)
    assert compare(answered([("t", "joy", "joy")]), answered([("t", "joy", "anger")]), n_comparisons=4).p_value == 1.0


def test_a_difference_of_one_row_in_thousands_is_not_none():
    assert "A is right in 0.03 percentage points more of them than B (−" in describe_comparison(compare_counts(3000, 1, 0, 199), "A", "B")


def test_texts_under_other_labels_are_not_called_no_rows_in_common():
    sentence = describe_comparison(compare_counts(0, 0, 0, 0, label_conflicts=50), "A", "B")
    assert "have 50 test texts in common, but under different labels" in sentence
    assert "no test rows in common" not in sentence


def test_a_p_value_just_below_the_limit_is_not_rounded_up_to_it():
    comparison = compare_counts(0, 28, 12, 0)
    assert comparison.differs == (comparison.p_value < 0.05)
    assert "p = 0.050" not in describe_comparison(comparison, "A", "B")


def test_a_class_that_was_merged_is_one_and_labels_of_a_row_have_one_order() -> None:
    corpus = corpus_of([("x", "joy"), ("y", "love"), ("z", "joy")], ("joy", "love"))
    single = predictions_of(corpus, [1, 2], ["joy", "love"], ("joy", "love"))
    merged = run_predictions(corpus, splits_of([0], [], [1, 2]), single, {"love": "joy"})
    assert (merged.labels, merged.predicted) == (("joy", "joy"), ("joy", "joy"))

    labels = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]])
    several = dataclasses.replace(corpus, label_ids=labels, label_names=("love", "awe", "joy"), task=SEVERAL_LABELS)
    said = Predictions([1, 2], ["test", "test"], labels[1:], labels[1:] * 0.8, ("love", "awe", "joy"), SEVERAL_LABELS)
    run = run_predictions(several, splits_of([0], [], [1, 2]), said, {"awe": "joy"})
    assert (run.labels, run.predicted) == (("joy", "no label"), ("joy", "no label"))
    assert run_predictions(several, splits_of([0], [], [1, 2]), said).labels == ("awe, joy", "no label")
    assert shown_labels(["love", "awe"]) == "awe, love"
