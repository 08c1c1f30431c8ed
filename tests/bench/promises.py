"""Calibration and promises in 400 resampled splits of emotion tweets: how often a promise is broken, and whether the temperature helps.

The model is a linear one on word counts, which takes seconds; the rival is the naive threshold, the lowest with enough right validation rows.
"""

import numpy as np

from tests.conftest import SHARED
from trainer.evaluation.abstaining import answers, find_threshold
from trainer.evaluation.calibration import calibrate, row_nll

EMOTION = SHARED / "data" / "emotion"
SPLITS, VALIDATION_ROWS = 400, 1000
TARGETS = (0.85, 0.90, 0.95)


def measure() -> dict[str, object]:
    """Shares of the splits in which a promise is broken on all rows beyond the validation rows, or not given; and of NLL that got worse."""
    logits, labels = _scored_rows()
    right = logits.argmax(axis=1) == labels
    generator = np.random.default_rng(1)
    broken = {(rule, target): 0 for rule in ("kept", "naive") for target in TARGETS}
    given, worse = dict.fromkeys(TARGETS, 0), 0
    for _ in range(SPLITS):
        order = generator.permutation(len(labels))
        validation, test = order[:VALIDATION_ROWS], order[VALIDATION_ROWS:]
        fitted = calibrate(logits[validation], labels[validation])
        temperature = fitted.temperature if fitted and fitted.kept else 1.0
        worse += row_nll(logits[test] / temperature, labels[test]).mean() > row_nll(logits[test], labels[test]).mean()
        confidence = _confidence(logits / temperature)
        for target in TARGETS:
            threshold = find_threshold(confidence[validation], right[validation], target)
            given[target] += threshold is not None
            for rule, value in (("kept", threshold), ("naive", _naive(confidence[validation], right[validation], target))):
                part = None if value is None else answers(confidence[test], right[test], value)
                broken[rule, target] += part is not None and part.answered > 0 and part.right / part.answered < target
    shares = {f"promise_{target:.2f}_{rule}_broken": broken[rule, target] / SPLITS for rule, target in broken}
    return {**shares, **{f"promise_{t:.2f}_given": given[t] / SPLITS for t in TARGETS}, "calibrated_nll_worse": worse / SPLITS}


def show(measured: dict[str, object]) -> None:
    """Print a table."""
    for target in TARGETS:
        kept, naive, given = (measured[f"promise_{target:.2f}_{name}"] for name in ("kept_broken", "naive_broken", "given"))
        print(
            f"promise {target:.0%}: given in {given:.1%} of {SPLITS} splits, broken in {kept:.1%} (allowed: 8 %); naive threshold: {naive:.1%}"
        )
    print(f"temperature: log-likelihood of the test rows worse in {measured['calibrated_nll_worse']:.1%} of the splits (allowed: 10 %)")


def _scored_rows() -> tuple[np.ndarray, np.ndarray]:
    """The logits of a model that learned from the training tweets, and the labels, of the 4,000 others."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    (train, train_labels), *others = (_read(name) for name in ("train", "val", "test"))
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=3, max_iter=200).fit(vectorizer.fit_transform(train), train_labels)
    texts, labels = [text for part, _ in others for text in part], [label for _, part in others for label in part]
    names = {name: i for i, name in enumerate(model.classes_)}
    return model.decision_function(vectorizer.transform(texts)), np.array([names[label] for label in labels])


def _read(name: str) -> tuple[list[str], list[str]]:
    lines = (EMOTION / f"dair_{name}.txt").read_text(encoding="utf-8").splitlines()
    texts, labels = zip(*(line.rsplit(";", 1) for line in lines if ";" in line), strict=True)
    return list(texts), list(labels)


def _confidence(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).max(axis=1)


def _naive(confidence: np.ndarray, right: np.ndarray, target: float) -> float | None:
    """The lowest threshold with enough right validation rows."""
    order = np.argsort(-confidence)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(accuracy >= target)
    return float(confidence[order][enough[-1]]) if len(enough) else None


if __name__ == "__main__":
    show(measure())
