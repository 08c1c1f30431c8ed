"""Whether an untrusted model folder may be loaded: only regular files, no pickles or programs, and matching config, weights and tokenizer.

Reads headers and JSON, executes nothing, and runs before transformers opens a file. Whether the weights are any good shows when they are loaded.
"""

import os
from pathlib import Path

from trainer.training.config_check import check_shapes, read_model_config, vocabulary_of
from trainer.training.tokenizer_check import check_tokenizer
from trainer.training.untrusted_files import read_object, refusal, regular_file_size
from trainer.training.weights_check import count_parameters, read_header

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
_HEAD, _HEAD_WEIGHTS, _ENCODER = "head.json", "head.safetensors", "encoder"
_HEAD_TYPES, _POOLINGS = ("linear", "pooler", "mlp"), ("cls", "mean", "normalized_mean")
_MAX_FILES = 1_000

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".npz", ".h5", ".hdf5", ".msgpack", ".keras")
_PROGRAMS = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh")
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors")
_CHAT_TEMPLATES = "additional_chat_templates"
"""A folder whose files transformers reads with the tokenizer."""
_TEXT_FILES = (".json", ".txt", ".model", ".jinja", ".codes")
_MAX_TEXT_BYTES = 40_000_000
"""Of any file besides the weights that a library may read as a whole."""


def check_folder(folder: Path, *, weights: bool = True) -> int:
    """Raise UserError ``model_folder_refused`` for a folder that may not be loaded; returns the number of its parameters.

    ``weights`` False checks the tokenizer only, and returns 0. The folder may also hold a classifier with a head of ours: its encoder in
    ``encoder/``, its head beside it.
    """
    _check_files(folder)
    if (folder / _HEAD).exists():
        return _check_classifier_with_our_head(folder)
    config = read_model_config(folder / CONFIG)
    parameters = _check_weights(folder, config) if weights else 0
    check_tokenizer(folder, vocabulary=vocabulary_of(config))
    return parameters


def _check_classifier_with_our_head(folder: Path) -> int:
    settings = read_object(folder / _HEAD, max_bytes=10_000)
    known = settings.keys() == {"head", "pooling"} and settings["head"] in _HEAD_TYPES and settings["pooling"] in _POOLINGS
    if not known:
        raise refusal(folder / _HEAD, "describes no head that is known here")
    if (folder / CONFIG).exists():
        raise refusal(folder / CONFIG, "does not belong beside head.json", "Remove one of the two")
    _check_files(folder / _ENCODER)
    config = read_model_config(folder / _ENCODER / CONFIG)
    check_tokenizer(folder, vocabulary=vocabulary_of(config))
    return _check_weights(folder / _ENCODER, config) + count_parameters(read_header(folder / _HEAD_WEIGHTS))


def _check_weights(folder: Path, config: dict) -> int:
    tensors = read_header(folder / WEIGHTS)
    check_shapes(folder / CONFIG, config, tensors)
    return count_parameters(tensors)


def _check_files(folder: Path) -> None:
    """Check the entries of the folder itself; its subfolders are not read."""
    try:
        with os.scandir(folder) as entries:
            entries_found = [entry for _, entry in zip(range(_MAX_FILES + 1), entries, strict=False)]
    except OSError as error:
        raise refusal(folder / CONFIG, "is missing") from error
    if len(entries_found) > _MAX_FILES:
        raise refusal(folder / entries_found[-1].name, f"is one of more than {_MAX_FILES:,} files")
    downloaded = _downloaded_blobs(folder)
    for entry in sorted(entries_found, key=lambda entry: entry.name):
        _check_entry(Path(entry.path), entry, folder.resolve(), downloaded)


def _check_entry(file: Path, entry: os.DirEntry, folder: Path, downloaded: Path | None) -> None:
    name = entry.name.lower()
    if entry.is_symlink():
        try:
            target = file.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # broken, or circular
            raise refusal(file, "is a link that leads nowhere", "Put the file itself there") from error
        if not (target.is_relative_to(folder) or (downloaded is not None and target.is_relative_to(downloaded))):
            raise refusal(file, "is a link that leads out of it", "Put the file itself there")
    if not (entry.is_file() or entry.is_dir()):
        raise refusal(file, "is not a regular file")
    # The Hub's cache may hold files that other programs downloaded; they are never read here.
    if downloaded is None and entry.is_file():
        if name.endswith(_PICKLES):
            raise refusal(
                file, "is a file of a kind that can run a program when it is opened (a pickle)", f"Remove it: only {WEIGHTS} is read"
            )
        if name.endswith(_PROGRAMS):
            raise refusal(file, "is a program, and nothing that comes with a model is run here", "Remove it, if you trust the rest")
    if name == _CHAT_TEMPLATES:
        raise refusal(file, "is of a model that chats, and classifiers do not", "Remove it")
    if name.endswith(_TEXT_FILES) and entry.is_file() and (size := regular_file_size(file)) > _MAX_TEXT_BYTES:
        raise refusal(file, f"has {size / 1e6:,.0f} MB, and such files have at most {_MAX_TEXT_BYTES / 1e6:,.0f}")
    if name in _ADAPTERS:
        raise refusal(
            file, "adds to a model that lies elsewhere, and nothing is downloaded for it", "Merge the adapter into its model, and save that"
        )


def _downloaded_blobs(folder: Path) -> Path | None:
    """The folder that the links of a snapshot in the Hub's cache point to; None for any other folder."""
    blobs = folder.parent.parent / "blobs"
    return blobs.resolve() if folder.parent.name == "snapshots" and blobs.is_dir() and not blobs.is_symlink() else None
