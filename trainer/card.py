"""The model card: what a model is, what was measured and what it is not good for, in the Hub's format."""

import json

from trainer.data.repairs import REPAIRS
from trainer.evaluation.report import Interval, Report
from trainer.runs.run import Run
from trainer.runs.view import RunView


def write_card(run: Run, view: RunView, report: Report) -> None:
    """The model card, ``README.md`` of the model folder, in the Hub's format."""
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    data = ModelCardData(
        model_name=view.name,
        base_model=view.encoder,
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["text-classification", "emotune"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="csv",
                dataset_name=view.source_name,
                dataset_split="test",
                metric_type=kind,
                metric_value=round(interval.value, 4),
            )
            for kind, interval in (("accuracy", report.accuracy), ("f1", report.macro_f1))
        ],
    )
    rows = "\n".join(f"| {_cell(c.name)} | {c.precision:.3f} | {c.recall:.3f} | {c.f1:.3f} | {c.support:,} |" for c in report.per_class)
    text = f"""---
{data.to_yaml()}
---

# {view.name}

A text classifier with {len(report.label_names)} classes, fine-tuned with Emotune from {view.encoder} on
{view.rows.get("train", 0):,} rows of {_cell(view.source_name)}.

{_loading(run)}
## What was measured

On {report.rows:,} test rows that were never trained on, nor used to choose anything (95 % bootstrap intervals):
accuracy {_interval(report.accuracy)}, macro F1 {_interval(report.macro_f1)}, weighted F1 {_interval(report.weighted_f1)}.
Always answering “{_cell(report.majority_name)}” would be right in {report.majority_share:.1%} of them.{_baseline(view)}

| class | precision | recall | F1 | rows |
|---|---:|---:|---:|---:|
{rows}

{_repairs(view)}## How it was trained

{view.epochs} epochs, batch size {view.batch_size}, peak learning rate {view.learning_rate:g}, on {view.device}.
Settings and seed: {", ".join(f"{name} {value}" for name, value in run.recipe().to_dict().items() if value not in (None, ()))}.

## Limits

The scores hold for texts like those of the file it learnt from. Other sources, languages or times may give other results.
"""
    ModelCard(text).save(run.model / "README.md")


_ONE_LINE = """```python
from transformers import pipeline

classify = pipeline("text-classification", model="path/to/this/folder", top_k=None)
classify("your text", truncation=True)
```
"""

_OWN_HEAD = """transformers has no architecture with this head ({pooling} and {head}), so `pipeline(...)` cannot load it. The encoder is a standard
folder and the head lies beside it; together they are loaded so:

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
probabilities = logits.softmax(-1)[0].tolist()
answer = dict(zip(encoder.config.id2label.values(), probabilities))
```
"""

_POOL = {
    "cls": ("the first token", "x = tokens[:, 0]"),
    "mean": ("the mean of all tokens", 'mask = batch["attention_mask"].unsqueeze(-1)\n    x = (tokens * mask).sum(1) / mask.sum(1)'),
}
_MIDDLE = {
    "linear": ("a linear layer", ""),
    "mlp": (
        "Linear, GELU, Dropout, Linear",
        '\n    x = torch.nn.functional.gelu(x @ head["dense.weight"].T + head["dense.bias"])',
    ),
}


def _loading(run: Run) -> str:
    """How the model is loaded: in one line, or by hand where its head is one that transformers does not know."""
    settings = run.model / "head.json"
    if not settings.exists():
        return _ONE_LINE
    found = json.loads(settings.read_text(encoding="utf-8"))
    (pooling, pool), (head, middle) = _POOL[found["pooling"]], _MIDDLE[found["head"]]
    return _OWN_HEAD.format(pooling=pooling, head=head, pool=pool, middle=middle)


def _baseline(view: RunView) -> str:
    """The score of the simple model beside ours, where there is one."""
    if view.baseline is None:
        return ""
    found = view.baseline
    learned = "the same training rows" if found.rows == view.rows.get("train") else f"{found.rows:,} of the training rows"
    return (
        f"\nA simple word-count model (TF-IDF and logistic regression) that learned from {learned} reaches "
        f"accuracy {found.accuracy:.3f} and macro F1 {found.macro_f1:.3f} on them."
    )


def _repairs(view: RunView) -> str:
    """What was changed in the file before the training; nothing where nothing was."""
    if not view.repairs:
        return ""
    lines = "\n".join(
        f"- {count:,} {'row' if count == 1 else 'rows'}: {REPAIRS[code].done if code in REPAIRS else code}"
        for code, count in view.repairs.items()
    )
    return f"## What was repaired in the file\n\n{lines}\n\n"


def _interval(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _cell(text: str) -> str:
    """A person's words inside Markdown: nothing in them may break the table or become markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()<>#+|!" else c for c in " ".join(text.split()))
