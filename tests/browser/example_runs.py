"""Runs with chosen predictions, written into a runs folder like those of a training: for reports that no tiny training produces.

Their model files are dummies: such a run can be viewed and compared, but it cannot predict.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.reader.file_reader import FileReader
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.drafts.store import DraftStore
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.runs.event_types import EVENT_TYPES, BaselineScored, Created, Evaluated, Finished, Logged, Started
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio


def make_run(
    runs: Path,
    confusion: Sequence[Sequence[int]],
    names: Sequence[str],
    *,
    source_name: str = "made.csv",
    name: str = "brisk otter",
    baseline_score: float | None = None,
    end: str = "finished",
    points: int = 0,
) -> RunView:
    """A finished run whose test predictions have this confusion matrix (rows are the true class); its validation predictions have the same.

    ``baseline_score`` is the accuracy and macro F1 of the TF-IDF baseline, None for a run without a baseline; ``points`` is the number of log events.
    """
    cells = [(i, j) for i, row in enumerate(confusion) for j, n in enumerate(row) for _ in range(n)]
    true, predicted = (np.array(ids) for ids in zip(*cells, strict=True))
    ids = np.concatenate([np.arange(len(names)), true, true])
    row_numbers, n_train = np.arange(len(ids)), len(names)
    texts = tuple(f"text {n} of the class {names[i]}" for n, i in enumerate(ids))
    corpus = Corpus(texts, ids, tuple(names), row_numbers, row_numbers + 2, None, ())
    test = row_numbers[n_train + len(true) :]
    splits = Splits(row_numbers[:n_train], row_numbers[n_train : n_train + len(true)], test, row_numbers[:0], ())
    probabilities = (
        np.full((2 * len(true), len(names)), 0.1 / len(names)) + 0.9 * np.eye(len(names))[np.concatenate([predicted, predicted])]
    )

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        (folder / "source").write_bytes(b"text,label\n")
        (folder / "model").mkdir()
        (folder / "model" / "model.safetensors").write_bytes(b"w" * 500)
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        split = ["validation"] * len(true) + ["test"] * len(true)
        save_predictions(
            folder / "predictions.parquet", Predictions(row_numbers[n_train:], split, ids[n_train:], probabilities, tuple(names))
        )

    store = RunStore(runs)
    rows = {"train": n_train, "validation": len(true), "test": len(true)}
    run = store.create(
        recipe=Recipe(), resolved=Recipe(), fill=fill, created=Created(name=name, owner=LOCAL_OWNER, source_name=source_name, rows=rows)
    )
    run.log.append(Started(total_steps=10, epochs=1))
    for step in range(points):
        run.log.append(Logged(step=step, loss=0.5, accuracy=0.8, elapsed=float(step), train_seconds=float(step), samples_per_second=80.0))
    run.log.append(Evaluated(step=10, loss=0.5, accuracy=0.8, macro_f1=0.7))
    if baseline_score is not None:
        scores = {f"{prefix}{score}": baseline_score for prefix in ("", "validation_") for score in ("accuracy", "macro_f1")}
        run.log.append(BaselineScored(rows=n_train, seconds=0.1, **scores))
    run.seal_results_and_log(Finished())
    run.log.append(EVENT_TYPES[end](seconds=5.0))
    return store.view(run)


def make_run_of_file(
    runs: Path, path: Path, recipe: Recipe, reader: FileReader, predict: Callable[[int, str, str], tuple[str, float]]
) -> RunView:
    """A finished run of a file that can be opened again from it; ``predict`` says of the number, text and label of a row which label it got, and
    with which probability."""
    studio = Studio(Settings(runs_dir=runs), encoders=[], reader=reader)
    prepared = studio.for_owner(LOCAL_OWNER).drafts.open_files({"main": (path.name, path)})
    studio.close()
    corpus, splits = prepared.require_corpus(), prepared.splits(recipe)
    kept_aside = np.concatenate([splits.validation, splits.test])
    probabilities = []
    for row in kept_aside.tolist():
        said, p = predict(row, corpus.texts[row], corpus.label(row))
        others = (1 - p) / (len(corpus.label_names) - 1)
        probabilities.append([p if name == said else others for name in corpus.label_names])
    split = ["validation"] * len(splits.validation) + ["test"] * len(splits.test)
    predictions = Predictions(kept_aside, split, corpus.label_ids[kept_aside], np.array(probabilities), corpus.label_names)

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        DraftStore(runs / "drafts").copy_to_run(prepared.draft, folder)
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        save_predictions(folder / "predictions.parquet", predictions)

    store = RunStore(runs)
    rows = {name: len(getattr(splits, name)) for name in ("train", "validation", "test")}
    created = Created(name="calm heron", owner=LOCAL_OWNER, source_name=path.name, rows=rows, draft=prepared.draft.version)
    resolved = recipe.resolved(train_rows=len(splits.train), learning_rate=1e-3)
    run = store.create(recipe=recipe, resolved=resolved, fill=fill, created=created)
    run.log.append(Started(total_steps=10, epochs=1))
    run.log.append(Evaluated(step=10, loss=0.5, accuracy=0.8, macro_f1=0.7))
    run.seal_results_and_log(Finished())
    run.log.append(Finished(seconds=5.0))
    return store.view(run)
