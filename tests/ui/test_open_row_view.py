"""An opened row as HTML: what can be done on validation rows and on test rows, and the state of the search for similar rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from tests.ui.test_words_view import EVIL, explained
from trainer.audit.decisions import Decision
from trainer.evaluation.similar_rows import SimilarRow
from trainer.jobs.job import Job, Progress
from trainer.similar_texts import SimilarSearch
from trainer.ui.open_row_view import OpenRow, RowDetail, detail_html

RUN = "a" * 32
JOB = Job("a" * 32, "vectors", "local", "similar rows", Path(), "running", progress=Progress("reading 300 training rows", 0.25))


def detail(split: str = "validation", **facts: object) -> RowDetail:
    return replace(RowDetail(OpenRow.of(RUN, 7, 2), split, "fear", explained("well done", [1.0, -1.0], ("joy", "fear")), None), **facts)


def test_a_code_comes_back_and_nothing_else_is_one() -> None:
    for opened in (OpenRow.of(RUN, 7, 2), OpenRow(RUN[:8], 0, 0, 149)):
        assert OpenRow.parse(opened.code) == opened
        assert opened.is_of(RUN)
        assert not opened.is_of("b" * 32)
    for code in ("", "7", "7 x", "7 2 3 4", "1e9 0", "9" * 30 + " 0", "٣ 0 x"):
        assert OpenRow.parse(code) is None
        assert OpenRow.parse(f"{RUN[:8]} {code}") is None


def test_the_label_of_a_validation_row_can_be_corrected_to_any_other() -> None:
    html = detail_html(detail())
    assert 'data-action="relabel"' in html
    assert 'data-prefix="aaaaaaaa 7 2 "' in html
    assert '<option value="0">joy</option>' in html
    assert '<option value="1">fear</option>' not in html
    decided = Read(detail_html(detail(decision=Decision(6, "relabel", "fear", "joy")))).text
    assert "✓ Decided: its label should be joy." in decided
    assert "choose" not in decided


def test_a_test_row_can_only_be_looked_at() -> None:
    html = detail_html(detail("test"))
    assert "relabel" not in html
    assert "A test row: only to look at here." in Read(html).text
    assert 'data-action="try"' in html


@pytest.mark.parametrize(
    ("search", "words", "button"),
    [
        (SimilarSearch(None, 300, JOB), "Once for this model: reading 300 training rows, 25 %", False),
        (SimilarSearch(None, 300, replace(JOB, status="queued", progress=None)), "Once for this model: waiting for its turn", False),
        (SimilarSearch(None, 9_000), "Read 9,000 training rows once", True),
        (SimilarSearch(None, 300, replace(JOB, status="failed"), "It failed."), "It failed. They are found once", True),
        (SimilarSearch((SimilarRow("so well", "joy", 12, 0.98765),), 300), "so welljoysimilarity 0.988, row 12", False),
    ],
)
def test_similar_rows_or_how_to_get_them(search: SimilarSearch, words: str, button: bool) -> None:
    html = detail_html(detail(similar=search))
    assert words in " ".join(Read(html).text.split())
    assert ('data-action="similar"' in html) == button


def test_after_folds_the_words_are_said_to_be_of_the_model_that_has_learned_the_row() -> None:
    assert "a model that had not seen this row" in Read(detail_html(detail("test", in_folds=True))).text
    assert "a model that had not seen this row" not in Read(detail_html(detail("test"))).text
    # Their validation rows are tested too.
    validation = detail_html(detail("validation", in_folds=True))
    assert "relabel" not in validation
    assert "Folds test every row, this one too: only to look at here." in Read(validation).text
    added = SimilarSearch((SimilarRow("so well", "joy", None, 0.9),), 300)
    assert "similarity 0.900, added in Try it" in Read(detail_html(detail(similar=added))).text


def test_texts_of_others_stay_texts() -> None:
    search = SimilarSearch((SimilarRow(EVIL, EVIL, 1, 1.0),), 300)
    facts = {"similar": search, "label": EVIL, "decision": Decision(6, "relabel", EVIL, EVIL), "notice": EVIL}
    assert_only_text(detail_html(detail(**facts)), EVIL)
