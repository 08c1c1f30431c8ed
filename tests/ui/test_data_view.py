"""What the Data tab shows of a file: every name is text, of many classes the ends, of a file the first rows."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_rows, write_rows
from tests.ui.test_html_pieces import Read
from trainer.data.corpus import Corpus
from trainer.drafts.preparation import PreparedDraft
from trainer.studio import Studio
from trainer.ui import data_view
from trainer.ui.readiness import assess_readiness

EVIL = "<img src=x onerror=alert(1)>"
DEFAULT_FRACTIONS = {"validation_share": 0.1, "test_share": 0.2}


def opened(studio: Studio, path: Path) -> PreparedDraft:
    return studio.for_owner("local").drafts.open_files({"main": (path.name, path)})


@pytest.fixture
def moods(studio: Studio, small_csv: Path) -> PreparedDraft:
    return opened(studio, small_csv)


def corpus_of(counts: dict[str, int]) -> Corpus:
    ids = np.repeat(np.arange(len(counts)), list(counts.values()))
    rows = np.arange(len(ids))
    return Corpus(
        texts=tuple(f"text {n}" for n in rows),
        label_ids=ids,
        label_names=tuple(counts),
        source_rows=rows,
        lines=rows + 2,
        given_split=None,
        dropped=(),
    )


def test_the_badge_names_the_file_and_its_size(moods: PreparedDraft) -> None:
    html = data_view.file_badge(moods)
    assert ">moods.csv<" in html
    assert "240 rows · 3 classes" in html
    assert 'data-action="close"' in html


def test_own_files_stand_beside_it_and_in_the_split(studio: Studio, moods: PreparedDraft, tmp_path: Path) -> None:
    test = write_rows(tmp_path / "later.csv", small_rows(30, seed=7))
    both = studio.for_owner("local").editor.add_file(moods.draft.id, "test", test.name, test)
    assert 'data-action="remove_file" data-code="test"' in data_view.file_badge(both)
    assert "30 test from <bdi>later.csv</bdi>" in data_view.split_counts(both, assess_readiness(both, DEFAULT_FRACTIONS))
    assert "168 training · 24 validation · 48 test<" in data_view.split_counts(moods, assess_readiness(moods, DEFAULT_FRACTIONS))


def test_the_columns_are_open_where_nobody_is_sure(studio: Studio, moods: PreparedDraft, tmp_path: Path) -> None:
    assert '<details class="em-change">' in data_view.readiness_html(moods, assess_readiness(moods, DEFAULT_FRACTIONS))
    assert "text = " in data_view.readiness_html(moods, assess_readiness(moods, DEFAULT_FRACTIONS))
    rows = [(text, mood, ("good", "bad")[n % 2]) for n, (text, mood) in enumerate(small_rows(90))]
    unsure = opened(studio, write_rows(tmp_path / "two.csv", rows, ("text", "emotion", "sentiment")))
    assert '<details class="em-change" open>' in data_view.readiness_html(unsure, assess_readiness(unsure, DEFAULT_FRACTIONS))
    none = opened(studio, write_rows(tmp_path / "none.csv", [(str(n), text) for n, (text, _) in enumerate(small_rows(60))], ("id", "said")))
    assert '<details class="em-change" open>' in data_view.readiness_html(none, assess_readiness(none, DEFAULT_FRACTIONS))


def test_classes_are_ordered_by_rows_each_in_its_own_colour() -> None:
    html = data_view.classes(corpus_of({"anger": 3, "joy": 7, "sadness": 5}))
    assert re.findall(r'title="(\w+)"', html) == ["joy", "sadness", "anger"]
    assert re.findall(r'em-bar-end">(\d+)', html) == ["7", "5", "3"]
    dots = re.findall(r'em-dot" style="background:(#\w+)', html)
    assert len(set(dots)) == 3
    assert dots == re.findall(r"%;background:(#\w+)", html)


def test_of_many_classes_the_ends_are_in_view() -> None:
    html = data_view.classes(corpus_of({f"intent_{n}": 100 - n for n in range(77)}))
    first, between, last = (
        html.split("details>")[0].split("<details")[0],
        html.split("<details")[1].split("</details>")[0],
        html.split("</details>")[1],
    )
    assert "57 more" in between
    assert [part.count("<li>") for part in (first, between, last)] == [10, 57, 10]
    assert "intent_76" in last
    few = data_view.classes(corpus_of({f"intent_{n}": 3 for n in range(21)}))
    assert "more" not in few


def test_the_first_rows_are_those_of_text_and_label_each_in_its_own_direction(studio: Studio, tmp_path: Path) -> None:
    rows = [(str(n), mood, f"{text} {EVIL}", "x") for n, (text, mood) in enumerate(small_rows(60))]
    html = data_view.preview(opened(studio, write_rows(tmp_path / "wide.csv", rows, ("id", "mood", "said", EVIL))))
    assert html.count("<tr>") == 4
    assert html.count('dir="auto"') == 8
    assert html.index(">said<") < html.index(">mood<")
    assert "and 2 more columns" in html
    assert "<img" not in html


def test_how_a_file_was_read_is_among_its_details_and_not_in_the_first_view(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes(b"text;mood\n" + "".join(f"{text} café;{mood}\n" for text, mood in small_rows(60)).encode("cp1252"))
    old = opened(studio, path)
    assert "(a guess)" in data_view.details(old)
    assert "semicolon" in data_view.details(old)
    first_view = (
        data_view.file_badge(old) + data_view.readiness_html(old, assess_readiness(old, DEFAULT_FRACTIONS)) + data_view.preview(old)
    )
    assert "cp1252" not in first_view
    assert "semicolon" not in first_view


def test_no_name_of_a_file_is_markup(studio: Studio, tmp_path: Path) -> None:
    rows = [(f"{text} {EVIL}", {"joy": EVIL}.get(mood, mood)) for text, mood in small_rows(90)]
    path = write_rows(tmp_path / "evil.csv", rows, (EVIL, "mood"))
    evil = studio.for_owner("local").drafts.open_files({"main": (f"{EVIL}.csv", path)})
    readiness = assess_readiness(evil, DEFAULT_FRACTIONS)
    for html in (
        data_view.file_badge(evil),
        data_view.readiness_html(evil, readiness),
        data_view.classes(evil.corpus),
        data_view.preview(evil),
        data_view.details(evil),
        data_view.split_counts(evil, readiness),
    ):
        assert "<img" not in html


def test_a_file_whose_texts_have_several_labels_says_why_and_offers_one(studio: Studio, tmp_path: Path) -> None:
    rows = [(f"text {i} with words", str(int(i % 2 == 0)), str(int(i % 3 == 0)), str(int(i % 5 == 0))) for i in range(60)]
    marked = opened(studio, write_rows(tmp_path / "marked.csv", rows, ("text", "joy", "love", "fear")))
    text = Read(data_view.readiness_html(marked, assess_readiness(marked, DEFAULT_FRACTIONS))).text
    assert "text = “text”, labels = “joy”, “love”, “fear”" in text
    assert "The columns “joy”, “love”, “fear” mark one label each" in text
    html = data_view.readiness_html(marked, assess_readiness(marked, DEFAULT_FRACTIONS))
    assert 'data-action="task" data-code="several" aria-pressed="true"' in html
    assert "text 0 with wordsfear, joy, love" in Read(data_view.preview(marked)).text
    assert "text 1 with wordsno label" in Read(data_view.preview(marked)).text
    assert "16 rows have no label · 28 rows have 1 label" in Read(data_view.classes(marked.require_corpus())).text
    single = studio.for_owner("local").editor.choose_task(marked.draft.id, "single")
    html = data_view.readiness_html(single, assess_readiness(single, DEFAULT_FRACTIONS))
    assert 'data-action="task" data-code="single" aria-pressed="true"' in html
    assert "As you chose." in Read(html).text


def test_of_a_file_with_one_label_a_text_the_choice_is_in_the_fold(moods: PreparedDraft) -> None:
    html = data_view.readiness_html(moods, assess_readiness(moods, DEFAULT_FRACTIONS))
    assert html.index("<details") < html.index("em-task-choice") < html.index("</details>")
    assert "no label" not in data_view.classes(moods.require_corpus())
