"""Every number of the Results tab, computed again from a run's Parquet files by scikit-learn and SciPy alone (``recomputation.py``)."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from sklearn import metrics

from tests.workspace import recomputation
from tests.workspace.recomputation import RunFiles, expected_report
from tests.workspace.steps import ME
from trainer.charts.confidence import answer_chart, reliability_chart
from trainer.charts.confusion import confusion_chart
from trainer.data.corpus import Corpus
from trainer.data.reader.file_reader import FileReader
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.baseline import word_count_baseline
from trainer.evaluation.calibration import calibrate
from trainer.evaluation.mistakes import RowFilter, find_rows
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.runs.event_types import BaselineScored, Calibrated, Created, Evaluated, Finished, MajorityScored, Started
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.ui import confidence_view, insights_view, results_view

NAMES = ("1 star", "2 stars", "3 stars", "4 stars")
TRAIN, VALIDATION, TEST = 300, 600, 700
EXACT = 1e-9


def make_run(runs: Path) -> str:
    """A run of a model that is mostly right, less so for texts from the phone, and that is too unsure: it gets a temperature."""
    generator = np.random.default_rng(11)
    n = TRAIN + VALIDATION + TEST
    labels = generator.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    source = np.where(generator.random(n) < 0.3, "phone", "web")
    # Stars that are near are told apart less well.
    likely = 2.4 * np.eye(4)[labels] + 0.9 * (np.abs(labels[:, None] - np.arange(4)) == 1)
    logits = generator.normal(0, 1.1, (n, 4)) + likely * np.where(source == "phone", 0.75, 1.1)[:, None]
    # Three words of each text, of which half are of its class: too many different ones for 300 rows to know all.
    of_class = np.where(generator.random((n, 3)) < 0.5, labels[:, None], generator.integers(0, 4, (n, 3)))
    words = 60 * of_class + generator.integers(0, 60, (n, 3))
    texts = tuple(f"text {i} {'very ' * int(i % 13)}w{a} w{b} w{c}" for i, (a, b, c) in enumerate(words.tolist()))
    rows = np.arange(n)
    parts = np.split(rows, [TRAIN, TRAIN + VALIDATION])
    fitted = calibrate(logits[parts[1]], labels[parts[1]])
    powers = np.exp(logits / fitted.temperature)
    probabilities = (powers / powers.sum(axis=1, keepdims=True))[TRAIN:]
    corpus = Corpus(texts, labels, NAMES, generator.permutation(n), rows, None, ())
    split = ["validation"] * VALIDATION + ["test"] * TEST

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, Splits(*parts, rows[:0], ()), {"source": tuple(source.tolist())})
        (folder / "source").write_bytes(b"text,label\n")
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        save_predictions(folder / "predictions.parquet", Predictions(rows[TRAIN:], split, labels[TRAIN:], probabilities, NAMES))

    created = Created(name="brisk otter", owner=LOCAL_OWNER, rows={"train": TRAIN, "validation": VALIDATION, "test": TEST})
    run = RunStore(runs).create(recipe=Recipe(), resolved=Recipe(), fill=fill, created=created)
    run.log.append(Started(total_steps=10, epochs=1))
    run.log.append(MajorityScored(name=NAMES[0], validation_accuracy=0.4, accuracy=float((labels[parts[2]] == 0).mean())))
    counted = word_count_baseline(*(([texts[i] for i in part], labels[part]) for part in parts))
    of_validation = {"validation_accuracy": counted.validation.accuracy, "validation_macro_f1": counted.validation.macro_f1}
    run.log.append(
        BaselineScored(rows=counted.rows, accuracy=counted.test.accuracy, macro_f1=counted.test.macro_f1, seconds=0.1, **of_validation)
    )
    run.log.append(Evaluated(step=10, accuracy=0.8, macro_f1=0.7))
    nll = {"nll_before": fitted.nll_before, "nll_after": fitted.nll_after}
    run.log.append(Calibrated(temperature=fitted.temperature, kept=True, rows=VALIDATION, **nll))
    run.seal_results_and_log(Finished())
    run.log.append(Finished(seconds=5.0))
    return run.id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, reader: FileReader) -> Iterator[tuple[Studio, str, RunFiles]]:
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("recomputed") / "runs"), encoders=[], reader=reader)
    run_id = make_run(studio.settings.runs_dir)
    yield studio, run_id, RunFiles(studio.for_owner(ME).library.folder(run_id))
    studio.close()


def compare(said: Any, expected: Any, where: str = "") -> None:
    """The same values and keys, every number to 1e-9; a list has no entry more."""
    if isinstance(expected, dict):
        assert set(said) == set(expected), where
        for key, value in expected.items():
            compare(said[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(said) == len(expected), where
        for number, value in enumerate(expected):
            compare(said[number], value, f"{where}/{number}")
    elif isinstance(expected, str | bool | None):
        assert said == expected, where
    else:
        assert said == pytest.approx(expected, abs=EXACT, rel=0), where


def test_every_number_of_the_report_is_that_of_scikit_learn_and_scipy(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    view = studio.for_owner(ME).library.view(run_id)
    said = studio.for_owner(ME).reports.report(run_id).to_dict()
    # About how many rows a promise would need is a rough guess; that they would do is checked below.
    needed = [promise.pop("rows_needed") for promise in said["promises"]]
    expected = expected_report(files, view.calibration.temperature)
    assert set(said) - {"run", "name", "labels", "labels_cut", "suggestions", "baseline", "linear_model", "findings", "checks"} == set(
        expected
    )
    compare({name: said[name] for name in expected}, expected)
    compare(said["baseline"], recomputation.word_counts(files))
    assert said["linear_model"] is said["labels_cut"] is None
    assert any(group["surely_worse"] for group in said["subgroups"])
    kept = [promise["threshold"] is not None for promise in said["promises"]]
    assert kept == [True] * 3 + [False] * 2
    assert [rows is None for rows in needed[:3]] == [True] * 3


def test_as_many_rows_as_it_says_would_keep_a_promise(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    validation = files.split("validation").sort_values("p", ascending=False, kind="stable")
    for promise in studio.for_owner(ME).library.reports(run_id).confidence.promises:
        if promise.rows_needed is None:
            continue
        # Some number of the most confident rows, as a share of that many more, shows it; and it asks for more than there are.
        assert promise.rows_needed > VALIDATION
        shares, right = np.arange(1, VALIDATION + 1) / VALIDATION, validation.right.cumsum().to_numpy()
        accuracy = (right + 1) / (np.arange(VALIDATION) + 3)
        answered = np.ceil(shares * promise.rows_needed).astype(int)
        found = [recomputation.passes(int(a * n), int(n), promise.target, 0.0125) for a, n in zip(accuracy, answered, strict=True)]
        assert any(found), promise.target


def test_the_temperature_is_where_the_likelihood_of_the_validation_rows_is_greatest(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    fitted = studio.for_owner(ME).library.view(run_id).calibration
    validation = files.split("validation")
    logits = fitted.temperature * np.log(files.probabilities("validation"))
    true = validation.true.to_numpy()

    def likelihood(temperature: float, rows: Any = slice(None)) -> float:
        powers = np.exp(logits[rows] / temperature)
        return metrics.log_loss(true[rows], powers / powers.sum(axis=1, keepdims=True), labels=range(4))

    # Files hold single precision.
    assert fitted.nll_before == pytest.approx(likelihood(1.0), abs=1e-6)
    best = optimize.minimize_scalar(likelihood, bounds=(0.2, 5), method="bounded").x
    assert fitted.temperature == pytest.approx(best, abs=0.02)
    assert likelihood(fitted.temperature) <= fitted.nll_after < fitted.nll_before


def test_what_would_help_is_counted_again(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    found = {suggestion.code: suggestion for suggestion in studio.for_owner(ME).reports.suggestions(run_id).found}
    validation, curve = files.split("validation"), recomputation.half_and_all(files)
    wrong = validation[~validation.right]
    pairs = wrong.groupby([wrong[["true", "said"]].min(axis=1), wrong[["true", "said"]].max(axis=1)])
    (a, b), most = max(pairs, key=lambda pair: len(pair[1]))
    pair = found.pop("check_pair")
    assert (pair.classes, pair.mistakes) == ((NAMES[a], NAMES[b]), len(most))
    assert pair.evidence.startswith(
        f"{len(most)} of {len(wrong)} mistakes on validation rows are between the two; in {(most.p >= 0.8).sum()} of them"
    )
    more = found.pop("label_more")
    worth = curve["by_class"].clip(lower=0) * wrong.true.value_counts().reindex(range(4), fill_value=0)
    best = int(worth.idxmax())
    assert (more.classes, more.mistakes) == ((NAMES[best],), int((wrong.true == best).sum()))
    assert numbers(more.evidence)[:5] == [
        *(f"{100 * curve[name]:.1f}" for name in ("gain", "low", "high")),
        str(curve["half"]),
        str(curve["all"]),
    ]
    assert f"has {(files.train.true == best).sum()} training rows" in more.evidence
    assert found == {}


# The page


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)


def rows_of(table: str) -> list[list[str]]:
    """The texts of the cells of each row of an HTML table."""
    rows = re.findall(r"<tr.*?</tr>", table)
    return [[_shown(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def _shown(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def per_cent(value: float) -> str:
    return f"{100 * value:.1f} %"


def ends(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def test_the_page_shows_these_numbers_and_no_others(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    workspace = studio.for_owner(ME)
    view, reports = workspace.library.view(run_id), workspace.library.reports(run_id)
    expected, counted = expected_report(files, view.calibration.temperature), recomputation.word_counts(files)
    test = expected["test"]
    right, majority = int(files.split("test").right.sum()), test["per_class"][NAMES[0]]["support"] / TEST
    head = _shown(results_view.headline(view, "brisk otter", reports, link="")).replace("\N{NO-BREAK SPACE}", " ")
    gain = f"{100 * (test['accuracy'] - counted['accuracy']):.1f}"
    accuracy, validation = per_cent(test["accuracy"]), expected["validation"]["accuracy"]
    assert f"Right on {right} of {TEST} texts it never saw: {accuracy}" in head
    assert f"{accuracy} right ({ends(*test['intervals']['accuracy'])}), {gain} points better than counting words." in head
    assert f"most frequent {100 * majority:.0f} %" in head
    assert f"counting words {100 * counted['accuracy']:.0f} %" in head
    assert f"On the {VALIDATION} validation rows, which chose the model that was kept: {per_cent(validation)}." in head
    assert f"the same {TRAIN} training rows: {per_cent(counted['accuracy'])} of the test rows, macro F1 {counted['macro_f1']:.2f}" in head

    *class_rows, macro, weighted = rows_of(results_view.classes(reports.test, ()))[1:]
    worst_first = sorted(NAMES, key=lambda name: test["per_class"][name]["f1"])
    assert [row[0] for row in class_rows] == worst_first
    for name, _, *cells in (["", "", ""], *([row[0], "", *row[1:]] for row in class_rows)):
        if name:
            scores = test["per_class"][name]
            shown = [
                f"{scores[key]:.2f} {'–'.join(f'{end:.2f}' for end in scores['intervals'][key])}" for key in ("f1", "precision", "recall")
            ]
            assert sorted(cells) == sorted([*shown, str(scores["support"])])
    for key, row in (("macro_f1", macro), ("weighted_f1", weighted)):
        assert row[1] == f"{test[key]:.2f} {'–'.join(f'{end:.2f}' for end in test['intervals'][key])}"

    confusion = np.array(expected["confusion"])
    off = [(confusion[i, j], NAMES[i], NAMES[j], confusion[i].sum()) for i in range(4) for j in range(4) if i != j]
    listed = re.findall(r"<li>.*?</li>", results_view.confusions(reports.test))
    assert [int(numbers(_shown(line))[-2]) for line in listed] == sorted((cell[0] for cell in off), reverse=True)[:5]
    assert {_shown(line) for line in listed} <= {f"{true} predicted as {said} : {n} of {of}" for n, true, said, of in off}
    for share_of, whole in (("", None), ("true", confusion.sum(axis=1)[:, None]), ("predicted", confusion.sum(axis=0)[None, :])):
        cells = confusion_chart(reports.test, share_of=share_of)["data"][1]["text"]
        shown = confusion if whole is None else 100 * confusion / whole
        assert [int(re.sub(r"&[lg]t;| %", "", cell)) for cell in cells] == [
            min(99, round(max(value, 1))) if whole is not None else value for value in shown[confusion > 0]
        ]

    group_rows = rows_of(insights_view.subgroups_html(workspace.reports.subgroups(run_id)))[1:]
    assert [row[1:] for row in group_rows] == [
        [group["value"], f"{per_cent(group['accuracy'])} {ends(*group['interval'])}", per_cent(group["others"]), str(group["rows"])]
        for group in expected["subgroups"]
    ]
    ordered, step_rows = expected["ordered"], rows_of(insights_view.ordered_html(workspace.reports.ordered(run_id)))[1:]
    for row, key in zip(step_rows, ("mean_distance", "within_one", "quadratic_kappa"), strict=True):
        low, high = ordered["intervals"][key]
        shown = f"{per_cent(ordered[key])} {ends(low, high)}" if key == "within_one" else f"{ordered[key]:.2f} {low:.2f} to {high:.2f}"
        assert row[1] == shown


def test_the_page_shows_what_its_probabilities_are_worth(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    view, worth = studio.for_owner(ME).library.view(run_id), studio.for_owner(ME).library.reports(run_id).confidence
    expected = expected_report(files, view.calibration.temperature)
    sentence = _shown(confidence_view.calibration_html(view, worth))
    errors = {name: per_cent(part["expected_calibration_error"]) for name, part in expected["calibration"].items()}
    fitted = view.calibration
    assert numbers(sentence) == [
        f"{fitted.temperature:.2f}",
        str(VALIDATION),
        f"{fitted.nll_before:.3f}",
        f"{fitted.nll_after:.3f}",
        *(errors[name].split()[0] for name in ("after", "before")),
    ]
    for row, promise in zip(rows_of(confidence_view.promises_html(worth, None))[1:], expected["promises"], strict=True):
        assert row[0] == f"{100 * promise['target']:.0f} % right"
        if promise["threshold"] is None:
            assert row[1].startswith("Cannot be promised")
            continue
        (validation, test) = (promise[name] for name in ("validation", "test"))
        low, high = recomputation.wilson(test["right"], test["answered"])
        assert row[1:] == [
            per_cent(promise["threshold"]),
            per_cent(validation["answered"] / VALIDATION),
            per_cent(test["answered"] / TEST),
            f"{per_cent(test['right'] / test['answered'])} {ends(low, high)}",
        ]
    for name, line in zip(("before", "after"), reliability_chart(worth)["data"][1:], strict=True):
        bins = expected["calibration"][name]["bins"]
        compare([line["x"], line["y"]], [[part["confidence"] for part in bins], [part["accuracy"] for part in bins]])
        if name == "after":
            intervals = [recomputation.wilson(round(part["accuracy"] * part["rows"]), part["rows"]) for part in bins]
            compare(line["error_y"]["array"], [high - part["accuracy"] for part, (_, high) in zip(bins, intervals, strict=True)])
            compare(line["error_y"]["arrayminus"], [part["accuracy"] - low for part, (low, _) in zip(bins, intervals, strict=True)])
    test = files.split("test").sort_values("p", ascending=False, kind="stable")
    line = answer_chart(worth.curve, worth.promises, None)["data"][0]
    for share, accuracy in zip(line["x"], line["y"], strict=True):
        answered = round(share * TEST)
        compare([share, accuracy], [answered / TEST, test.right[:answered].mean()])
    assert line["x"][-1] == 1.0


def test_the_rows_of_each_cell_are_those_of_the_files(made: tuple[Studio, str, RunFiles]) -> None:
    studio, run_id, files = made
    rows, test = studio.for_owner(ME).library.predicted_rows(run_id, "test"), files.split("test")
    for i in range(4):
        for j in range(4):
            found = find_rows(rows, RowFilter(label=i, predicted=j, shown="all"))
            expected = test[(test.true == i) & (test.said == j)].sort_values("p", ascending=False, kind="stable")
            assert rows.source_rows[found].tolist() == (expected.source_row + 1).tolist()
            assert [rows.texts[k] for k in found] == expected.text.tolist()
            assert rows.confidence[found] == pytest.approx(expected.p.to_numpy(), abs=EXACT)
