"""Shared by the tests of charts: a plausible run, a report, difficult names, and plotly's own validation."""

import json
import math

import numpy as np
import plotly.graph_objects as go

from trainer.evaluation.curves import RunCurves
from trainer.evaluation.report import build_report

EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")
NASTY = ("<b>bold</b>", "<a href='http://x'>x</a> & co", "%{x} %{customdata}", "var(--chart-ink)", "line\nbreak", "y" * 300)


def valid(figure):
    """The figure as the browser receives it, after plotly's own validation."""
    text = json.dumps(figure, allow_nan=False)
    go.Figure(json.loads(text))
    return json.loads(text)


def run(steps=150, evaluations=6, **values):
    generator = np.random.default_rng(0)
    at = tuple(range(10, 10 * steps + 1, 10))
    eval_at = tuple(range(250, 250 * evaluations + 1, 250))
    return RunCurves(
        **{
            "key": "brisk otter",
            "steps": at,
            "loss": tuple(0.1 + 1.5 * math.exp(-s / 200) + 0.05 * generator.random() for s in at),
            "accuracy": tuple(0.95 - 0.6 * math.exp(-s / 200) for s in at),
            "eval_steps": eval_at,
            "eval_loss": tuple(0.2 + 1.4 * math.exp(-s / 200) for s in eval_at),
            "eval_accuracy": tuple(0.93 - 0.5 * math.exp(-s / 200) for s in eval_at),
            "eval_macro_f1": tuple(0.91 - 0.5 * math.exp(-s / 200) for s in eval_at),
            "total_steps": 1500,
            "epoch_steps": (500, 1000, 1500),
            "best_step": eval_at[-1] if eval_at else None,
        }
        | values
    )


def report_of(names, rows=1000, right=0.8, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(names), rows)
    return build_report(labels, np.where(generator.random(rows) < right, labels, generator.integers(0, len(names), rows)), tuple(names))


def trace(figure, **wanted):
    return next(t for t in figure["data"] if all(t.get(key) == value for key, value in wanted.items()))


def texts(figure):
    return [a["text"] for a in figure["layout"]["annotations"]]
