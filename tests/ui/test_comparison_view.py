"""The comparison as HTML: which run is better and why, what differs, and that no word is markup."""

import dataclasses
from collections.abc import Sequence

from tests.ui.test_runs_list import EVIL, RUN, SCORES, TRAINING
from trainer.evaluation.comparison import ComparedRun, Comparison, compare_counts
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Scores, SplitScores
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, KeptModel
from trainer.ui import comparison_view, run_names


def titles(runs: Sequence[ComparedRun]) -> dict[str, str]:
    views = [run.view for run in runs]
    return dict(zip((view.id for view in views), run_names.titles(views), strict=True))


def of_one_file(*runs: ComparedRun, paired: tuple = ()) -> Comparison:
    return Comparison(runs, 0, paired, same_file=True)


def differences(runs: Sequence[ComparedRun]) -> str:
    return comparison_view._difference_table(runs, titles(runs))


def test_it_says_how_its_reference_was_chosen_and_what_is_corrected() -> None:
    other, third = dataclasses.replace(RUN, id="c" * 32, name="calm fox"), dataclasses.replace(RUN, id="d" * 32, name="shy hare")
    two = of_one_file(ComparedRun(RUN, Recipe(), SCORES), ComparedRun(other, Recipe(), SCORES), paired=((1, compare_counts(80, 9, 1, 5)),))
    html = comparison_view._test_results(two, titles(two.runs))
    assert (
        "sorted by macro F1 on their validation rows, and the others are compared with the first, my moods, quick look (brisk otter)"
        in html
    )
    assert "No test score chose it" in html
    assert "percentage points more of them than my moods, quick look (calm fox)" in html
    assert "Bonferroni" not in html
    several = dataclasses.replace(
        two, runs=(*two.runs, ComparedRun(third, Recipe(), SCORES)), paired=(*two.paired, (2, compare_counts(80, 1, 1, 13)))
    )
    assert "For 2 comparisons, p values are raised and intervals widened (Bonferroni)" in comparison_view._test_results(
        several, titles(several.runs)
    )
    table = comparison_view._score_table(two, titles(two.runs))
    assert table.index("Validation macro F1") < table.index("Test macro F1")
    assert table.index("87.1 %") < table.index("91.1 %") < table.index("88.0 %") < table.index("90.3 %")
    assert "90.3 %<small>89.0 to 91.0 %, 3,200 rows</small>" in table


def test_few_rows_are_counted() -> None:
    few = SplitScores(4, Interval(0.75, 0.25, 1.0), Interval(0.7, 0.2, 1.0))
    one = of_one_file(ComparedRun(RUN, Recipe(), Scores(few, few)))
    table = comparison_view._score_table(one, titles(one.runs))
    assert "3 of 4 right<small>too few rows to say</small>" in table
    assert "%<" not in table


def test_runs_of_several_files_get_a_sentence_and_no_charts() -> None:
    other = dataclasses.replace(RUN, id="c" * 32, source_name="bank.csv")
    runs = (ComparedRun(RUN, Recipe(), SCORES), ComparedRun(other, Recipe(), SCORES))
    view = comparison_view.ComparisonView(*(object() for _ in dataclasses.fields(comparison_view.ComparisonView)))
    apart = comparison_view.show(view, Comparison(runs, 0, ((1, compare_counts(80, 9, 1, 5)),)), titles(runs), "Accuracy")
    assert "trained on different files" in apart[view.summary]
    assert "percentage points" not in apart[view.summary]
    assert "em-several-files" in apart[view.summary]
    assert (apart[view.loss], apart[view.score]) == (None, None)
    together = comparison_view.show(view, of_one_file(*runs), titles(runs), "Accuracy")
    assert "em-several-files" not in together[view.summary]
    assert together[view.loss]
    assert together[view.score]


def test_runs_of_one_file_are_called_without_it() -> None:
    views = [
        RUN,
        dataclasses.replace(RUN, id="c" * 32, name="calm fox"),
        dataclasses.replace(RUN, id="d" * 32, name="the good one", renamed=True),
    ]
    named = dict(zip((v.id for v in views), run_names.titles(views), strict=True))
    assert list(comparison_view._titles_without_file(views, named).values()) == [
        "quick look (brisk otter)",
        "quick look (calm fox)",
        "the good one",
    ]
    views[1] = dataclasses.replace(views[1], source_name="bank.csv")
    assert comparison_view._titles_without_file(views, named) == named
    assert "2 runs compared" in comparison_view._heading(of_one_file(*(ComparedRun(v, Recipe(), SCORES) for v in views[:2])))


