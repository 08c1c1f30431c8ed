"""The model card: what a model is, what was measured and what it is not good for, in the Hub's format."""

import json
import re
from html import escape
from typing import TYPE_CHECKING

from trainer.data.checks.repairs import REPAIRS, describe_repair, text_repairs
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Report, class_caveats
from trainer.runs.run import Run
from trainer.runs.view import KeptModel, RunView
from trainer.terminal import one_line
from trainer.text_format import decimal, percent, pluralize

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData


def write_card(run: Run, view: RunView, report: Report) -> None:
    """The model card, ``README.md`` of the model folder, in the Hub's format: the old one stands until the new one is whole."""
    from huggingface_hub import ModelCard

    data = _metadata(run, view, report)
    rows = "\n".join(
        f"| {_escaped(c.name)} | {_share(c.precision)} | {_share(c.recall)} | {_score(c.f1)} | {c.support:,} |" for c in report.per_class
    )
    text = f"""---
{data.to_yaml()}
---

# {_escaped(view.name)}

A text classifier with {len(report.label_names)} classes, fine-tuned with Emotune from {_escaped(view.encoder)} on
{view.rows.get("train", 0):,} rows of {_escaped(view.source_name)}.

{_loading(run)}
{_preparing(run)}## What was measured

On {report.rows:,} test rows that were never trained on, nor used to choose anything (95 % intervals):
accuracy {_interval(report.accuracy)}, macro F1 {_interval(report.macro_f1)}, weighted F1 {_interval(report.weighted_f1)}.
Always answering “{_escaped(report.majority_name)}” would be right in {percent(report.majority_share)} of them.{_baseline(view)}

| class | precision | recall | F1 | rows |
|---|---:|---:|---:|---:|
{rows}

{_gaps(report)}{_findings(view)}{_repairs(view)}## How it was trained

{_training(view.kept)}.{_parent(view)}
Settings and seed: {_escaped(", ".join(f"{name} {value}" for name, value in run.resolved_recipe().to_dict().items() if value not in (None, ())))}.

## Limits

The scores hold for texts like those of the file it learnt from. Other sources, languages or times may give other results.
"""
    run.replace_card(str(ModelCard(text)))


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


def _parent(view: RunView) -> str:
    """Of a run that goes on: whose training it does, and up to where that had come."""
    if not view.parent:
        return ""
    return f" Up to step {view.parent_step or 0:,} of {view.total_steps:,} it was trained as the run {_escaped(view.parent_name)}, which it goes on from."


def _training(model: KeptModel) -> str:
    """What is known of the training that the model is of."""
    rate = "" if model.learning_rate is None else f", peak learning rate {model.learning_rate:g}"
    return f"{pluralize(model.epochs, 'epoch')}, batch size {model.batch_size}{rate}, on {_escaped(model.device) or 'an unknown device'}"


def _metadata(run: Run, view: RunView, report: Report) -> "ModelCardData":
    from huggingface_hub import EvalResult, ModelCardData

    # A head of ours is none that transformers' pipeline could load.
    standard = not (run.model / "head.json").exists()
    scores = (
        ("accuracy", "Accuracy", report.accuracy, None),
        ("f1", "Macro F1", report.macro_f1, {"average": "macro"}),
    )
    return ModelCardData(
        model_name=one_line(view.name),
        base_model=view.base_model or None,
        library_name="transformers" if standard else None,
        pipeline_tag="text-classification" if standard else None,
        tags=["text-classification", "emotune"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="csv",
                dataset_name=one_line(view.source_name),
                dataset_split="test",
                metric_type=kind,
                metric_name=name,
                metric_value=round(interval.value, 4),
                metric_args=arguments,
            )
            for kind, name, interval, arguments in scores
        ],
    )


_PREPARE = {
    "html_in_texts": (
        'text = html.unescape(html.unescape(re.sub(r"(?i)(?:\\s*</?(?:br|p|b|i|u|em|strong|div|span|a|img|li|ul|ol|td|tr)(?:\\s[^<>]*)?/?>\\s*)+", " ", text)))'
    ),
    "links_in_texts": (
        'text = re.sub(r"(?<![\\w@/])@\\w+", "@user", re.sub(r"(?i)\\b(?:https?://|ftp://|www\\.)[^\\s<>“”]*[^\\s<>“”.,;:!?\'*~)]", "http", text))'
    ),
}
"""What the repairs of texts do, for somebody without Emotune: the same on most texts, as the rules of ``markup_codes`` are finer."""


def _preparing(run: Run) -> str:
    """How a text is to be changed before the model reads it, where the training rows were."""
    codes = text_repairs(run.recipe().repairs)
    if not codes:
        return ""
    lines = "\n".join(_PREPARE[code] for code in codes)
    return f"""The texts were repaired before the training ({"; ".join(REPAIRS[code].done for code in codes)}). Emotune does the
same with every text that the model reads. Without Emotune, these lines do so for most texts (its own rules, which also spare what only looks
like a tag or a name, are in `trainer/data/html_and_links.py`):

```python
import html
import re

{lines}
```

"""


def _findings(view: RunView) -> str:
    """What was odd in the file and left so; nothing where nothing was."""
    if not view.findings:
        return ""
    lines = "\n".join(f"- {_escaped(finding.message)}" for finding in view.findings)
    return f"## What was odd in the file\n\n{lines}\n\n"


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
    learned = describe_training_rows(found.rows, view.rows.get("train"))
    return (
        f"\nA simple word-count model (TF-IDF and a linear support vector machine) that learned from {learned} reaches "
        f"accuracy {_score(found.test.accuracy)} and macro F1 {_score(found.test.macro_f1)} on them."
    )


def _repairs(view: RunView) -> str:
    """What was changed in the file before the training; nothing where nothing was."""
    if not view.repairs:
        return ""
    lines = "\n".join(f"- {describe_repair(code, count)}" for code, count in view.repairs.items())
    return f"## What was repaired in the file\n\n{lines}\n\n"


def _interval(interval: Interval) -> str:
    return f"{_score(interval.value)} ({_score(interval.low)} to {_score(interval.high)})"


def _share(interval: Interval | None) -> str:
    return "–" if interval is None else _score(interval.value)


def _score(share: float | None) -> str:
    """A dash where it cannot be told."""
    return "–" if share is None else decimal(share, 3)


def _gaps(report: Report) -> str:
    """What the test rows cannot tell of some classes."""
    sentences = class_caveats(report)
    return _escaped(" ".join(sentences)) + "\n\n" if sentences else ""


_MARKDOWN = frozenset("\\`*_{}[]()#+|!~")


def _escaped(text: str) -> str:
    """A person's words inside Markdown: nothing in them may break a table, become markup, a link or an HTML tag, or turn the direction of writing."""
    html = escape(one_line(text), quote=False).replace("://", "&#58;//").replace("www.", "www&#46;")
    safe = "".join(f"\\{c}" if c in _MARKDOWN and not _of_entity(html, at) else c for at, c in enumerate(html))
    # At the beginning of a line these would be a rule or a list.
    return re.sub(r"^(\d*)([-=.)])", r"\1\\\2", safe)


def _of_entity(html: str, at: int) -> bool:
    """Whether the sign belongs to a reference such as "&#58;"."""
    return html[at] == "#" and html[at - 1 : at] == "&"
