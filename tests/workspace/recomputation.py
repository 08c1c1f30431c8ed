"""What a report says, computed another way: from the Parquet files of a run, by scikit-learn and SciPy, with the definitions that the page states.

Imports nothing of the evaluation that it checks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy import stats
from sklearn import metrics
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.svm import LinearSVC

TARGETS = (0.80, 0.85, 0.90, 0.95, 0.98)
_Z = stats.norm.ppf(0.975)
_SEED = 20_240_229
"""Of the baseline and of the learning curve."""


class RunFiles:
    """The rows of a run as its two files have them: true class, predicted class and probabilities of a split, and the texts."""

    def __init__(self, folder: Path) -> None:
        table = pq.read_table(folder / "data.parquet")
        self.names: list[str] = json.loads(table.schema.metadata[b"emotune"])["label_names"]
        self.data = table.to_pandas()
        self._predictions = pq.read_table(folder / "predictions.parquet").to_pandas()

    def split(self, name: str) -> pd.DataFrame:
        """``true``, ``said``, ``p`` (of the predicted class), ``right`` and the columns of the data of each row."""
        part, probabilities = self._part(name), self.probabilities(name)
        said = probabilities.argmax(axis=1)
        frame = pd.DataFrame(
            {"row": part.row, "true": part.label, "said": said, "p": probabilities.max(axis=1), "right": said == part.label}
        )
        return frame.join(self.data, on="row", rsuffix="_of_data")

    def probabilities(self, name: str) -> np.ndarray:
        """Of each row of a split, (n, k)."""
        return np.stack(self._part(name).probabilities.to_list()).astype(float)

    def _part(self, name: str) -> pd.DataFrame:
        return self._predictions[self._predictions.split == name].reset_index(drop=True)

    @property
    def train(self) -> pd.DataFrame:
        part = self.data[self.data.split == "train"]
        return part.assign(true=part.label.map(self.names.index))


def expected_report(files: RunFiles, temperature: float | None) -> dict[str, Any]:
    """What ``RunReport.to_dict`` has to say, except of checks and baselines; "rows_needed", which is only about so many, is left out."""
    test, validation = files.split("test"), files.split("validation")
    return {
        "test": scores(test, files.names),
        "validation": scores(validation, files.names),
        "calibration": calibration(test, files.probabilities("test"), temperature),
        "promises": [promise(target, validation, test) for target in TARGETS],
        "confusion": metrics.confusion_matrix(test.true, test.said, labels=range(len(files.names))).tolist(),
        "ordered": steps(test, files.names),
        "subgroups": groups(test),
    }


# Scores


def wilson(hits: float, rows: float) -> list[float]:
    """The shares that a score test does not reject (Wilson 1927): the roots of (share - p)^2 = z^2 p (1 - p) / rows."""
    share, z2 = hits / rows, _Z**2
    low, high = sorted(np.roots([1 + z2 / rows, -(2 * share + z2 / rows), share**2]).real.tolist())
    return [min(max(low, 0.0), share), max(min(high, 1.0), share)]


def scores(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """A report of one split, all of whose classes occur and are predicted."""
    true, said = rows.true.to_numpy(), rows.said.to_numpy()
    confusion = metrics.confusion_matrix(true, said, labels=range(len(names)))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(true, said, labels=range(len(names)))
    per_class = {}
    for i, name in enumerate(names):
        hits, either = confusion[i, i], ((true == i) | (said == i)).sum()
        ends = {
            "precision": wilson(hits, (said == i).sum()),
            "recall": wilson(hits, support[i]),
            # F1 is 2 s / (1 + s) of the share s of the rows that are one or the other.
            "f1": [2 * end / (1 + end) for end in wilson(hits, either)],
        }
        per_class[name] = {"precision": precision[i], "recall": recall[i], "f1": f1[i], "support": support[i], "intervals": ends}
    most = np.bincount(true).argmax()
    return {
        "accuracy": metrics.accuracy_score(true, said),
        "macro_f1": metrics.f1_score(true, said, average="macro"),
        "weighted_f1": metrics.f1_score(true, said, average="weighted"),
        "per_class": per_class,
        "rows": len(rows),
        "folds": 0,
        "intervals": {
            "accuracy": wilson((true == said).sum(), len(rows)),
            "macro_f1": average_interval(confusion, weighted=False),
            "weighted_f1": average_interval(confusion, weighted=True),
        },
        "majority": {"name": names[most], "share": (true == most).mean()},
    }


def average_interval(confusion: np.ndarray, *, weighted: bool) -> list[float]:
    """The ends for an average of F1 by the delta method, no end of which rises with a mistake more."""
    value = _average(confusion, weighted)
    low, high = _ends(confusion.astype(float), weighted)
    return [min(low, value, *(_ends(better, weighted)[0] for better in _with_fewer_mistakes(confusion))), max(high, value)]


def _average(confusion: np.ndarray, weighted: bool) -> Any:
    """The mean of the classes' F1; of a matrix of complex numbers too."""
    truth = confusion.sum(axis=1)
    weights = truth / truth.sum() if weighted else np.full(len(truth), 1 / len(truth))
    return (weights * 2 * confusion.diagonal() / (truth + confusion.sum(axis=0))).sum()


