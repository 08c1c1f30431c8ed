"""The list of runs and the comparison as HTML: what stands there, when it is drawn anew, and that no word is markup."""

import dataclasses

import pytest

from trainer.evaluation.comparison import paired
from trainer.evaluation.report import Interval
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.shelf import Compared, Comparison, Scores
from trainer.ui import comparison_view, runs_list, words

EVIL = "<img src=x onerror=alert(1)>"
SCORES = Scores(3200, Interval(0.9034, 0.89, 0.91), Interval(0.88, 0.86, 0.9))
ROWS = {"train": 70, "validation": 10, "test": 20}
RUN = RunView(
    "a" * 32, name="brisk otter", source_name="moods.csv", encoder="tiny-bert", status="finished", seconds=200.0, created=1.7e9, rows=ROWS
)
TRAINING = dataclasses.replace(RUN, id="b" * 32, name="calm fox", status="running", seconds=None)


def test_a_row_says_what_a_run_is_and_reached() -> None:
    html = runs_list.of_runs([RUN], {RUN.id: SCORES})
    for said in ("brisk otter", "moods.csv · tiny-bert", "finished", "90.3 %", "88.0 %", "3 min 20 s", "2023-11-14T22:13:20+00:00"):
        assert said in html
    assert "validation" not in html


def test_without_a_model_the_validation_scores_stand_there_and_are_called_so() -> None:
    scored = dataclasses.replace(TRAINING, evaluations=(Evaluation(5, 0.5, 0.3, 0.2), Evaluation(10, 0.4, 0.812, None)))
    html = runs_list.of_runs([scored], {})
    assert "81.2 %<small>validation</small>" in html
    assert html.count("validation") == 1
    assert "training" in html
    assert runs_list.of_runs([TRAINING], {}).count("–") == 3


def test_a_damaged_run_says_so_in_words_and_what_can_still_be_done() -> None:
    damaged = dataclasses.replace(RUN, damage=("The model of brisk otter (model/<b>) is damaged. Train it again.",))
    assert ">finished, damaged</td>" in runs_list.of_runs([damaged], {})
    assert "(model/&lt;b&gt;) is damaged. Train it again." in runs_list.in_words([damaged])
    assert words.run_choice(damaged) == "brisk otter · moods.csv · finished, damaged"
    lost = RunView("c" * 32, name="damaged run cccccccc", status="damaged", damage=("Its log is damaged.",))
    assert ">damaged</td>" in runs_list.of_runs([lost], {})
    assert words.run_choice(lost) == "damaged run cccccccc · damaged"


def test_the_settings_of_a_damaged_recipe_are_called_damaged() -> None:
    whole, damaged = Compared(RUN, Recipe(), SCORES), Compared(TRAINING, None, None, "The settings of calm fox are damaged.")
    assert dict(comparison_view._settings([whole, damaged]))["Epochs"][1] == "damaged"


def test_no_runs_teach() -> None:
    assert "Begin in tab 1" in runs_list.of_runs([], {})
    assert runs_list.version([]) == ""


@pytest.mark.parametrize(
    "change",
    [{"name": "other"}, {"status": "stopped"}, {"evaluations": (Evaluation(5, 0.5, 0.3, 0.2),)}, {"seconds": 7.0}, {"damage": ("x",)}],
)
def test_the_list_is_drawn_anew_when_it_shows_something_else(change: dict) -> None:
    assert runs_list.version([TRAINING]) != runs_list.version([dataclasses.replace(TRAINING, **change)])


def test_the_list_is_not_drawn_anew_at_each_step() -> None:
    later = dataclasses.replace(TRAINING, step=20, points=(LogPoint(20, 0.4, 0.9),), seconds_left=9.0, samples_per_second=80.0)
    assert runs_list.version([TRAINING, RUN]) == runs_list.version([later, RUN])
    assert runs_list.version([TRAINING, RUN]) != runs_list.version([RUN])


def test_what_is_ticked() -> None:
    assert "Tick one run" in runs_list.in_words([])
    assert "brisk otter</strong> is ticked" in runs_list.in_words([RUN])
    assert "At most 6" not in runs_list.in_words([RUN] * 6)
    assert "7 runs</strong> are ticked. At most 6" in runs_list.in_words([RUN] * 7)


def test_nothing_that_somebody_typed_is_markup() -> None:
    evil = dataclasses.replace(RUN, name=EVIL, source_name=EVIL, encoder=EVIL)
    runs = (Compared(evil, Recipe(), SCORES), Compared(RUN, Recipe(epochs=3), None, EVIL), Compared(TRAINING, Recipe(), SCORES))
    comparison = Comparison(runs, 0, ((2, paired(5, 2, 1, 3)),))
    for html in (
        runs_list.of_runs([evil], {}),
        runs_list.in_words([evil]),
        comparison_view._score_table(comparison),
        comparison_view._verdicts(comparison),
        comparison_view._difference_table(runs),
    ):
        assert "<img" not in html
        assert "&lt;img src=x" in html


def test_only_settings_that_differ_are_told_and_what_was_left_to_us_as_it_came_out() -> None:
    one = Compared(dataclasses.replace(RUN, epochs=6, learning_rate=3e-5), Recipe(), SCORES)
    other = Compared(dataclasses.replace(RUN, epochs=3, learning_rate=3e-5), Recipe(epochs=3, repairs=("label_variants",)), SCORES)
    html = comparison_view._difference_table([one, other])
    for said in ("Epochs", "6 (automatic)", "<td>3</td>", "Repairs", "<td>none</td>", "label written as most rows write it"):
        assert said in html
    for same in ("Seed", "Data", "Test rows", "Encoder"):
        assert same not in html
    assert "All settings are the same." in comparison_view._difference_table([one, one])
