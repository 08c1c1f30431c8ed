"""Calibration and promises in 400 resampled splits of emotion tweets: how often a promise is broken, and whether the temperature helps.

The model is a linear one on word counts, which takes seconds; the rival is the naive threshold, the lowest with enough right validation rows. The same
for several labels a text (GoEmotions, as many splits), whose cuts are chosen on the same validation rows.
"""

import numpy as np

from tests.bench.several_labels import multi_hot
from tests.bench.several_labels import read as read_goemotions
from tests.conftest import SHARED
from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.abstaining import NEVER, answers, find_threshold
from trainer.evaluation.calibration import calibrate, row_nll
from trainer.evaluation.confidence import statements
from trainer.evaluation.predictions import Predictions

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
        mistaken = np.where(right, NEVER, confidence)
        for target in TARGETS:
            threshold = find_threshold(confidence[validation], mistaken[validation], target)
            given[target] += threshold is not None
            for rule, value in (("kept", threshold), ("naive", _naive(confidence[validation], right[validation], target))):
                part = None if value is None else answers(confidence[test], mistaken[test], value)
                broken[rule, target] += part is not None and part.answered > 0 and part.right / part.answered < target
    shares = {f"promise_{target:.2f}_{rule}_broken": broken[rule, target] / SPLITS for rule, target in broken}
    return {
        **shares,
        **{f"promise_{t:.2f}_given": given[t] / SPLITS for t in TARGETS},
        "calibrated_nll_worse": worse / SPLITS,
        **_of_several(),
    }


def _of_several() -> dict[str, object]:
    """Shares of the splits in which a promise of labels is broken on all rows beyond the validation rows, or given, and the mean share of texts answered."""
    probabilities, labels = _scored_labels()
    names = tuple(map(str, range(labels.shape[1])))
    generator = np.random.default_rng(1)
    broken, given, answered = (dict.fromkeys(TARGETS, 0.0) for _ in range(3))
    for _ in range(SPLITS):
        order = generator.permutation(len(labels))
        validation, test = order[:VALIDATION_ROWS], order[VALIDATION_ROWS:]
        task = SEVERAL_LABELS.with_cuts(SEVERAL_LABELS.choose_cuts(labels[validation], probabilities[validation]))
        found = {}
        for name, rows in (("validation", validation), ("test", test)):
            part = Predictions(rows, np.full(len(rows), name), labels[rows], probabilities[rows], names, task)
            found[name] = statements(part, part.probabilities).surest
        for target in TARGETS:
            threshold = find_threshold(*found["validation"], target)
            if threshold is not None:
                part = answers(*found["test"], threshold)
                given[target] += 1
                broken[target] += part.answered > 0 and part.right / part.answered < target
                answered[target] += part.answered / part.rows
    return {
        f"labels_{target:.2f}_{name}": value / (SPLITS if name != "answered" else max(given[target], 1))
        for name, values in (("broken", broken), ("given", given), ("answered", answered))
        for target, value in values.items()
    }


def show(measured: dict[str, object]) -> None:
    """Print a table."""
    for target in TARGETS:
        kept, naive, given = (measured[f"promise_{target:.2f}_{name}"] for name in ("kept_broken", "naive_broken", "given"))
        print(
            f"promise {target:.0%}: given in {given:.1%} of {SPLITS} splits, broken in {kept:.1%} (allowed: 8 %); naive threshold: {naive:.1%}"
        )
    for target in TARGETS:
        broken, given, answered = (measured[f"labels_{target:.2f}_{name}"] for name in ("broken", "given", "answered"))
        print(
            f"labels, promise {target:.0%}: given in {given:.1%}, broken in {broken:.1%} (allowed: 8 %), {answered:.1%} of the texts answered"
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


def _scored_labels() -> tuple[np.ndarray, np.ndarray]:
    """The probabilities (n, 28) by models of word counts that learned from 15,000 of GoEmotions' training texts, and the labels, of the 10,853 others."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, others = read_goemotions("train")[:15_000], [*read_goemotions("dev"), *read_goemotions("test")]
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2)
    features = vectorizer.fit_transform(text for text, _ in train)
    held_out = vectorizer.transform(text for text, _ in others)
    learned, labels = multi_hot(train, 28), multi_hot(others, 28)
    models = (LogisticRegression(C=3, solver="liblinear").fit(features, column) for column in learned.T)
    return SEVERAL_LABELS.probabilities(np.stack([model.decision_function(held_out) for model in models], axis=1)), labels


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
