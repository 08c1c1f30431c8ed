"""Runs with chosen answers, written into a runs folder as a training would leave them: for reports that no tiny training can be made to have.

Their model is no model: they can be looked at and compared, not asked.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.runs.run import RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER


def make_run(
    runs: Path,
    confusion: Sequence[Sequence[int]],
    names: Sequence[str],
    *,
    source_name: str = "made.csv",
    name: str = "brisk otter",
    counting_words: float | None = None,
    end: str = "finished",
    points: int = 0,
) -> RunView:
    """A finished run whose answers on its test rows are those of ``confusion`` (rows are the true class); as many rows watched it.

    ``counting_words`` is the accuracy of the word counts on the test rows, None where there is no such comparison; ``points`` are logged.
    """
    cells = [(i, j) for i, row in enumerate(confusion) for j, count in enumerate(row) for _ in range(count)]
    true, said = (np.array(ids) for ids in zip(*cells, strict=True))
    ids = np.concatenate([np.arange(len(names)), true, true])
    at, learned = np.arange(len(ids)), len(names)
    texts = tuple(f"text {n} of the class {names[i]}" for n, i in enumerate(ids))
    corpus = Corpus(texts, ids, tuple(names), at, at + 2, None, ())
    test = at[learned + len(true) :]
    splits = Splits(at[:learned], at[learned : learned + len(true)], test, at[:0], ())
    shares = np.full((2 * len(true), len(names)), 0.1 / len(names)) + 0.9 * np.eye(len(names))[np.concatenate([said, said])]

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        (folder / "source").write_bytes(b"text,label\n")
        (folder / "model").mkdir()
        (folder / "model" / "model.safetensors").write_bytes(b"w" * 500)
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        split = ["validation"] * len(true) + ["test"] * len(true)
        save_predictions(folder / "predictions.parquet", Predictions(at[learned:], split, ids[learned:], shares, tuple(names)))

    store = RunStore(runs)
    rows = {"train": learned, "validation": len(true), "test": len(true)}
    run = store.create(recipe=Recipe(), resolved=Recipe(), fill=fill, name=name, owner=LOCAL_OWNER, source_name=source_name, rows=rows)
    run.log.append("started", total_steps=10, epochs=1)
    for step in range(points):
        run.log.append("log", step=step, loss=0.5, accuracy=0.8, elapsed=float(step), train_seconds=float(step), samples_per_second=80.0)
    run.log.append("eval", step=10, loss=0.5, accuracy=0.8, macro_f1=0.7)
    if counting_words is not None:
        scores = {f"{of}{score}": counting_words for of in ("", "validation_") for score in ("accuracy", "macro_f1")}
        run.log.append("baseline", rows=learned, seconds=0.1, **scores)
    run.seal_results({"kind": "finished"})
    run.log.append(end, seconds=5.0)
    return store.view(run)
