"""LoRA: low-rank additions are trained instead of an encoder's weights (Hu et al. 2021), and merged into them when the model is saved.

The library peft inserts the layers; no adapter file is ever written.
"""

import torch
from torch import nn

_SCALE = 2
"""Factor of the additions for any rank (lora_alpha is this many times the rank)."""

_LORA_PREFIX = ".lora_"
_BASE_PREFIX = ".base_layer."


def add_lora(encoder: nn.Module, rank: int) -> None:
    """Add LoRA of this rank to every linear layer of the encoder except its pooler, and freeze all else in the encoder.

    The initial weights come from torch's generator: seed it before. The additions start at zero.
    """
    # Imported late: a run without LoRA does not need it.
    from peft import LoraConfig, inject_adapter_in_model

    targets = [name for name, layer in encoder.named_modules() if isinstance(layer, nn.Linear) and not name.startswith("pooler.")]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=_SCALE * rank, target_modules=targets), encoder)


def merged_state(module: nn.Module) -> dict[str, torch.Tensor] | None:
    """The weights of a module under their names without LoRA, the additions merged; None if it has no LoRA.

    The module itself does not change.
    """
    if not any(_LORA_PREFIX in name for name, _ in module.named_parameters()):
        return None
    from peft.tuners.lora import LoraLayer

    state = {name.replace(_BASE_PREFIX, "."): tensor for name, tensor in module.state_dict().items() if _LORA_PREFIX not in name}
    for name, layer in module.named_modules():
        if isinstance(layer, LoraLayer):
            weight = f"{name}.weight"
            with torch.no_grad():
                state[weight] = state[weight] + layer.get_delta_weight("default")
    return state
