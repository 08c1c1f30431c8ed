"""The list of runs as HTML: what it shows, when it is updated, and that no text becomes markup."""

import dataclasses
from collections.abc import Sequence

import pytest

from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Scores, SplitScores
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.ui import run_names, runs_list

EVIL = "<img src=x onerror=alert(1)>"
SCORES = Scores(
    validation=SplitScores(1600, Interval(0.9113, 0.89, 0.92), Interval(0.8712, 0.86, 0.9)),
    test=SplitScores(3200, Interval(0.9034, 0.89, 0.91), Interval(0.88, 0.86, 0.9)),
)
ROWS = {"train": 700, "validation": 100, "test": 200}
RUN = RunView(
    "a" * 32,
    name="brisk otter",
    source_name="my_moods.csv",
    level="Quick look",
    encoder="tiny-bert",
    status="finished",
    duration_seconds=200.0,
    created=1.7e9,
    rows=ROWS,
)
TRAINING = dataclasses.replace(RUN, id="b" * 32, name="calm fox", status="running", duration_seconds=None)


def listed(views: Sequence[RunView], scores: dict[str, Scores] | None = None) -> str:
    return runs_list.table_html(views, dict(zip((v.id for v in views), run_names.titles(views), strict=True)), scores or {})


def test_a_row_says_what_a_run_is_and_reached() -> None:
    html = listed([RUN], {RUN.id: SCORES})
    for expected in (
        "my moods, quick look</button>",
        '<small dir="auto">brisk otter · tiny-bert',
        "</span> finished",
        "took 3 min 20 s",
        "2023-11-14T22:13:20+00:00",
    ):
        assert expected in html
    assert "<strong>90.3 %</strong><small>(89 to 91 %, 3,200 rows)</small>" in html
    assert "91.1 %<small>macro F1 87.1 %</small>" in html


def test_scores_that_few_rows_carry_are_counts() -> None:
    few = Scores(
        SplitScores(2, Interval(1.0, 0.2, 1.0), Interval(1.0, 0.2, 1.0)), SplitScores(4, Interval(0.75, 0.25, 1.0), Interval(0.7, 0.2, 1.0))
    )
    html = listed([RUN], {RUN.id: few})
    assert "<strong>3 of 4 right</strong><small>too few rows to say</small>" in html
    assert "2 of 2 right" in html
    assert "%" not in html


def test_a_title_opens_its_run_and_a_checkbox_selects_it() -> None:
    html = listed([RUN])
    assert f'data-action="open" data-code="{RUN.id}" dir="auto">my moods, quick look</button>' in html
    assert f'data-run="{RUN.id}" aria-label="Select my moods, quick look"' in html


def test_runs_stand_under_their_files_the_newest_first() -> None:
    other = dataclasses.replace(RUN, id="c" * 32, name="shy hare", source_name="bank.csv", created=RUN.created + 5)
    older = dataclasses.replace(RUN, id="d" * 32, name="old elk", created=RUN.created - 5)
    html = listed([other, RUN, older])
    places = [html.index(expected) for expected in (">bank.csv<", "bank, quick look", ">my_moods.csv<", "(brisk otter)", "(old elk)")]
    assert places == sorted(places)
    assert "<small>2 runs</small>" in html


def test_a_name_appears_once() -> None:
    same_title = [RUN, dataclasses.replace(RUN, id="c" * 32, name="shy hare")]
    assert listed(same_title).count("shy hare") == 2  # the title, and what its box is called
    renamed = dataclasses.replace(RUN, name="the good one", renamed=True)
    assert '<small dir="auto">quick look · tiny-bert</small>' in listed([renamed])


def test_without_a_model_the_validation_scores_of_the_best_so_far_stand_there() -> None:
    evaluations = (Evaluation(5, 0.5, 0.3, 0.2), Evaluation(10, 0.4, 0.812, None), Evaluation(15, 0.4, 0.7, 0.7))
    scored = dataclasses.replace(TRAINING, evaluations=evaluations, best_step=10)
    html = listed([scored])
    assert 'data-label="Validation rows">81.2 %</td>' in html
    assert 'data-label="Test rows">–</td>' in html
    assert "</span> training" in html
    assert listed([TRAINING]).count(">–</td>") == 2


def test_a_damaged_run_says_so_in_words_and_what_can_still_be_done() -> None:
    damaged = dataclasses.replace(RUN, damage=("The model of brisk otter (model/<b>) is damaged. Train it again.",))
    html = listed([damaged])
    assert "</span> finished, damaged</td>" in html
    assert "(model/&lt;b&gt;) is damaged. Train it again." in html
    lost = RunView("c" * 32, name="damaged run cccccccc", status="damaged", damage=("Its log is damaged.",))
    assert "</span> damaged</td>" in listed([lost])
    assert "File unknown" in listed([lost])


def test_a_child_run_names_the_run_that_it_continues() -> None:
    child = dataclasses.replace(RUN, id="c" * 32, name="bold owl", parent=RUN.id, parent_name=RUN.name, parent_step=9, more_epochs=2)
    assert "my moods, quick look + 2 epochs</button>" in listed([child, RUN])
    assert "continues my moods, quick look" in listed([child, RUN])
    # The parent may have been deleted.
    assert "continues brisk otter" in listed([child])
    assert "continues" not in listed([RUN])


def test_checkpoints_about_to_be_deleted_are_announced() -> None:
    expected = "Its checkpoints are deleted when the next training ends"
    assert listed([RUN, TRAINING]).count(expected) == 0
    html = runs_list.table_html([RUN, TRAINING], run_names.titles_by_id([RUN, TRAINING]), {}, expiring=(RUN.id,))
    assert html.count(expected) == 1
    assert html.index(expected) < html.index(f'data-run="{TRAINING.id}"')


def test_no_runs_teach() -> None:
    assert "Open a table of texts and labels" in listed([])
    assert runs_list.version([]) == ""


@pytest.mark.parametrize(
    "change",
    [
        *({"name": "other"}, {"renamed": True}, {"status": "stopped"}, {"evaluations": (Evaluation(5, 0.5, 0.3, 0.2),)}),
        *({"best_step": 5}, {"duration_seconds": 7.0}, {"damage": ("x",)}),
    ],
)
def test_the_list_is_updated_when_what_it_shows_changes(change: dict) -> None:
    assert runs_list.version([TRAINING]) != runs_list.version([dataclasses.replace(TRAINING, **change)])


def test_the_list_is_not_updated_at_each_step() -> None:
    later = dataclasses.replace(TRAINING, last_logged_step=20, points=(LogPoint(20, 0.4, 0.9),), seconds_left=9.0, samples_per_second=80.0)
    assert runs_list.version([TRAINING, RUN]) == runs_list.version([later, RUN])
    assert runs_list.version([TRAINING, RUN]) != runs_list.version([RUN])


def test_nothing_that_somebody_typed_is_markup() -> None:
    html = listed([dataclasses.replace(RUN, name=EVIL, renamed=True, source_name=EVIL, encoder=EVIL, damage=(EVIL,))])
    assert "<img" not in html
    assert html.count("&lt;img src=x") >= 5


def test_a_date_says_that_it_is_in_utc_until_the_browser_writes_it_in_the_readers_time() -> None:
    assert '<time datetime="2023-11-14T22:13:20+00:00">14 Nov 2023, 22:13 UTC</time>' in listed([RUN])
