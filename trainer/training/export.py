"""What a person takes away: the model folder as a zip without pickles."""

import zipfile
from pathlib import Path

from trainer.runs.run import Run

_TAKEN = frozenset({".safetensors", ".json", ".txt", ".md", ".model"})
"""Suffixes that go into the zip: weights, settings, vocabulary, card. Nothing that could hold a pickle."""


def write_model_zip(run: Run, name: str, target: Path) -> None:
    """Write the model that was sealed into ``target``, under a folder of the run's name. Not compressed: weights do not shrink.

    Raises UserError ``run_damaged`` where nobody can tell which files those are.
    """
    folder = name.replace(" ", "-")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in run.model_files():
            if file.suffix in _TAKEN:
                archive.write(file, f"{folder}/{file.relative_to(run.model).as_posix()}")
