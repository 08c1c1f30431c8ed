"""The list of runs and the comparison as HTML: what stands there, when it is drawn anew, and that no word is markup."""

import dataclasses

import pytest

from trainer.evaluation.comparison import paired
from trainer.evaluation.intervals import Interval
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, KeptModel, LogPoint, RunView
from trainer.shelf import Compared, Comparison, Scores, SplitScores
from trainer.ui import comparison_view, runs_list, words

EVIL = "<img src=x onerror=alert(1)>"
SCORES = Scores(
    validation=SplitScores(1600, Interval(0.9113, 0.89, 0.92), Interval(0.8712, 0.86, 0.9)),
    test=SplitScores(3200, Interval(0.9034, 0.89, 0.91), Interval(0.88, 0.86, 0.9)),
)
ROWS = {"train": 70, "validation": 10, "test": 20}
RUN = RunView(
    "a" * 32, name="brisk otter", source_name="moods.csv", encoder="tiny-bert", status="finished", seconds=200.0, created=1.7e9, rows=ROWS
)
TRAINING = dataclasses.replace(RUN, id="b" * 32, name="calm fox", status="running", seconds=None)


def test_a_row_says_what_a_run_is_and_reached() -> None:
    html = runs_list.of_runs([RUN], {RUN.id: SCORES})
    for said in ("brisk otter", "moods.csv · tiny-bert", "finished", "3 min 20 s", "2023-11-14T22:13:20+00:00"):
        assert said in html
    # The validation score stands first, as runs are chosen by it; the test score is told beside it.
    assert "91.1 %<small>validation</small><small>90.3 % test</small>" in html
    assert "87.1 %<small>validation</small><small>88.0 % test</small>" in html


def test_the_comparison_says_how_its_reference_was_chosen_and_what_is_corrected() -> None:
    other, third = dataclasses.replace(RUN, id="c" * 32, name="calm fox"), dataclasses.replace(RUN, id="d" * 32, name="shy hare")
    two = Comparison((Compared(RUN, Recipe(), SCORES), Compared(other, Recipe(), SCORES)), 0, ((1, paired(80, 9, 1, 5)),))
    html = comparison_view._verdicts(two)
    assert (
        "in the order of macro F1 on their validation rows, and the others are held against the first, moods, own settings (brisk otter)"
        in html
    )
    assert "No test score chose it" in html
    assert "percentage points more of them than moods, own settings (calm fox)" in html
    assert "Bonferroni" not in html
    more = dataclasses.replace(two, runs=(*two.runs, Compared(third, Recipe(), SCORES)), against=(*two.against, (2, paired(80, 1, 1, 13))))
    assert "As 2 comparisons are looked at, p values are raised and intervals widened (Bonferroni)" in comparison_view._verdicts(more)
    table = comparison_view._score_table(two)
    assert table.index("Validation macro F1") < table.index("Test macro F1")
    assert table.index("87.1 %") < table.index("91.1 %") < table.index("88.0 %") < table.index("90.3 %")


def test_without_a_model_the_validation_scores_of_the_best_so_far_stand_there_and_are_called_so() -> None:
    evaluations = (Evaluation(5, 0.5, 0.3, 0.2), Evaluation(10, 0.4, 0.812, None), Evaluation(15, 0.4, 0.7, 0.7))
    scored = dataclasses.replace(TRAINING, evaluations=evaluations, best_step=10)
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
    [
        *({"name": "other"}, {"status": "stopped"}, {"evaluations": (Evaluation(5, 0.5, 0.3, 0.2),)}),
        *({"best_step": 5}, {"seconds": 7.0}, {"damage": ("x",)}),
    ],
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


def test_a_date_says_that_it_is_in_utc_until_the_browser_writes_it_in_the_readers_time() -> None:
    html = runs_list.of_runs([RUN], {})
    assert '<time datetime="2023-11-14T22:13:20+00:00">14 Nov 2023, 22:13 UTC</time>' in html


def test_a_run_without_test_scores_is_compared_by_its_best_validation_scores() -> None:
    scored = dataclasses.replace(TRAINING, evaluations=(Evaluation(5, 0.5, 0.9, 0.8), Evaluation(10, 0.4, 0.6, 0.5)), best_step=5)
    said = comparison_view._without(Compared(scored, Recipe(), None))
    assert "On the validation rows, at its best step 5: accuracy 90.0 %, macro F1 80.0 %." in said


def test_a_comparison_of_two_runs_of_one_name_says_which_is_better() -> None:
    named = dataclasses.replace(RUN, renamed=True)
    runs = tuple(Compared(dataclasses.replace(named, id=c * 32, source_name=f"{c}.csv"), Recipe(), SCORES) for c in "ab")
    comparison = Comparison(runs, 0, ((1, paired(5, 20, 1, 3)),))
    for html in (comparison_view._verdicts(comparison), comparison_view._score_table(comparison)):
        assert "brisk otter (a.csv)" in html
        assert "brisk otter (b.csv)" in html
    assert [course.name for course in comparison_view._courses([r.view for r in runs])] == ["brisk otter (a.csv)", "brisk otter (b.csv)"]


def test_the_settings_of_a_model_are_not_those_of_more_epochs_that_failed() -> None:
    model = KeptModel(step=80, epochs=2, learning_rate=1e-3)
    failed = dataclasses.replace(RUN, status="failed", model=model, epochs=4, learning_rate=1e-3)
    html = comparison_view._difference_table([Compared(failed, Recipe(epochs=4), SCORES), Compared(RUN, Recipe(epochs=7), SCORES)])
    assert "<td>2</td>" in html
