"""Scores of the validation rows while a model is trained, with their standard errors; report.py has those of a finished run.

Which checkpoint is kept by them: see checkpoint_selection.py.
"""

import numpy as np


def single_label_metrics(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Accuracy and macro F1 in 0..1, each with its ``_error``, and the number of distinct ``classes`` among the predictions.

    Both are class ids, int (n,): the labels, and what is said of the same rows.
    """
    # Imported late: it takes a second, and the losses, which predicting imports too, name these metrics.
    from sklearn.metrics import f1_score

    errors = standard_errors(labels, said)
    return {
        **{f"{name}_error": error for name, error in errors.items()},
        "accuracy": float((said == labels).mean()),
        "macro_f1": float(f1_score(labels, said, average="macro", zero_division=0)),
        "classes": float(len(np.unique(said))),
    }


def several_label_metrics(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """The same scores for several labels a text: accuracy is the share of rows with all labels right.

    Both are multi-hot, (n, k). Macro F1 is the mean over the labels that occur in these rows or are said of them; its standard error is the delta
    method's, in which each row contributes its derivative.
    """
    labels = labels.astype(np.int64)
    right = (said == labels).all(axis=1)
    both = np.maximum((labels + said).sum(axis=0), 1)
    occurring = (labels + said).any(axis=0)
    f1 = 2 * (labels * said).sum(axis=0) / both
    labels_that_occur = max(int(occurring.sum()), 1)
    contributions = ((2 * labels * said - f1 * (labels + said)) / both).sum(axis=1) / labels_that_occur
    return {
        "accuracy_error": float(right.std() / np.sqrt(len(labels))),
        "macro_f1_error": float(np.sqrt((contributions**2).sum())),
        "accuracy": float(right.mean()),
        "macro_f1": float(f1.sum() / labels_that_occur),
        "classes": float((said.sum(axis=0) > 0).sum()),
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
