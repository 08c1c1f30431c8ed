"""The code of a model card that loads a model and asks it, without Emotune."""

import json

from trainer.data.task import Task
from trainer.runs.run import Run

_LOAD_WITH_PIPELINE = """```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder", top_k=None)
classify("your text", truncation=True)
```
"""

_LOAD_WITH_OUR_HEAD = """transformers has no architecture with this head ({pooling} and {head}), so `pipeline(...)` cannot load it. The encoder is a standard
folder and the head is beside it; this code loads both:

```python
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

folder = "path/to/this/folder"
tokenizer = AutoTokenizer.from_pretrained(folder)
encoder = AutoModel.from_pretrained(f"{{folder}}/encoder").eval()
head = load_file(f"{{folder}}/head.safetensors")

batch = tokenizer(["your text"], truncation=True, padding=True, return_tensors="pt")
with torch.inference_mode():
    tokens = encoder(**batch).last_hidden_state
    {pool}{middle}
    logits = x @ head["out_proj.weight"].T + head["out_proj.bias"]
probabilities = {probabilities}[0].tolist()
answer = dict(zip(encoder.config.id2label.values(), probabilities))
```
"""

_POOL = {
    "cls": ("the first token", "x = tokens[:, 0]"),
    "normalized_mean": (
        "the normalized mean of all tokens",
        'mask = batch["attention_mask"].unsqueeze(-1)\n    x = 1000 * (tokens * mask).sum(1) / mask.sum(1) + tokens[:, 0]\n'
        "    for _ in range(2):\n        x = torch.nn.functional.layer_norm(x, x.shape[-1:], eps=getattr(encoder.config, 'layer_norm_eps', 1e-12))",
    ),
    "mean": ("the mean of all tokens", 'mask = batch["attention_mask"].unsqueeze(-1)\n    x = (tokens * mask).sum(1) / mask.sum(1)'),
}
_MIDDLE = {
    "linear": ("a linear layer", ""),
    "pooler": ("tanh and a linear layer", "\n    x = torch.tanh(x / x.shape[-1] ** 0.5)"),
    "mlp": (
        "Linear, GELU, Dropout, Linear",
        '\n    x = torch.nn.functional.gelu(x @ head["dense.weight"].T + head["dense.bias"])',
    ),
}


def loading_section(run: Run, task: Task) -> str:
    """How to load the model: in one line, or by hand if transformers does not know its head."""
    head_file = run.model / "head.json"
    if not head_file.exists():
        return _LOAD_WITH_PIPELINE
    settings = json.loads(head_file.read_text(encoding="utf-8"))
    (pooling, pool), (head, middle) = _POOL[settings["pooling"]], _MIDDLE[settings["head"]]
    return _LOAD_WITH_OUR_HEAD.format(pooling=pooling, head=head, pool=pool, middle=middle, probabilities=task.probabilities_code)


def cuts_section(run: Run, task: Task) -> str:
    """From which probabilities on a label is said, and how to do it without Emotune; "" for a task without cuts."""
    if not task.cuts:
        return ""
    code = "" if (run.model / "head.json").exists() else _SAY_WITH_CUTS
    return (
        "A label is said if its probability is at least its cut (`label_cuts` in config.json, in the order of the ids), chosen on validation rows for "
        f"the highest F1 that calibrated probabilities let expect, and for a rare label near the common one; a text may get no label.\n\n{code}"
    )


_SAY_WITH_CUTS = """```python
from transformers import AutoConfig

config = AutoConfig.from_pretrained("path/to/this/folder")
cuts = {config.id2label[number]: cut for number, cut in enumerate(config.label_cuts)}
labels = [found["label"] for found in classify(["your text"], truncation=True)[0] if found["score"] >= cuts[found["label"]]]
```

"""
