"""Names of the files in a run's folder, and those of them that there are."""

import os
from contextlib import suppress
from pathlib import Path

LOG = "events.jsonl"
RECIPE = "recipe.json"
DRAFT = "draft.json"
DECISIONS = "decisions"
"""Of somebody on the labels of the file: the names of these logs begin with it, since each column of labels has its own."""
ROWS = "data.parquet"
PREDICTIONS = "predictions.parquet"
MODEL = "model"
CARD = "model/README.md"
CHECKPOINTS = "checkpoints"
FOLDS = "folds"
"""The trainings of a run that is scored in folds, until it ends."""
EXPORTS = "exports"
"""The model in other forms; made again from it at any time."""
STOP = "stop"
SOURCE = "source"
"""The uploaded file; the names of further files (validation, test) begin with it."""
INPUT_SEAL, RESULT_SEAL = "inputs.seal.json", "results.seal.json"
VECTORS = "train_vectors.parquet"
"""What the model makes of the training texts, to find similar ones; made when it is first needed, and never part of what leaves the run."""


def list_folder(folder: Path, prefix: str = "") -> list[Path]:
    """What is in a folder and has a name that begins with ``prefix``, by name; nothing if there is no such folder, or no permission to read it. Raises
    OSError.

    Unlike ``Path.glob`` it does not raise if another request or process removes the folder meanwhile.
    """
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.name.startswith(prefix))
    return []
