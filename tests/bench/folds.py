"""How often the interval of a score from folds holds the accuracy on the official test file: 200 draws of 150 emotion tweets, and the frozen rung.

The model is a logistic regression on the unchanged packaged encoder, trained as the app trains it: a tenth of the rows it has validates. The rival is
the interval of as many independent test rows (Wilson).
"""

import numpy as np

from tests.bench.promises import _read
from trainer.data.folds import assign_folds, choose_validation
from trainer.evaluation.intervals import folds_design_effect, wilson_interval
from trainer.training.linear_fits import fit_linear_model

DRAWS, ROWS, FOLDS, POOL = 200, 150, 5, 2_500
_VALIDATION_SHARE, _SEED = 0.1, 42


def measure() -> dict[str, object]:
    """The share of the draws in which each interval holds the accuracy of the model of all rows on the test file, and half of its mean width."""
    (features, labels), (test_features, test_labels) = _embedded()
    rng, found = np.random.default_rng(0), []
    classes = int(labels.max()) + 1
    for _ in range(DRAWS):
        drawn = rng.permutation(len(labels))[:ROWS]
        x, y, groups = features[drawn], labels[drawn], np.arange(ROWS)

        def trained(rows: np.ndarray, x=x, y=y, groups=groups):
            learned = rows[~choose_validation(y, groups, rows, _VALIDATION_SHARE, _SEED)]
            return fit_linear_model(x[learned], y[learned], classes)

        folds, right = assign_folds(y, groups, FOLDS, _SEED), np.zeros(ROWS, dtype=bool)
        for fold in range(FOLDS):
            held_out = np.flatnonzero(folds == fold)
            right[held_out] = _said(trained(np.flatnonzero(folds != fold)), x[held_out]) == y[held_out]
        found.append((right.mean(), np.mean(_said(trained(groups), test_features) == test_labels)))
    scores, truth = np.array(found).T
    result: dict[str, object] = {"folds_score": float(scores.mean()), "folds_test_accuracy": float(truth.mean())}
    for name, effect in (("corrected", folds_design_effect(FOLDS)), ("wilson", 1.0)):
        low, high = wilson_interval(scores, ROWS / effect)
        result[f"folds_{name}_covers"] = float(((low <= truth) & (truth <= high)).mean())
        result[f"folds_{name}_half_width"] = float((high - low).mean() / 2)
    return result


def show(measured: dict[str, object]) -> None:
    """Print two lines."""
    print(
        f"score from {FOLDS} folds of {ROWS} rows {measured['folds_score']:.1%}, on the test file {measured['folds_test_accuracy']:.1%} (means of {DRAWS} draws)"
    )
    for name in ("corrected", "wilson"):
        covers, half = measured[f"folds_{name}_covers"], measured[f"folds_{name}_half_width"]
        print(f"{name} interval: holds it in {covers:.1%} of the draws (wanted: 90 %), {100 * half:.1f} points either way")


def _said(model, features: np.ndarray) -> np.ndarray:
    return np.argsort(model.logits(features), axis=1, kind="stable")[:, -1]


def _embedded() -> list[tuple[np.ndarray, np.ndarray]]:
    """What the unchanged encoder makes of a pool of training tweets and of the test file, with their labels."""
    from trainer.data.task import SINGLE_LABEL
    from trainer.recipe import Recipe
    from trainer.training.classifier import build_classifier
    from trainer.training.encoder_catalogue import EncoderCatalogue
    from trainer.training.encoder_loading import load_tokenizer
    from trainer.training.exclusive_loading import load_training_libraries
    from trainer.training.hardware import detect_hardware, with_precision
    from trainer.training.linear_model import embed
    from trainer.training.tokenized_dataset import tokenize_dataset

    load_training_libraries()
    (texts, labels), test = _read("train"), _read("test")
    names, pool = sorted(set(labels)), np.random.default_rng(5).permutation(len(texts))[:POOL]
    encoder, hardware = EncoderCatalogue().default, with_precision(detect_hardware(), "fp32")
    recipe = Recipe(method="frozen").resolved(
        train_rows=ROWS, learning_rate=encoder.learning_rate, pooling=encoder.pooling, classes=len(names)
    )
    model = build_classifier(encoder, tuple(names), recipe, SINGLE_LABEL)
    tokenizer = load_tokenizer(encoder, max_length=recipe.max_length)
    parts = [([texts[i] for i in pool], [labels[i] for i in pool]), test]
    embedded = []
    for part_texts, part_labels in parts:
        ids = np.array([names.index(label) for label in part_labels])
        embedded.append((embed(model, tokenize_dataset(tokenizer, part_texts, ids), tokenizer, hardware), ids))
    return embedded


if __name__ == "__main__":
    show(measure())
