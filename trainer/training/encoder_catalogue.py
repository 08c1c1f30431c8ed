"""The catalogue of encoders on offer, found by name; any public encoder of the Hugging Face Hub can be named besides.

Imports nothing heavy and downloads nothing.
"""

from collections.abc import Iterable, Iterator

from trainer.data.checks.encoder import EncoderInfo
from trainer.errors import ModelError
from trainer.hub import parse_repository
from trainer.training.encoders import Encoder, hub_encoder, packaged_encoder
from trainer.training.tokens import token_chooser, token_counter, unknown_finder

_HUB_ENCODERS = (
    Encoder(
        "distilbert-base-uncased",
        "distilbert/distilbert-base-uncased",
        parameters=66_362_880,
        layers=6,
        hidden_size=768,
        megabytes=268,
        languages="English",
        description="BERT distilled to 6 layers: nearly its accuracy at half the time.",
        learning_rate=5e-5,
    ),
    Encoder(
        "bert-base-uncased",
        "google-bert/bert-base-uncased",
        parameters=109_482_240,
        layers=12,
        hidden_size=768,
        megabytes=440,
        languages="English",
        description="The classic of the tutorials, 12 layers.",
        learning_rate=3e-5,
    ),
    Encoder(
        "roberta-base",
        "FacebookAI/roberta-base",
        parameters=124_645_632,
        layers=12,
        hidden_size=768,
        megabytes=499,
        languages="English",
        description="BERT trained longer on more text; case-sensitive.",
        learning_rate=3e-5,
    ),
    Encoder(
        "distilbert-base-multilingual-cased",
        "distilbert/distilbert-base-multilingual-cased",
        parameters=134_734_080,
        layers=6,
        hidden_size=768,
        megabytes=542,
        languages="104 languages",
        description="For texts in languages other than English, or in several; 6 layers.",
        learning_rate=5e-5,
    ),
    Encoder(
        "xlm-roberta-base",
        "FacebookAI/xlm-roberta-base",
        parameters=278_043_648,
        layers=12,
        hidden_size=768,
        megabytes=1116,
        languages="100 languages",
        description="The strongest of these for languages other than English; 12 layers, large vocabulary.",
        learning_rate=2e-5,
    ),
)

_LANGUAGE_CODES = {"English": frozenset({"en"})}


class EncoderCatalogue:
    """The encoders on offer, the default first. Iterating gives each ``Encoder``."""

    def __init__(self, encoders: Iterable[Encoder] | None = None, *, others: bool = True) -> None:
        """Offer ``encoders``, by default the packaged one and five of the Hub, and with ``others`` any other of the Hub by its name."""
        self._others = others
        self._encoders = (packaged_encoder(), *_HUB_ENCODERS) if encoders is None else tuple(encoders)

    def __iter__(self) -> Iterator[Encoder]:
        return iter(self._encoders)

    @property
    def default(self) -> Encoder:
        """The first encoder, which a new recipe starts with."""
        return self._encoders[0]

    def get(self, name: str) -> Encoder:
        """The encoder of this name; otherwise a public one of the Hugging Face Hub by "owner/name" or its address.

        Raises UserError ``unknown_encoder`` with the names on offer for anything else. Does not check whether the Hub has it.
        """
        repository = parse_repository(name)
        wanted = name if repository is None else repository.repo
        for encoder in self._encoders:
            if encoder.name == name or (encoder.repository and encoder.repository == wanted):
                return encoder
        if self._others and repository is not None and not repository.config and not repository.is_dataset:
            return hub_encoder(repository.repo)
        names = ", ".join(encoder.name for encoder in self._encoders)
        hub = " You can also name one of the Hugging Face Hub as owner/name." if self._others else " This server offers no others."
        raise ModelError(
            f"There is no encoder called “{name[:80]}”. Encoders: {names}.{hub}",
            code="unknown_encoder",
        )

    def info(self, name: str) -> EncoderInfo:
        """What the checks of a file need to know of the encoder of this name. Raises UserError ``unknown_encoder``."""
        return encoder_info(self.get(name))


def encoder_info(encoder: Encoder) -> EncoderInfo:
    """What the checks of a file need to know of an encoder."""
    languages = _LANGUAGE_CODES.get(encoder.languages)
    return EncoderInfo(encoder.name, languages, encoder.max_tokens, token_counter(encoder), unknown_finder(encoder), token_chooser(encoder))
