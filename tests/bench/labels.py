"""How well wrong labels are found that were planted in real data, against cleanlab's scores on the same probabilities, and at what cost.

``python -m tests.bench.labels`` runs it alone; the last line is JSON. Needs ../shared/data, and cleanlab for the rival.
"""

import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from trainer.audit.quick_check import gather_evidence
from trainer.audit.ranking import build_result
from trainer.audit.suspects import AuditResult
from trainer.data.corpus import Corpus
from trainer.evaluation.baseline import word_count_baseline

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
TWEETS = DATA / "emotion" / "twitter_multi_class_sentiment.csv"
CONFUSABLE = {"sadness": "anger", "anger": "sadness", "joy": "love", "love": "joy", "fear": "surprise", "surprise": "fear"}
ROWS, SHARE, SEEDS = 6_000, 0.08, (0, 1, 2, 3, 4)
CLEANLAB_METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
Rows = tuple[list[str], np.ndarray, tuple[str, ...]]
"""Texts, class ids (n,) and names."""


def read_rows(path: Path, text: str, label: str, *, rows: int | None = None, seed: int = 0, **how: object) -> Rows:
    """The columns of a file, or a random sample of its rows."""
    table = pd.read_csv(path, **how)
    if rows is not None:
        table = table.iloc[np.sort(np.random.default_rng(seed).permutation(len(table))[:rows])]
    names, ids = np.unique(table[label].astype(str), return_inverse=True)
    return [str(value) for value in table[text]], ids.astype(np.int64), tuple(names.tolist())


def plant(ids: np.ndarray, names: Sequence[str], share: float, kind: str, seed: int) -> np.ndarray:
    """Class ids (n,) of which a share is wrong: ``kind`` "random" or, for the tweets, "confusable"."""
    rng = np.random.default_rng(1_000 + seed)
    flipped = rng.permutation(len(ids))[: round(share * len(ids))]
    planted = ids.copy()
    if kind == "random":
        planted[flipped] = (ids[flipped] + rng.integers(1, len(names), len(flipped))) % len(names)
    else:
        planted[flipped] = np.array([names.index(CONFUSABLE[name]) for name in names])[ids[flipped]]
    return planted


def check(texts: Sequence[str], ids: np.ndarray, names: tuple[str, ...]) -> tuple[AuditResult, np.ndarray, float]:
    """The result of a quick check, its out-of-fold probabilities (n, k) and its CPU seconds."""
    rows = np.arange(len(texts))
    corpus = Corpus(tuple(texts), ids, names, rows, rows + 2, None, ())
    began = time.process_time()
    evidence = gather_evidence(
        corpus, np.ones(len(rows), dtype=bool), seed=0, on_progress=lambda what, done: None, should_stop=lambda: False
    )
    result = build_result(corpus, evidence, seconds=lambda: 0.0)
    return result, evidence.probabilities, time.process_time() - began


def suspicion(result: AuditResult) -> np.ndarray:
    """The score of each row, (n,)."""
    scores = np.zeros(result.rows)
    scores[[suspect.row for suspect in result.ranked]] = [suspect.score for suspect in result.ranked]
    return scores


def measure_planted(kind: str, seed: int) -> dict[str, float]:
    """Average precision of ours and of cleanlab's methods, CPU seconds and the estimate for one draw of the tweets."""
    from sklearn.metrics import average_precision_score

    texts, ids, names = read_rows(TWEETS, "text", "label_name", rows=ROWS, seed=seed)
    planted = plant(ids, names, SHARE, kind, seed)
    result, probabilities, seconds = check(texts, planted, names)
    wrong = planted != ids
    found = [wrong[suspect.row] for suspect in result.suspects]
    return {
        "ours": float(average_precision_score(wrong, suspicion(result))),
        "seconds": seconds,
        "estimate": result.noise.estimate,
        "suspects": result.n_suspects,
        "precision": float(np.mean(found)),
        **{name: float(average_precision_score(wrong, -scores)) for name, scores in rival_scores(planted, probabilities).items()},
    }


