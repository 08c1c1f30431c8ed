"""Whether a model folder from elsewhere may be loaded: only plain files, no pickles and programs, and config, weights and tokenizer that fit.

Reads headers and JSON, executes nothing and asks nobody; it comes before transformers touches a byte. Whether the weights are any good shows when
they are loaded.
"""

import os
from pathlib import Path

from trainer.training.config_check import check_shapes, read_config, vocabulary_of
from trainer.training.tokenizer_check import check_tokenizer
from trainer.training.untrusted_files import read_object, refusal
from trainer.training.weights_check import count_floats, read_header

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
_HEAD, _HEAD_WEIGHTS, _ENCODER = "head.json", "head.safetensors", "encoder"
_MOST_FILES = 1_000

_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".npz", ".h5", ".hdf5", ".msgpack", ".keras")
_PROGRAMS = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh")
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors")


def check_folder(folder: Path, *, weights: bool = True) -> int:
    """Raise UserError ``model_folder_refused`` for a folder that may not be loaded; returns how many numbers its weights have.

    ``weights`` False asks for the tokenizer only, and returns 0. A classifier of ours whose head no architecture of transformers has may
    stand in it, too: its encoder in ``encoder/``, its head beside it.
    """
    _check_files(folder)
    if (folder / _HEAD).exists():
        return _check_own(folder)
    config = read_config(folder / CONFIG)
    count = _check_weights(folder, config) if weights else 0
    check_tokenizer(folder, vocabulary=vocabulary_of(config))
    return count


def _check_own(folder: Path) -> int:
    settings = read_object(folder / _HEAD, most_bytes=10_000)
    if settings.keys() != {"head", "pooling"} or settings["head"] not in ("linear", "mlp") or settings["pooling"] not in ("cls", "mean"):
        raise refusal(folder / _HEAD, "describes no head that is known here")
    if (folder / CONFIG).exists():
        raise refusal(folder / CONFIG, "does not belong beside head.json", "Remove one of the two")
    _check_files(folder / _ENCODER)
    config = read_config(folder / _ENCODER / CONFIG)
    check_tokenizer(folder, vocabulary=vocabulary_of(config))
    return _check_weights(folder / _ENCODER, config) + count_floats(read_header(folder / _HEAD_WEIGHTS))


def _check_weights(folder: Path, config: dict) -> int:
    tensors = read_header(folder / WEIGHTS)
    check_shapes(folder / CONFIG, config, tensors)
    return count_floats(tensors)


def _check_files(folder: Path) -> None:
    """What lies in the folder itself; of its sub-folders nothing is read."""
    try:
        with os.scandir(folder) as entries:
            found = [entry for _, entry in zip(range(_MOST_FILES + 1), entries, strict=False)]
    except OSError as error:
        raise refusal(folder / CONFIG, "is missing") from error
    if len(found) > _MOST_FILES:
        raise refusal(folder / found[-1].name, f"is one of more than {_MOST_FILES:,} files")
    fetched = _fetched_blobs(folder)
    for entry in sorted(found, key=lambda entry: entry.name):
        _check_entry(Path(entry.path), entry, folder.resolve(), fetched)


def _check_entry(file: Path, entry: os.DirEntry, folder: Path, fetched: Path | None) -> None:
    name = entry.name.lower()
    if entry.is_symlink():
        try:
            target = file.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # to nowhere, or in a circle
            raise refusal(file, "is a link that leads nowhere", "Put the file itself there") from error
        if not (target.is_relative_to(folder) or (fetched is not None and target.is_relative_to(fetched))):
            raise refusal(file, "is a link that leads out of it", "Put the file itself there")
    if not (entry.is_file() or entry.is_dir()):
        raise refusal(file, "is no plain file")
    # What other programs fetched into the Hub's cache stays there for them; it is never read here.
    if fetched is None and entry.is_file():
        if name.endswith(_PICKLES):
            raise refusal(
                file, "is a file of a kind that can run a program when it is opened (a pickle)", f"Remove it: only {WEIGHTS} is read"
            )
        if name.endswith(_PROGRAMS):
            raise refusal(file, "is a program, and nothing that comes with a model is run here", "Remove it, if you trust the rest")
    if name in _ADAPTERS:
        raise refusal(
            file, "adds to a model that lies elsewhere, and nothing is fetched for it", "Merge the adapter into its model, and save that"
        )


def _fetched_blobs(folder: Path) -> Path | None:
    """Where the links of a snapshot in the Hub's cache lead; None for any other folder."""
    blobs = folder.parent.parent / "blobs"
    return blobs.resolve() if folder.parent.name == "snapshots" and blobs.is_dir() and not blobs.is_symlink() else None
