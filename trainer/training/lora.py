"""LoRA: small additions of low rank learn in place of an encoder's weights (Hu et al. 2021), and are added to them in what is saved.

The library peft puts the layers in; no adapter file is ever written.
"""

import torch
from torch import nn

_SCALE = 2
"""What is added is multiplied by this, whatever the rank (lora_alpha is so many times the rank)."""

_MARK = ".lora_"
_KEPT = ".base_layer."


def add_lora(encoder: nn.Module, rank: int) -> None:
    """Put an addition of this rank beside every linear layer of the encoder but its pooler; all else in the encoder stops learning.

    The first weights come from torch's generator: seed it before. At first the additions are zero.
    """
    # Late even here: a run without LoRA has no need of it.
    from peft import LoraConfig, inject_adapter_in_model

    targets = [name for name, layer in encoder.named_modules() if isinstance(layer, nn.Linear) and not name.startswith("pooler.")]
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=_SCALE * rank, target_modules=targets), encoder)


def merged_state(module: nn.Module) -> dict[str, torch.Tensor] | None:
    """The weights of a module under the names it has without LoRA, the additions added; None where it has no LoRA.

    The module itself is left as it is.
    """
    if not any(_MARK in name for name, _ in module.named_parameters()):
        return None
    from peft.tuners.lora import LoraLayer

    state = {name.replace(_KEPT, "."): tensor for name, tensor in module.state_dict().items() if _MARK not in name}
    for name, layer in module.named_modules():
        if isinstance(layer, LoraLayer):
            weight = f"{name}.weight"
            with torch.no_grad():
                state[weight] = state[weight] + layer.get_delta_weight("default")
    return state
