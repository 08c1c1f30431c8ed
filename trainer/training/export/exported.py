"""What a model was exported to, and what was measured of it: ``exports/`` of a run, its files and the record beside them.

Standard library and the record only; convert.py makes the files, jobs/export measures them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from trainer.runs.checksums import read_json_with_checksum, write_json_with_checksum
from trainer.runs.seal import file_digest, file_signature
from trainer.text_format import percent, points

OnnxEngine = Literal["onnx", "onnx-int8"]
ONNX_FILES: Mapping[OnnxEngine, str] = {"onnx": "model.onnx", "onnx-int8": "model_int8.onnx"}
RECORD = "exports.json"
MIN_AGREEMENT = 0.97
"""With the saved model, on validation rows: below, 8 bits are no longer recommended."""
EXACT_TO = 1e-4
"""The largest difference of a probability with which an export still says what the saved model says."""
_FORMAT = 1
_DIGESTS_KEPT = 256


@dataclass(frozen=True)
class Tokens:
    """How texts become tokens without transformers; ``unknown`` is None if every sign has a token."""

    max_length: int
    padding: int
    padding_token: str
    unknown: int | None


@dataclass(frozen=True)
class Measured:
    """What one way of computing says of validation rows, and how fast: ``agreement`` is the share of rows with the label of the saved model,
    ``mean_change`` and ``max_change`` are of a probability, ``ms_per_text`` of texts that come one by one."""

    size: int
    ms_per_text: float
    accuracy: float
    agreement: float = 1.0
    mean_change: float = 0.0
    max_change: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Whether it says what the saved model says."""
        return self.max_change <= EXACT_TO


@dataclass(frozen=True)
class Exported:
    """The exports of one model. ``source``: the SHA-256 of its files by name, ``files`` those of the exports; ``rows``: how many validation
    rows were compared; ``inputs``: the names of what the model reads;
    ``saved``: the saved model itself, as PyTorch computes it."""

    folder: Path
    source: Mapping[str, str]
    files: Mapping[str, str]
    tokens: Tokens
    inputs: tuple[str, ...]
    label_names: tuple[str, ...]
    rows: int
    saved: Measured
    onnx: Measured
    int8: Measured

    def file(self, engine: OnnxEngine) -> Path:
        """Where the model of an engine is."""
        return self.folder / ONNX_FILES[engine]

    def measured(self, engine: OnnxEngine) -> Measured:
        """What was measured of an engine."""
        return self.onnx if engine == "onnx" else self.int8

    @property
    def recommended(self) -> OnnxEngine:
        """8 bits, unless they change too many answers."""
        return "onnx-int8" if self.int8.agreement >= MIN_AGREEMENT else "onnx"

    def difference(self, engine: OnnxEngine) -> str:
        """How the answers of an engine differ from those of the saved model, as sentences."""
        measured = self.measured(engine)
        if measured.is_exact:
            return f"The answers of the saved model: on {self.rows:,} validation rows no probability differs by more than {EXACT_TO:g}."
        change = measured.accuracy - self.saved.accuracy
        accuracy = "accuracy stays the same" if not change else f"accuracy changes by {points(change)} points"
        sentence = (
            f"{percent(measured.agreement)} of {self.rows:,} validation rows get the label of the saved model; {accuracy}, and a probability changes "
            f"by {measured.mean_change:.4f} on average."
        )
        if measured.agreement < MIN_AGREEMENT:
            return f"{sentence} That is below {percent(MIN_AGREEMENT, 0)}: take the ONNX model with 32 bits if every answer counts."
        return sentence

    def limit_note(self, engine: OnnxEngine) -> str:
        """What an engine changes of the probability from which on the model answers, as a sentence: that was chosen with the saved model."""
        measured = self.measured(engine)
        found = "That limit was found with the probabilities of the saved model"
        if measured.is_exact:
            return f"{found}, and these are the same."
        return (
            f"{found}, which 8 bits move by {measured.mean_change:.4f} on average: at the limit a text may fall on the other side, so a promised "
            "share of right answers holds only nearly."
        )

    def to_dict(self) -> dict[str, Any]:
        """What was measured, as JSON values."""
        measured = {"torch": self.saved, "onnx": self.onnx, "onnx-int8": self.int8}
        return {"rows": self.rows, "recommended": self.recommended, **{name: asdict(value) for name, value in measured.items()}}


def save_exported(exported: Exported) -> None:
    """Write the record beside the files, which are on the disk already. Raises OSError."""
    values = {"format": _FORMAT, **asdict(exported), "label_names": list(exported.label_names), "inputs": list(exported.inputs)}
    del values["folder"]
    write_json_with_checksum(exported.folder / RECORD, values)


def load_exported(folder: Path) -> Exported | None:
    """The exports in a folder; None without a whole record. The files are not read: see ``is_intact``."""
    try:
        values = read_json_with_checksum(folder / RECORD)
        if values.pop("format") != _FORMAT:
            return None
        measured = {name: Measured(**values.pop(name)) for name in ("saved", "onnx", "int8")}
        tokens, (names, inputs) = Tokens(**values.pop("tokens")), (tuple(values.pop(name)) for name in ("label_names", "inputs"))
        return Exported(folder=folder, tokens=tokens, label_names=names, inputs=inputs, **values, **measured)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def exports_section(folder: Path) -> str:
    """What the exports in a folder change of a model's answers, for its card; "" without any."""
    exported = load_exported(folder)
    if exported is None:
        return ""
    forms = (("this folder (PyTorch)", exported.saved), ("ONNX, 32 bits", exported.onnx), ("ONNX, 8 bits per channel", exported.int8))
    rows = "\n".join(
        f"| {name} | {measured.size / 1e6:.1f} | {measured.ms_per_text:.1f} | {percent(measured.accuracy)} | {percent(measured.agreement)} |"
        for name, measured in forms
    )
    return f"""## In other forms

The model was exported to ONNX. On {exported.rows:,} validation rows, one text after the other:

| form | MB | ms a text | accuracy | same label |
|---|---:|---:|---:|---:|
{rows}

ONNX, 8 bits: {exported.difference("onnx-int8")}

"""


def is_intact(exported: Exported, engine: OnnxEngine) -> bool:
    """Whether the exported file of an engine is what the record says; reads all of it."""
    file = exported.file(engine)
    try:
        return file_digest(file) == exported.files[file.name]
    except OSError:
        return False


def seems_intact(exported: Exported, engine: OnnxEngine) -> bool:
    """As ``is_intact``, but a file is read again only after its size, time or inode has changed: cheap enough for each answer."""
    file = exported.file(engine)
    try:
        return _digest_of(file, file_signature(file)) == exported.files[file.name]
    except OSError:
        return False


# A digest takes a tenth of a second or more, and each answer asks for one.
@lru_cache(maxsize=_DIGESTS_KEPT)
def _digest_of(file: Path, signature: tuple[int, int, int]) -> str:
    return file_digest(file)
