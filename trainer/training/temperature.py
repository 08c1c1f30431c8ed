"""A calibration becomes part of a saved model: its last linear layer is divided by the temperature, so that whoever loads the folder gets calibrated logits."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainer.atomic import write_file


def fold_temperature(folder: Path, temperature: float, temperatures: Sequence[float] = (), shifts: Sequence[float] = ()) -> bool:
    """Divide weight and bias of the last linear layer of a saved classifier, and record ``calibration_temperature`` in its config.

    ``temperatures`` divide by one of each label instead, and ``shifts`` are then added to its logits. Files are replaced and not changed, as they may
    be linked with a checkpoint's. Returns False, and changes nothing, if the model has no linear layer as its last one, or that has no bias to
    shift. Raises OSError.
    """
    import torch
    from safetensors import safe_open
    from safetensors.torch import save

    from trainer.training.classifier import load_saved_classifier

    name = output_layer(load_saved_classifier(folder))
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            metadata, state = opened.metadata(), {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 (it has no iterator)
        # The head of ours is a file of its own, whose weights have no prefix.
        layer = next((layer for layer in (name, name.removeprefix("head.")) if name and f"{layer}.weight" in state), None)
        if layer is None or (shifts and f"{layer}.bias" not in state):
            continue
        divisor = torch.tensor(temperatures or temperature, dtype=torch.float64)
        for part in ("weight", "bias"):
            if (key := f"{layer}.{part}") in state:
                scaled = state[key].to(torch.float64) / (divisor[:, None] if temperatures and part == "weight" else divisor)
                state[key] = (scaled + torch.tensor(shifts) if shifts and part == "bias" else scaled).to(state[key].dtype)
        write_file(file, save(state, metadata))
        _edit_config(folder, {"calibration_temperature": temperature})
        return True
    return False


def output_layer(model: Any) -> str:
    """The name of the linear layer whose output is the logits; empty if there is none."""
    from torch import nn

    from trainer.training.classifier import in_head

    classes = model.config.num_labels
    layers = [
        name
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features == classes and in_head(model, f"{name}.weight") and "pooler" not in name
    ]
    return layers[-1] if layers else ""


def read_config(folder: Path) -> dict[str, Any]:
    """The config of a saved classifier. Raises OSError or ValueError."""
    return json.loads(config_file(folder).read_text(encoding="utf-8"))


def config_file(folder: Path) -> Path:
    """Where the config of a saved classifier is: at the top, or with the encoder if the head is ours."""
    return folder / "config.json" if (folder / "config.json").exists() else folder / "encoder" / "config.json"


def config_with(folder: Path, values: dict[str, Any]) -> bytes:
    """The config of a saved classifier with these values; None removes one."""
    config = read_config(folder) | values
    kept = {name: value for name, value in config.items() if value is not None or name not in values}
    return f"{json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode("utf-8", "surrogatepass")


def _edit_config(folder: Path, values: dict[str, Any]) -> None:
    write_file(config_file(folder), config_with(folder, values))
