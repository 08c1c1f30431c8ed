"""Whether the deep check of labels finds planted errors better than the quick check of the same rows: average precision, paired over seeds.

``python -m tests.bench.deep_labels [--seeds N]`` trains the defaults in five folds for each seed and kind of errors, which takes hours on two cores; each
draw is printed once it is done, and the last line is JSON. Needs ../shared/data.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.bench.labels import ROWS, SHARE, TWEETS, plant, read_rows, suspicion
from trainer.audit.deep_check import pool_evidence
from trainer.audit.out_of_fold import N_FOLDS
from trainer.audit.quick_check import gather_evidence
from trainer.audit.ranking import Evidence, build_result
from trainer.data.corpus import Corpus
from trainer.jobs.folds.cross_validation import FoldPlan, cross_validate, in_order_of_rows
from trainer.recipe import Recipe
from trainer.settings import prepare_environment
from trainer.training.encoders import packaged_encoder

KINDS = ("random", "confusable")


def measure_draw(kind: str, seed: int) -> dict[str, object]:
    """Average precision of both checks, and of what the models of the folds say alone, for one draw of the tweets; minutes of the trainings."""
    from sklearn.metrics import average_precision_score

    texts, ids, names = read_rows(TWEETS, "text", "label_name", rows=ROWS, seed=seed)
    planted, rows = plant(ids, names, SHARE, kind, seed), np.arange(ROWS)
    corpus, learned = Corpus(tuple(texts), planted, names, rows, rows + 2, None, ()), np.ones(ROWS, dtype=bool)
    quick = gather_evidence(corpus, learned, seed=seed, on_progress=lambda what, done: None, should_stop=lambda: False)
    plan, began = FoldPlan(corpus, quick.near.groups, learned, replace(Recipe(), seed=seed), packaged_encoder(), N_FOLDS), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        parts = cross_validate(Path(folder), plan, on_progress=lambda what, done: None, should_stop=lambda: False)
    minutes = (time.monotonic() - began) / 60
    probabilities = in_order_of_rows(plan, [(part.rows, part.probabilities) for part in parts])
    deep = pool_evidence(corpus, quick, probabilities, min_texts=N_FOLDS)

    def precision(evidence: Evidence) -> float:
        return float(average_precision_score(planted != ids, suspicion(build_result(corpus, evidence, seconds=lambda: 0.0))))

    alone = float(average_precision_score(planted != ids, -probabilities[rows, planted]))
    return {"kind": kind, "seed": seed, "quick": precision(quick), "deep": precision(deep), "folds alone": alone, "minutes": minutes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    draws = []
    for seed in range(parser.parse_args().seeds):
        for kind in KINDS:
            draws.append(measure_draw(kind, seed))
            print(json.dumps(draws[-1]), flush=True)
    result: dict[str, object] = {"draws": draws}
    for kind in KINDS:
        gains = np.array([float(draw["deep"]) - float(draw["quick"]) for draw in draws if draw["kind"] == kind])
        error = float(gains.std(ddof=1) / len(gains) ** 0.5) if len(gains) > 1 else None
        result[kind] = {"gain": float(gains.mean()), "standard_error": error, "better": int((gains > 0).sum())}
    print(json.dumps(result))


if __name__ == "__main__":
    if not TWEETS.is_file():
        sys.exit(f"The tweets in {TWEETS} are missing; they are not part of the project.")
    prepare_environment()
    main()