def rival_scores(ids: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Label quality (n,) by each of cleanlab's methods, plain and with adjusted probabilities where that exists; none without cleanlab."""
    try:
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return {}
    adjustable = [(method, False) for method in CLEANLAB_METHODS] + [(method, True) for method in CLEANLAB_METHODS[:2]]
    return {
        f"cleanlab {method}{', adjusted' if adjusted else ''}": get_label_quality_scores(
            ids, probabilities, method=method, adjust_pred_probs=adjusted
        )
        for method, adjusted in adjustable
    }


def measure_estimates(seed: int = 0) -> dict[str, float]:
    """The estimate of wrong labels in the tweets by what was planted."""
    texts, ids, names = read_rows(TWEETS, "text", "label_name", rows=ROWS, seed=seed)
    shares = {"0": ids} | {
        f"{share:.2f} {kind}": plant(ids, names, share, kind, seed) for share in (0.04, 0.12, 0.16) for kind in ("random", "confusable")
    }
    return {name: check(texts, planted, names)[0].noise.estimate for name, planted in shares.items()}


def measure_won_back(seed: int) -> dict[str, float]:
    """Accuracy on clean test rows of a linear model on word counts: trained on clean labels, with 20 % planted at random, with all suggestions for
    suspects accepted, and with the suspects dropped."""
    texts, ids, names = read_rows(TWEETS, "text", "label_name", rows=ROWS + 4_000, seed=seed)
    # The sample is in the order of the file, whose parts may differ.
    order = np.random.default_rng(seed).permutation(len(texts))
    train, test = order[:ROWS], order[ROWS:]
    clean, train_texts = ids[train], [texts[row] for row in train]
    planted = plant(clean, names, 0.2, "random", seed)
    result, _, _ = check(train_texts, planted, names)
    corrected = planted.copy()
    for suspect in result.suspects:
        corrected[suspect.row] = names.index(suspect.suggested)
    kept = ~np.isin(np.arange(ROWS), [suspect.row for suspect in result.suspects])
    test_rows = [texts[row] for row in test], ids[test]

    def accuracy(labels: np.ndarray, rows: np.ndarray) -> float:
        learned = [train_texts[row] for row in np.flatnonzero(rows)], labels[rows]
        return word_count_baseline(learned, test_rows, test_rows).test.accuracy

    every = np.ones(ROWS, dtype=bool)
    return {
        "clean": accuracy(clean, every),
        "planted": accuracy(planted, every),
        "corrected": accuracy(corrected, every),
        "dropped": accuracy(planted, kept),
    }


def measure_others() -> dict[str, float]:
    """Banking77 with 5 % planted, the SMS as published, texts with two labels in all tweets, 20,000 rows, and shuffled labels."""
    texts, ids, names = read_rows(DATA / "quirks" / "banking77_train.csv", "text", "category")
    planted = plant(ids, names, 0.05, "random", 0)
    result, _, banking_seconds = check(texts, planted, names)
    measured = {"banking77_first_100": float(np.mean([planted[s.row] != ids[s.row] for s in result.ranked[:100]]))}
    sms, _, _ = check(*read_rows(DATA / "quirks" / "sms_spam.tsv", "message", "label", sep="\t", quoting=csv.QUOTE_NONE))
    texts, ids, names = read_rows(TWEETS, "text", "label_name")
    result, _, _ = check(texts, ids, names)
    places = {suspect.row: place for place, suspect in enumerate(result.ranked)}
    conflicting: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        conflicting.setdefault(text, []).append(row)
    two_labels = [rows for rows in conflicting.values() if len({int(ids[row]) for row in rows}) > 1]
    worst = max(max(places[row] for row in rows) for rows in two_labels)
    larger = [*texts, *(f"{text} again" for text in texts[:4_000])]
    _, _, larger_seconds = check(larger, np.concatenate([ids, ids[:4_000]]), names)
    shuffled, _, _ = check(texts[:ROWS], np.random.default_rng(0).permutation(ids[:ROWS]), names)
    return measured | {
        "banking77_seconds": banking_seconds,
        "sms_estimate": sms.noise.estimate,
        "sms_suspects": sms.n_suspects,
        "two_label_texts": len(two_labels),
        "two_label_worst_place": (worst + 1) / len(texts),
        "rows_20000_seconds": larger_seconds,
        "shuffled_is_called_that": shuffled.verdict == "random",
    }


def measure() -> dict[str, object]:
    """All measurements; keys begin with "labels"."""
    planted = {kind: [measure_planted(kind, seed) for seed in SEEDS] for kind in ("random", "confusable")}
    means = {kind: {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]} for kind, draws in planted.items()}
    draws = [measure_won_back(seed) for seed in SEEDS]
    won_back = {name: float(np.mean([draw[name] for draw in draws])) for name in draws[0]}
    return {
        "labels_planted": means,
        "labels_won_back": won_back,
        "labels_estimates": measure_estimates(),
        **{f"labels_{k}": v for k, v in measure_others().items()},
    }


def show(measured: dict[str, object]) -> None:
    """Print a table."""
    print("Labels: wrong ones found in tweets, 8 % planted, average precision (mean of five draws)")
    for kind, means in measured["labels_planted"].items():
        print(f"  {kind:11}", ", ".join(f"{name} {value:.3f}" for name, value in means.items()))
    for name, value in measured.items():
        if name != "labels_planted":
            print(f"  {name}: {value}")


if __name__ == "__main__":
    if not TWEETS.is_file():
        sys.exit(f"The tweets in {TWEETS} are missing; they are not part of the project.")
    results = measure()
    show(results)
    print(json.dumps(results))
