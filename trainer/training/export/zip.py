"""The downloadable zip of a model: its weights, settings, vocabulary and card, without pickles."""

import zipfile
from collections.abc import Iterable
from pathlib import Path

_EXPORTED_SUFFIXES = frozenset({".safetensors", ".json", ".txt", ".md", ".model"})
"""Weights, settings, vocabulary, card. No format that could hold a pickle."""


def write_model_zip(files: Iterable[Path], model_folder: Path, name: str, target: Path) -> None:
    """Write ``files`` of a model folder into the zip ``target``, below a folder called after ``name``. Not compressed: weights do not shrink."""
    zip_folder = name.replace(" ", "-")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            if file.suffix in _EXPORTED_SUFFIXES:
                archive.write(file, f"{zip_folder}/{file.relative_to(model_folder).as_posix()}")