def test_charts_label_lines_by_what_differs() -> None:
    best = dataclasses.replace(RUN, id="c" * 32, name="calm fox", level="Best")
    assert comparison_view._short_names([RUN, best]) == ["quick look", "best"]
    assert comparison_view._short_names([RUN, dataclasses.replace(best, level="Quick look")]) == ["brisk otter", "calm fox"]


def test_the_settings_of_a_damaged_recipe_are_called_damaged() -> None:
    whole, damaged = ComparedRun(RUN, Recipe(), SCORES), ComparedRun(TRAINING, None, None, "The settings of calm fox are damaged.")
    assert dict(comparison_view._settings([whole, damaged]))["Epochs"][1] == "damaged"


def test_only_settings_that_differ_are_listed_and_automatic_ones_with_the_value_used() -> None:
    one = ComparedRun(dataclasses.replace(RUN, epochs=6, learning_rate=3e-5), Recipe(), SCORES)
    other = ComparedRun(
        dataclasses.replace(RUN, id="c" * 32, epochs=3, learning_rate=3e-5), Recipe(epochs=3, repairs=("label_variants",)), SCORES
    )
    html = differences([one, other])
    for expected in ("Epochs", "6 (automatic)", ">3</td>", "Repairs", ">none</td>", "label written as most rows write it"):
        assert expected in html
    for same in ("Seed", "Data", "Test rows", "Encoder"):
        assert same not in html
    assert "All settings are the same." in differences([one, dataclasses.replace(one, view=dataclasses.replace(one.view, id="c" * 32))])


def test_a_run_without_test_scores_is_compared_by_its_best_validation_scores() -> None:
    scored = dataclasses.replace(TRAINING, evaluations=(Evaluation(5, 0.5, 0.9, 0.8), Evaluation(10, 0.4, 0.6, 0.5)), best_step=5)
    html = comparison_view._no_model_cell(ComparedRun(scored, Recipe(), None))
    assert "On the validation rows, at its best step 5: accuracy 90.0 %, macro F1 80.0 %." in html


def test_two_runs_of_one_name_are_told_apart() -> None:
    named = dataclasses.replace(RUN, renamed=True)
    runs = tuple(ComparedRun(dataclasses.replace(named, id=c * 32, source_name=f"{c}.csv"), Recipe(), SCORES) for c in "ab")
    comparison = of_one_file(*runs, paired=((1, compare_counts(5, 20, 1, 3)),))
    for html in (comparison_view._test_results(comparison, titles(runs)), comparison_view._score_table(comparison, titles(runs))):
        assert "brisk otter (a.csv)" in html
        assert "brisk otter (b.csv)" in html
    assert [course.name for course in comparison_view._curves([r.view for r in runs])] == ["brisk otter (a.csv)", "brisk otter (b.csv)"]


def test_the_settings_of_a_model_are_not_those_of_more_epochs_that_failed() -> None:
    model = KeptModel(step=80, epochs=2, learning_rate=1e-3)
    failed = dataclasses.replace(RUN, id="c" * 32, status="failed", model=model, epochs=4, learning_rate=1e-3)
    assert ">2</td>" in differences([ComparedRun(failed, Recipe(epochs=4), SCORES), ComparedRun(RUN, Recipe(epochs=7), SCORES)])


def test_nothing_that_somebody_typed_is_markup() -> None:
    evil = dataclasses.replace(RUN, name=EVIL, renamed=True, source_name=EVIL, encoder=EVIL)
    clean = dataclasses.replace(RUN, id="c" * 32)
    runs = (ComparedRun(evil, Recipe(), SCORES), ComparedRun(clean, Recipe(epochs=3), None, EVIL), ComparedRun(TRAINING, Recipe(), SCORES))
    comparison = of_one_file(*runs, paired=((2, compare_counts(5, 2, 1, 3)),))
    named = titles(runs)
    for html in (
        comparison_view._score_table(comparison, named),
        comparison_view._test_results(comparison, named),
        comparison_view._difference_table(runs, named),
        comparison_view._heading(of_one_file(runs[0])),
    ):
        assert "<img" not in html
        assert "&lt;img src=x" in html