def _ends(confusion: np.ndarray, weighted: bool) -> list[float]:
    rows, k, truth = confusion.sum(), len(confusion), confusion.sum(axis=1)
    # Four rows more of each class, which are wrong as often as all rows are, and then go to every other class alike.
    wrong = (rows - np.trace(confusion) + 1) / (rows + 2)
    smooth = confusion + 4 * np.where(np.eye(k) > 0, 1 - wrong, wrong / (k - 1))
    shrunk = smooth * (truth / smooth.sum(axis=1))[:, None]
    gradient = _gradient(lambda cells: _average(cells, weighted), shrunk)
    centre, variance = _average(confusion, weighted), (shrunk * gradient**2).sum()
    if weighted:
        centre = _average(shrunk, weighted=True)
        return _ends_of_share(_average(confusion, weighted=True), centre, variance)
    # The second order of a ratio to the rows that are of the class or said to be.
    both = np.maximum(truth + confusion.sum(axis=0), 2)
    f1 = 2 * smooth.diagonal() / (smooth.sum(axis=1) + smooth.sum(axis=0))
    second = f1 * (1 - f1) / both
    return _ends_of_share(centre + second.mean(), _average(shrunk, weighted=False), variance + 2 * (second / both).sum() / k**2)


def _ends_of_share(centre: float, share: float, variance: float) -> list[float]:
    """Wilson's ends around ``centre`` of as many rows as give a ``share`` this variance."""
    rows = share * (1 - share) / variance
    return wilson(min(centre, 1.0) * rows, rows)


def _gradient(function: Callable[[np.ndarray], Any], at: np.ndarray) -> np.ndarray:
    """By complex steps, exact to the last digit (Squire & Trapp 1998, Using complex variables to estimate derivatives)."""
    gradient = np.zeros(at.shape)
    for cell in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[cell] += 1e-30j
        gradient[cell] = function(moved).imag / 1e-30
    return gradient


def _with_fewer_mistakes(confusion: np.ndarray) -> list[np.ndarray]:
    """A quarter, half, three quarters and all mistakes undone, those of one class, and all but those of one class."""
    right = np.diag(confusion.sum(axis=1)).astype(float)
    found = [confusion + share * (right - confusion) for share in (0.25, 0.5, 0.75, 1.0)]
    for i in range(len(confusion)):
        here = (np.arange(len(confusion)) == i)[:, None]
        found += [np.where(here, right, confusion), np.where(here, confusion, right)]
    return found


# What probabilities are worth


def calibration(test: pd.DataFrame, probabilities: np.ndarray, temperature: float | None) -> dict[str, Any]:
    after = _reliability(test.p.to_numpy(), test.right.to_numpy())
    if temperature is None:
        return {"after": after, "before": None}
    powers = probabilities**temperature
    before = (powers / powers.sum(axis=1, keepdims=True))[np.arange(len(test)), test.said]
    return {"after": after, "before": _reliability(before, test.right.to_numpy())}


