"""What mended labels did: the verdict in words, and the second figure that is no headline."""

import pytest

from trainer.evaluation.comparison import RunPredictions
from trainer.evaluation.label_effect import describe_effect, describe_mended_test, label_effect


def run(right: int, n_rows: int = 200, *, first: int = 0) -> RunPredictions:
    """A run that is right in ``right`` rows, beginning with the row ``first``."""
    labels = tuple("ab"[n % 2] for n in range(n_rows))
    other = {"a": "b", "b": "a"}
    predicted = tuple(label if first <= n < first + right else other[label] for n, label in enumerate(labels))
    return RunPredictions(tuple(f"text {n}" for n in range(n_rows)), labels, predicted, frozenset())


@pytest.mark.parametrize(
    ("before", "after", "verdict", "headline"),
    [
        (run(150), run(180), "better", "Better by 15.0 points (10.1 to 20.3)"),
        (run(180), run(150), "worse", "Worse by 15.0 points (10.1 to 20.3)"),
        (run(150), run(152, first=2), "no difference", "No difference that could be told from chance"),
        (run(150), run(150), "no difference", "No difference that could be told from chance"),
    ],
)
def test_the_verdict_is_that_of_the_paired_test(before: RunPredictions, after: RunPredictions, verdict: str, headline: str) -> None:
    effect = label_effect(before, after, {})
    assert effect.verdict == verdict
    assert describe_effect(effect)[0] == headline
    assert "On 200 test rows that nobody touched" in describe_effect(effect)[1]
    assert effect.mended is None
    assert effect.to_dict()["verdict"] == verdict


def test_runs_without_a_test_row_in_common_have_no_verdict() -> None:
    other = RunPredictions(("another text",), ("a",), ("a",), frozenset())
    assert label_effect(run(150), other, {}).verdict == "no rows"
    assert describe_effect(label_effect(run(150), other, {}))[0] == "The two models cannot be compared"


def test_changed_test_labels_change_only_the_second_figure() -> None:
    before, after = run(150), run(180)
    mended = {"text 199": "a", "text 198": "b", "text 197": None, "a training row": "a"}
    effect = label_effect(before, after, mended)
    assert effect.paired == label_effect(before, after, {}).paired
    assert (effect.mended.rows, effect.mended.changed, effect.mended.dropped) == (199, 2, 1)
    assert effect.mended.before == pytest.approx(152 / 199)
    assert effect.mended.after == pytest.approx(182 / 199)
    assert describe_mended_test(effect.mended).startswith("A second figure, with 2 changed test labels and 1 dropped counted: 91.5 % now")
