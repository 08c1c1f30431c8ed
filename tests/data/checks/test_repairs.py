"""Repairs: what each does, what they never do, and that doing them twice is doing them once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.examples import corpus_of
from trainer.data.checks.repairs import REPAIRS, apply_repairs, sort_repairs
from trainer.data.corpus import Corpus
from trainer.errors import UserError


def pairs(corpus: Corpus) -> list[tuple[str, str]]:
    return list(zip(corpus.texts, corpus.labels, strict=True))


def test_spellings_are_merged_into_the_commonest():
    done = apply_repairs(corpus_of(("a", "joy"), ("b", "joy"), ("c", "Joy"), ("d", "ＪＯＹ"), ("e", "fear")), ["label_variants"])
    assert done.corpus.labels == ["joy", "joy", "joy", "joy", "fear"]
    assert [(c.line, c.field, c.old, c.new) for c in done.changes] == [(4, "label", "Joy", "joy"), (5, "label", "ＪＯＹ", "joy")]
    assert done.counts == {"label_variants": 2}


def test_conflicts_end_with_the_majority():
    rows = [("same", "joy"), ("Same ", "joy"), ("same", "fear"), ("tie", "joy"), ("tie", "fear"), ("other", "fear")]
    assert pairs(apply_repairs(corpus_of(*rows), ["conflicting_labels"]).corpus) == [("same", "joy"), ("Same ", "joy"), ("other", "fear")]


def test_copies_keep_one_of_each():
    rows = [("same", "joy"), ("SAME", "joy"), ("same", "fear"), ("same!", "joy"), ("other", "fear")]
    assert apply_repairs(corpus_of(*rows), ["duplicate_texts"]).corpus.texts == ("same", "same", "same!", "other")
    done = apply_repairs(corpus_of(*rows), ["near_duplicates"])
    assert done.corpus.texts == ("same", "same", "other")
    assert [(c.line, c.field, c.old, c.new) for c in done.changes] == [(3, "row", "joy: SAME", ""), (5, "row", "joy: same!", "")]


def test_rare_labels_leave():
    rows = [(f"text {n}", "joy") for n in range(3)] + [("x", "awe"), ("y", "awe")]
    done = apply_repairs(corpus_of(*rows), ["rare_classes"])
    assert (done.corpus.label_names, len(done.corpus), done.counts) == (("joy",), 3, {"rare_classes": 2})


def test_rare_whatever_the_spelling():
    rows = [(f"text {n}", "joy") for n in range(3)] + [("x", "JOY"), ("y", "Joy"), ("z", "awe")]
    assert apply_repairs(corpus_of(*rows), ["rare_classes"]).corpus.label_names == ("JOY", "Joy", "joy")


def test_a_label_of_the_test_rows_keeps_its_training_rows():
    rows = [(f"text {n}", "joy", "train") for n in range(5)] + [("x", "awe", "train"), ("y", "awe", "test"), ("z", "joy", "test")]
    assert apply_repairs(corpus_of(*rows), REPAIRS).changes == ()


def test_rows_of_a_given_test_split_stay():
    rows = [("same", "joy", "train"), ("same", "joy", "test"), ("same", "joy", "test"), ("tie", "joy", "train"), ("tie", "fear", "test")]
    rows += [(f"text {n}", ("fear", "joy")[n % 2], "train") for n in range(6)]
    done = apply_repairs(corpus_of(*rows), REPAIRS)
    assert pairs(done.corpus)[:3] == [("same", "joy"), ("same", "joy"), ("tie", "fear")]
    assert done.corpus.given_split[:3] == ("test", "test", "test")
    assert len(done.corpus) == 9


def test_the_order_is_fixed_and_unknown_repairs_are_refused():
    assert sort_repairs(["rare_classes", "html_in_texts"]) == ("html_in_texts", "rare_classes")
    with pytest.raises(UserError) as refusal:
        sort_repairs(["polish"])
    assert refusal.value.code == "unknown_repair"


def test_what_needs_no_repair_is_untouched():
    corpus = corpus_of(*[(f"{word} text", label) for word in ("one", "two", "three") for label in ("joy", "fear")][::2], ("b", "joy"))
    done = apply_repairs(corpus, ["html_in_texts", "links_in_texts", "label_variants", "several_labels", "conflicting_labels"])
    assert done.corpus is corpus
    assert done.changes == ()


_TEXTS = st.sampled_from(
    [
        "same",
        "Same",
        "same!",
        "a &amp;lt;b&gt;",
        "&amp;amp;",
        "<br>same",
        "x <b>y</b>",
        "www.a.b/c",
        "@me hi",
        "@you hi",
        "t &#60;i&#62; u",
        "é",
        "e\u0301",
    ]
) | st.text("ab&;<>/@:.wphtr#6039 ", max_size=30).map(lambda text: text.strip() or "x")
_LABELS = st.sampled_from(["joy", "Joy", " JOY", "fear", "joy, fear", "fear, awe", "joy, awe", "awe", "rare"])
_ROWS = st.lists(st.tuples(_TEXTS, _LABELS, st.sampled_from(["train", "train", "train", "validation", "test"])), min_size=1, max_size=40)


@given(rows=_ROWS, codes=st.sets(st.sampled_from(sorted(REPAIRS))), published=st.booleans())
@settings(max_examples=300, deadline=None)
def test_twice_is_once_and_every_row_is_accounted_for(rows, codes, published):
    corpus = corpus_of(*(row if published else row[:2] for row in rows))
    once = apply_repairs(corpus, codes)
    twice = apply_repairs(once.corpus, codes)
    assert twice.changes == ()
    assert pairs(twice.corpus) == pairs(once.corpus)
    gone = [change for change in once.changes if change.field == "row"]
    assert len(once.corpus) + len(gone) == len(corpus)
    assert len({(change.line, change.split) for change in gone}) == len(gone)
    if published:
        given_rows = [line for line, origin in zip(corpus.lines.tolist(), corpus.given_split, strict=True) if origin != "train"]
        assert set(given_rows) <= set(once.corpus.lines.tolist())


def test_labels_that_stand_for_none_leave():
    rows = [(f"text {n}", ("joy", "fear")[n % 2]) for n in range(8)] + [("x", "todo"), ("y", "?")]
    done = apply_repairs(corpus_of(*rows), ["missing_labels"])
    assert (done.corpus.label_names, done.counts) == (("fear", "joy"), {"missing_labels": 2})


def test_placeholders_leave():
    done = apply_repairs(corpus_of(("[removed]", "joy"), ("a text", "joy"), ("another", "fear")), ["placeholder_texts"])
    assert (done.corpus.texts, done.counts) == (("a text", "another"), {"placeholder_texts": 1})


def test_an_option_with_a_comma_in_it_is_one_label():
    cells = ["Prices, fees", "Prices, fees, Parking", "Parking", "Staff", "Opening hours, Parking", "Staff, Prices, fees"] * 4
    done = apply_repairs(corpus_of(*[(f"text {n}", cell) for n, cell in enumerate(cells)]), ["several_labels"])
    assert done.corpus.label_names == ("Parking", "Prices, fees", "Staff")
