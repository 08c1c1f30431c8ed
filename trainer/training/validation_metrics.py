"""Scores of the validation rows while a model is trained, with their standard errors; report.py has those of a finished run.

Chooses nothing: see checkpoint_selection.py.
"""

import numpy as np


def single_label_metrics(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy and macro F1 in 0..1, each with its ``_error``, and the number of distinct ``classes`` among the predictions.

    Both arrays are class ids, int (n,).
    """
    # Imported late: it takes a second, and the losses, which predicting imports too, name these metrics.
    from sklearn.metrics import f1_score

    errors = standard_errors(labels, predicted)
    return {
        **{f"{name}_error": error for name, error in errors.items()},
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(f1_score(labels, predicted, average="macro", zero_division=0)),
        "classes": float(len(np.unique(predicted))),
    }


def standard_errors(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Standard errors of accuracy and macro F1; both arrays are class ids, int (n,).

    Macro F1 uses the delta method: the F1 of a class is 2 hits / (true + predicted), and each row contributes its derivative.
    """
    correct = predicted == labels
    classes = 1 + max(labels.max(), predicted.max())
    totals = np.maximum(np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes), 1)
    f1 = 2 * np.bincount(labels[correct], minlength=classes) / totals
    occurring = len(np.union1d(labels, predicted))
    contributions = ((2 * correct - f1[labels]) / totals[labels] - f1[predicted] / totals[predicted]) / occurring
    return {
        "accuracy": float(correct.std() / np.sqrt(len(labels))),
        "macro_f1": float(np.sqrt((contributions**2).sum())),
    }