def _reliability(p: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    parts = np.array_split(np.argsort(p, kind="stable"), 10)
    gaps = [abs(p[part].mean() - right[part].mean()) * len(part) for part in parts]
    bins = [{"rows": len(part), "confidence": p[part].mean(), "accuracy": right[part].mean()} for part in parts]
    return {"expected_calibration_error": sum(gaps) / len(p), "bins": bins}


def promise(target: float, validation: pd.DataFrame, test: pd.DataFrame) -> dict[str, Any]:
    threshold = lowest_safe_threshold(validation.p.to_numpy(), validation.right.to_numpy(), target)
    outcome = {
        name: None if threshold is None else _answers(part, threshold) for name, part in (("validation", validation), ("test", test))
    }
    return {"target": target, "threshold": threshold, **outcome}


def lowest_safe_threshold(p: np.ndarray, right: np.ndarray, target: float) -> float | None:
    """Fixed-sequence testing by SciPy's exact binomial test: from three starts, which have a half and two quarters of 5 % of risk."""
    ordered = np.sort(p)[::-1]

    def fails(threshold: float, level: float) -> bool:
        answered = p >= threshold
        return not passes(int(right[answered].sum()), int(answered.sum()), target, level)

    safe = []
    for start, level in ((_strictest(len(p), target), 0.025), (len(p) // 2, 0.0125), (len(p), 0.0125)):
        for count in [] if start is None else np.unique(np.linspace(start, len(p), 60).round().astype(int)):
            if fails(ordered[count - 1], level):
                break
            safe.append(float(ordered[count - 1]))
    return min(safe, default=None)


def passes(right: int, answered: int, target: float, level: float) -> bool:
    """Whether that many right answers show, at this level, that at least the target is right."""
    return stats.binomtest(right, answered, target, alternative="greater").pvalue <= level


def _strictest(rows: int, target: float) -> int | None:
    """The fewest answered rows that show the target with half of the mistakes that it allows; every number up to 100, then in steps of a grid."""
    sizes = np.unique(np.minimum(np.r_[np.arange(1, 100), np.geomspace(100, max(rows, 100), 500).astype(int)], rows)).tolist()
    return next((size for size in sizes if passes(size - int(size * (1 - target) / 2), size, target, 0.025)), None)


def _answers(rows: pd.DataFrame, threshold: float) -> dict[str, int]:
    answered = rows.p >= threshold
    return {"rows": len(rows), "answered": int(answered.sum()), "right": int(rows.right[answered].sum())}


# Groups of rows, and steps of a scale


def groups(test: pd.DataFrame) -> list[dict[str, Any]]:
    """Of the kept column "source" and by quarters of the number of words, with Fisher's exact test and Holm's correction."""
    words = test.text.str.split().str.len()
    quarter = np.searchsorted(np.unique(np.quantile(words, (0.25, 0.5, 0.75), method="lower")), words)
    masks = [("source", value, test["kept 0"] == value) for value in sorted(set(test["kept 0"]))]
    masks += [("words", f"{words[quarter == n].min()} to {words[quarter == n].max()} words", quarter == n) for n in np.unique(quarter)]
    tables = [[[(test.right & m).sum(), (~test.right & m).sum()], [(test.right & ~m).sum(), (~test.right & ~m).sum()]] for _, _, m in masks]
    p_values = holm([stats.fisher_exact(table).pvalue for table in tables])
    found = []
    for (column, value, mask), p_value in zip(masks, p_values, strict=True):
        accuracy, others = test.right[mask].mean(), test.right[~mask].mean()
        found.append(
            {
                "column": column,
                "value": value,
                "rows": int(mask.sum()),
                "accuracy": accuracy,
                "interval": wilson(test.right[mask].sum(), mask.sum()),
                "others": others,
                "p_value": p_value,
                "surely_worse": bool(p_value < 0.05 and accuracy < others),
            }
        )
    return sorted(found, key=lambda group: (group["column"] == "words", group["accuracy"] if group["column"] != "words" else 0))


def holm(p_values: Sequence[float]) -> list[float]:
    order = np.argsort(p_values)
    steps_down = np.maximum.accumulate(np.minimum(1, (len(order) - np.arange(len(order))) * np.array(p_values)[order]))
    return steps_down[np.argsort(order)].tolist()


def steps(test: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    """The scores of classes whose ids are their steps."""
    k, n = len(names), len(test)
    off = (test.true - test.said).abs()
    counts = metrics.confusion_matrix(test.true, test.said, labels=range(k)).astype(float)
    shares = (counts.sum(axis=0) + counts.sum(axis=1)) / (2 * n)
    spread = np.outer(shares, shares) / 2 + np.diag(shares) / 2
    smooth = (counts + 2 * n / (n + 2) * spread) / (1 + 2 / (n + 2))
    distance = np.abs(np.arange(k)[:, None] - np.arange(k)[None, :])
    mean = (smooth * distance).sum() / n
    variance = (smooth * (distance - mean) ** 2).sum() / n**2
    kappa = metrics.cohen_kappa_score(test.true, test.said, weights="quadratic")
    return {
        "order": list(names),
        "mean_distance": off.mean(),
        "within_one": (off <= 1).mean(),
        "quadratic_kappa": kappa,
        "intervals": {
            "mean_distance": _ends_between(off.mean(), 0, k - 1, mean, variance),
            "within_one": wilson((off <= 1).sum(), n),
            "quadratic_kappa": _ends_between(kappa, -1, 1, _kappa(smooth / n, distance), _variance_of_kappa(smooth / n, distance) / n),
        },
    }


def _kappa(shares: np.ndarray, distance: np.ndarray) -> Any:
    weights = 1 - (distance / (len(shares) - 1)) ** 2
    expected = shares.sum(axis=1) @ weights @ shares.sum(axis=0)
    return ((weights * shares).sum() - expected) / (1 - expected)


def _variance_of_kappa(shares: np.ndarray, distance: np.ndarray) -> float:
    """Of one row, by the delta method."""
    gradient = _gradient(lambda cells: _kappa(cells, distance), shares)
    return float((shares * gradient**2).sum() - (shares * gradient).sum() ** 2)


def _ends_between(value: float, least: float, most: float, centre: float, variance: float) -> list[float]:
    """Wilson's ends of a score between two bounds, of as many rows as give a share this variance."""
    share, width = (centre - least) / (most - least), most - least
    rows = share * (1 - share) / (variance / width**2)
    return [least + width * end for end in wilson((value - least) / width * rows, rows)]


# Simple models


def word_counts(files: RunFiles) -> dict[str, float]:
    """The baseline: TF-IDF of words and a linear support vector machine by stochastic gradient descent, on the test rows."""
    train, test = files.train, files.split("test")
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    passes_over = min(500, -(-400_000 // len(train)))
    model = SGDClassifier(loss="hinge", max_iter=passes_over, tol=None, random_state=_SEED).fit(
        vectorizer.fit_transform(train.text), train.true
    )
    said = model.predict(vectorizer.transform(test.text))
    return {
        "accuracy": metrics.accuracy_score(test.true, said),
        "macro_f1": metrics.f1_score(test.true, said, average="macro"),
        "rows": len(train),
    }


def half_and_all(files: RunFiles) -> Mapping[str, Any]:
    """By how much a linear support vector machine on all training rows is better than on half of them: points with Student's interval, and by class."""
    train, validation = files.train, files.split("validation")
    order = np.random.default_rng(_SEED).permutation(len(train))

    def hits(part: np.ndarray) -> np.ndarray:
        vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", max_features=50_000)
        rows = train.iloc[part]
        model = LinearSVC(random_state=_SEED, dual=True).fit(vectorizer.fit_transform(rows.text), rows.true)
        return model.predict(vectorizer.transform(validation.text)) == validation.true.to_numpy()

    half = len(train) // 2
    gained = hits(order) - np.mean([hits(order[:half]), hits(order[half : 2 * half])], axis=0)
    low, high = stats.t.interval(0.95, len(gained) - 1, loc=gained.mean(), scale=stats.sem(gained))
    by_class = pd.Series(gained).groupby(validation.true.to_numpy()).mean()
    return {"gain": gained.mean(), "low": low, "high": high, "half": half, "all": len(train), "by_class": by_class}
