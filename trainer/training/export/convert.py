"""Makes ONNX models of a saved model, with transformers' own exporter, and in 8 bits with ONNX Runtime's dynamic quantization per channel.

The exporter changes torch while it traces, and takes half a gigabyte: it runs in a process of its own (convert_main.py), never beside a training.
"""

from collections.abc import Callable
from pathlib import Path

from trainer.errors import ModelError
from trainer.training.export.exported import ONNX_FILES, Tokens
from trainer.training.predictor import Predictor

_SAMPLE = ["a text of a few words", "another"]
"""Two texts of different lengths, so that neither the batch nor the length is traced as a constant."""
_MAX_BYTES = 1_900_000_000
"""Of an ONNX model in one file."""


def convert(predictor: Predictor, folder: Path, report: Callable[[str, float], None]) -> Tokens:
    """Write the models of ``ONNX_FILES`` into a folder; ``report`` is called with what is done, and the fraction of it. Returns how texts
    become tokens.

    Raises UserError ``no_export`` for a model that has no such form.
    """
    tokens = _tokens_of(predictor)
    _refuse_large(predictor)
    report("translating the model into ONNX", 0.0)
    _trace(predictor, folder / ONNX_FILES["onnx"])
    report("making it small: 8 bits a number", 0.7)
    _quantize(folder / ONNX_FILES["onnx"], folder / ONNX_FILES["onnx-int8"])
    return tokens


def _tokens_of(predictor: Predictor) -> Tokens:
    """How its texts become tokens. Raises UserError ``no_export`` for a tokenizer that exists only in Python."""
    tokenizer = predictor.tokenizer
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of this model ({type(tokenizer).__name__}) exists only in Python, so nothing else can read texts for it. "
            "Take the model folder, or train another encoder.",
            code="no_export",
        )
    return Tokens(predictor.max_length, tokenizer.pad_token_id or 0, tokenizer.pad_token or "[PAD]", tokenizer.unk_token_id)


def _refuse_large(predictor: Predictor) -> None:
    size = sum(weight.numel() * weight.element_size() for weight in predictor.model.state_dict().values())
    if size > _MAX_BYTES:
        raise ModelError(
            f"The model has {size / 1e9:.1f} GB of weights, and an ONNX file holds at most 2 GB. Take the model folder, or train a smaller encoder.",
            code="no_export",
        )


def _trace(predictor: Predictor, target: Path) -> None:
    import onnx_ir
    from transformers.exporters import OnnxConfig, OnnxExporter

    from trainer.training.first_token import with_first_token_alone

    model = with_first_token_alone(predictor.model)
    batch = dict(predictor.tokenizer(_SAMPLE, padding=True, truncation=True, return_tensors="pt"))
    try:
        exported = OnnxExporter().export(model, batch, config=OnnxConfig(dynamic=True))
    except (MemoryError, OSError):
        raise
    except Exception as error:
        kind = getattr(predictor.model.config, "model_type", "its kind")
        raise ModelError(
            f"This model cannot be translated into ONNX: the exporter of transformers fails on {kind} ({type(error).__name__}). Take the model folder.",
            code="no_export",
        ) from error
    onnx_ir.save(exported.program, str(target))


def _quantize(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(source))
    # The quantizer transposes weights and then finds shapes that no longer fit.
    del model.graph.value_info[:]
    plain = target.with_name(f".{target.name}.plain")
    onnx.save(model, str(plain))
    # Weights use 7 of the 8 bits: processors without instructions for 8-bit products (VNNI) add two of them in 16 bits, which full weights overflow;
    # so all of them, and browsers, give the same answers.
    quantize_dynamic(str(plain), str(target), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
    plain.unlink()
