"""Temperature scaling against scikit-learn's, and the reliability diagram against its definition."""

import numpy as np
import pytest

from trainer.evaluation.calibration import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    reliability,
    row_nll,
    without_temperature,
)


def rows(n: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model whose honest ones are divided by this temperature, and labels."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(0, 1.5, (n, 4))
    powers = np.exp(honest)
    labels = np.array([generator.choice(4, p=p) for p in powers / powers.sum(axis=1, keepdims=True)])
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.5, 1.6, 4.0])
def test_the_temperature_of_a_model_is_found(temperature: float) -> None:
    logits, labels = rows(4000, temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)
    fitted = calibrate(logits, labels)
    assert fitted.kept
    assert fitted.nll_before == pytest.approx(row_nll(logits, labels).mean(), abs=1e-12)


def test_the_log_likelihood_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import log_loss

    logits, labels = rows(300, 2.0)
    powers = np.exp(logits)
    assert row_nll(logits, labels).mean() == pytest.approx(log_loss(labels, powers / powers.sum(axis=1, keepdims=True)), abs=1e-9)


def test_no_temperature_is_kept_that_does_not_help_rows_it_has_not_seen() -> None:
    kept = [calibrate(*rows(60, 1.0, seed)).kept for seed in range(12)]
    assert sum(kept) <= 6
    assert calibrate(*rows(29, 3.0)) is None
    logits, labels = rows(40, 1.0)
    logits[3, 1] = np.inf
    assert calibrate(logits, labels) is None


def test_a_model_that_is_always_right_keeps_a_doubt() -> None:
    logits = np.eye(3)[np.arange(60) % 3] * 8
    fitted = calibrate(logits, np.arange(60) % 3)
    confidence = np.exp(-row_nll(logits / fitted.temperature, np.arange(60) % 3))
    assert np.all((confidence > 0.97) & (confidence < 0.995))


def test_the_probabilities_before_a_temperature_are_found_again() -> None:
    logits, _ = rows(50, 1.0)

    def probabilities(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values)
        return powers / powers.sum(axis=1, keepdims=True)

    assert np.allclose(without_temperature(probabilities(logits / 1.7), 1.7), probabilities(logits), atol=1e-12)


def test_bins_have_equally_many_rows_and_the_error_is_their_weighted_distance() -> None:
    generator = np.random.default_rng(5)
    confidence = generator.random(1003)
    right = generator.random(1003) < confidence**2
    bins = reliability(confidence, right)
    assert len(bins) == 10
    assert {part.rows for part in bins} == {100, 101}
    order, start, error = np.argsort(confidence), 0, 0.0
    for part in bins:
        chosen = order[start : start + part.rows]
        start += part.rows
        assert part.confidence == pytest.approx(confidence[chosen].mean(), abs=1e-12)
        assert part.accuracy.value == pytest.approx(right[chosen].mean(), abs=1e-12)
        error += part.rows * abs(confidence[chosen].mean() - right[chosen].mean())
    assert expected_calibration_error(bins) == pytest.approx(error / 1003, abs=1e-12)
    assert len(reliability(confidence[:39], right[:39])) == 1
    assert reliability(confidence[:0], right[:0]) == ()
