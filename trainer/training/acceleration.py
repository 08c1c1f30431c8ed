"""What speeds up a training without changing what is learned: cheap dropout masks, and the attention that suits short rows.

Measured in tests/bench; knows models only by their parts.
"""

from typing import TYPE_CHECKING

from trainer.training.dropout import DropoutMaskGenerator, use_fast_dropout
from trainer.training.hardware import Hardware

if TYPE_CHECKING:
    from torch import nn

    from trainer.training.classifier import Classifier


def optimize_for_device(model: "Classifier", hardware: Hardware, *, seed: int) -> DropoutMaskGenerator | None:
    """Make a model fast to train on this device; returns the generator of its dropout masks, None if torch draws them.

    Disables the dropout of attention probabilities: its masks grow with the square of the length, and published recipes without it score
    the same (Geiping & Goldstein 2022, Cramming, train BERT without dropout at all). On a CPU plain matrix products beat torch's
    fused attention for rows of a few dozen tokens, and dropout gets masks that are cheap to draw.
    """
    from trainer.training.classifier import encoder_of

    _disable_attention_dropout(model)
    if hardware.device != "cpu":
        return None
    body = encoder_of(model)
    if hasattr(body, "set_attn_implementation"):
        body.set_attn_implementation("eager")
    return use_fast_dropout(model, seed)


def _disable_attention_dropout(model: "nn.Module") -> None:
    from torch import nn

    for module in model.modules():
        inner = getattr(module, "dropout", None)
        if type(module).__name__.endswith(("SelfAttention", "MultiHeadSelfAttention")) and isinstance(inner, nn.Dropout):
            inner.p = 0.0
