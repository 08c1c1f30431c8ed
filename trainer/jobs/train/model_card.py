"""The model card: what a model is, what was measured and what it is not good for, in the Hub's format."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING

from trainer.check import CheckCounts, CheckResult, count_checks, found
from trainer.data.checks.repairs import REPAIRS, describe_repair, text_repairs
from trainer.data.task import Task, find_task
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.confidence import ConfidenceReport
from trainer.evaluation.diagnostics import check_training
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Report
from trainer.evaluation.result_checks import check_result
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.terminal import terminal_line
from trainer.text_format import decimal, percent, pluralize
from trainer.training.temperature import read_config

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData


def write_model_card(run: Run, view: RunView, report: Report, confidence: ConfidenceReport | None = None) -> None:
    """Write the model card, ``README.md`` of the model folder, in the Hub's format; it replaces an old one in one step."""
    from huggingface_hub import ModelCard

    data = _metadata(run, view, report)
    rows = "\n".join(
        f"| {_escape(c.name)} | {_format_value(c.precision)} | {_format_value(c.recall)} | {_format_score(c.f1)} | {c.support:,} |"
        for c in report.per_class
    )
    text = f"""---
{data.to_yaml()}
---

# {_escape(view.name)}

A text classifier with {len(report.label_names)} classes, fine-tuned with Emotune from {_escape(view.encoder)} on
{view.rows.get("train", 0):,} rows of {_escape(view.source_title)}.

{_loading_section(run, find_task(view.task))}
{_text_repairs_section(run)}## What was measured

On {report.rows:,} test rows that were never trained on, nor used to choose anything (95 % intervals):
{", ".join(f"{score.metric.name} {_format_interval(score.interval)}" for score in report.scores)}.
Always answering “{_escape(report.majority_name)}” would be right in {percent(report.majority_share)} of them.{_baseline_sentence(view)}{_linear_sentence(run, view)}

| class | precision | recall | F1 | rows |
|---|---:|---:|---:|---:|
{rows}

{_confidence_section(run, view, confidence)}{_result_section(view, report)}{_labels_section(view)}{_findings_section(view)}{_repairs_section(view)}## How it was trained

{_describe_training(view)}.{_parent_sentence(view)}{_added_tokens_sentence(view)}
Settings and seed: {_escape(", ".join(f"{name} {value}" for name, value in run.resolved_recipe().to_dict().items() if value not in (None, ())))}.

{_training_section(run, view)}## Limits

The scores hold for texts like those of the file it was trained on. Other sources, languages or times may give other results.
"""
    run.replace_model_card(str(ModelCard(text)))


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


def _confidence_section(run: Run, view: RunView, confidence: ConfidenceReport | None) -> str:
    """The temperature of the probabilities, and the promise that the model keeps; "" if nothing is known of them."""
    if confidence is None:
        return ""
    error = f"expected calibration error on the test rows {percent(confidence.after.error)}"
    if view.temperature is None:
        lines = [f"The probabilities are as the training left them ({error})."]
    else:
        before = "" if confidence.before is None else f", {percent(confidence.before.error)} before"
        lines = [
            f"The probabilities have a temperature of {view.temperature:.3f} (Guo et al. 2017), chosen on validation rows and part of the last layer "
            f"({error}{before})."
        ]
    with suppress(OSError, ValueError):
        config = read_config(run.model)
        promise = next((promise for promise in confidence.promises if promise.target == config.get("abstain_target")), None)
        if promise is not None and promise.threshold is not None and promise.test is not None:
            right = "" if promise.test.accuracy is None else f", {percent(promise.test.accuracy.value)} of these answers are right"
            lines.append(
                f"\nIt is meant to answer only from a probability of {config['abstain_below']:.4f} on (`abstain_below` in config.json; Emotune says "
                f"“unsure” below): then at least {percent(promise.target, 0)} of its answers are right, chosen on validation rows with a confidence of 95 %. "
                f"It answers {percent(promise.test.share.value)} of the test rows{right}."
            )
    return "\n".join(lines) + "\n\n"


def _parent_sentence(view: RunView) -> str:
    """For a run that continues another one: which, and from which step."""
    if not view.parent:
        return ""
    return f" Up to step {view.parent_step or 0:,} of {view.total_steps:,} it was trained as the run {_escape(view.parent_name)}, which it continues."


def _added_tokens_sentence(view: RunView) -> str:
    """Which signs the training added to the encoder's vocabulary; "" if none."""
    return f" {_escape(view.added_tokens_sentence)}" if view.added_tokens else ""


def _describe_training(view: RunView) -> str:
    """The training of the model, as far as it is known."""
    model = view.kept
    if model.step == 0 and view.linear is not None:
        device = _escape(model.device) or "an unknown device"
        return f"The encoder is unchanged, and the head is a logistic regression on {pluralize(view.linear.rows, 'training row')}, computed on {device}"
    rate = "" if model.learning_rate is None else f", peak learning rate {model.learning_rate:g}"
    return f"{pluralize(model.epochs, 'epoch')}, batch size {model.batch_size}{rate}, on {_escape(model.device) or 'an unknown device'}"


def _metadata(run: Run, view: RunView, report: Report) -> "ModelCardData":
    from huggingface_hub import EvalResult, ModelCardData

    # transformers' pipeline cannot load a head of ours.
    standard = not (run.model / "head.json").exists()
    return ModelCardData(
        model_name=terminal_line(view.name),
        base_model=view.base_model or None,
        library_name="transformers" if standard else None,
        pipeline_tag="text-classification" if standard else None,
        tags=["text-classification", "emotune"],
        eval_results=[
            EvalResult(
                task_type="text-classification",
                dataset_type="csv",
                dataset_name=terminal_line(view.source_title),
                dataset_split="test",
                metric_type=score.metric.hub_type,
                metric_name=score.metric.title,
                metric_value=round(score.interval.value, 4),
                metric_args=score.metric.hub_arguments,
            )
            for score in report.scores
            if score.metric.hub_type
        ],
    )


_REPAIR_CODE = {
    "html_in_texts": (
        'text = html.unescape(html.unescape(re.sub(r"(?i)(?:\\s*</?(?:br|p|b|i|u|em|strong|div|span|a|img|li|ul|ol|td|tr)(?:\\s[^<>]*)?/?>\\s*)+", " ", text)))'
    ),
    "stand_ins_in_texts": (
        'marks = {"lrb": "(", "rrb": ")", "lsb": "[", "rsb": "]", "lcb": "{", "rcb": "}", "comma": ",", "period": ".", "semicolon": ";",\n'
        '         "colon": ":", "quote": \'"\', "newline": "\\n", "newline_token": "\\n", "tab_token": "\\t"}\n'
        'names = "comma|period|semicolon|colon|quote|newline"\n'
        'text = re.sub(rf"(?i)-[lr][rsc]b-|(?:newline|tab)_token|_(?:{names})_|<(?:{names})>", lambda m: marks[m[0].lower().strip("-_<>")], text)'
    ),
    "links_in_texts": (
        'text = re.sub(r"(?<![\\w@/])@\\w+", "@user", re.sub(r"(?i)\\b(?:https?://|ftp://|www\\.)[^\\s<>“”]*[^\\s<>“”.,;:!?\'*~)]", "http", text))'
    ),
}
"""Code that repairs texts without Emotune: the same on most texts, as the rules of html_and_links.py are finer."""


def _text_repairs_section(run: Run) -> str:
    """How to repair a text before the model reads it, if the training rows were repaired; "" otherwise."""
    codes = text_repairs(run.recipe().repairs)
    if not codes:
        return ""
    lines = "\n".join(_REPAIR_CODE[code] for code in codes)
    return f"""The texts were repaired before the training ({"; ".join(REPAIRS[code].done for code in codes)}). Emotune does the
same with every text that the model reads. Without Emotune, these lines do it for most texts (its own rules, which also keep what only looks
like a tag or a name, are in `trainer/data/html_and_links.py` and `stand_ins.py`):

```python
import html
import re

{lines}
```

"""


def _findings_section(view: RunView) -> str:
    """The findings that were left as they were, and the summary of the checks of the file; "" if nothing is known of it."""
    if not view.findings and view.checks is None:
        return ""
    return f"## Findings in the file\n\n{_check_list(view.findings, view.checks)}"


def _loading_section(run: Run, task: Task) -> str:
    """How to load the model: in one line, or by hand if transformers does not know its head."""
    head_file = run.model / "head.json"
    if not head_file.exists():
        return _LOAD_WITH_PIPELINE
    settings = json.loads(head_file.read_text(encoding="utf-8"))
    (pooling, pool), (head, middle) = _POOL[settings["pooling"]], _MIDDLE[settings["head"]]
    return _LOAD_WITH_OUR_HEAD.format(pooling=pooling, head=head, pool=pool, middle=middle, probabilities=task.probabilities_code)


def _baseline_sentence(view: RunView) -> str:
    """The scores of the word-count baseline; "" without one."""
    if view.baseline is None:
        return ""
    baseline = view.baseline
    rows = describe_training_rows(baseline.rows, view.rows.get("train"))
    return (
        f"\nA simple word-count model (TF-IDF and a linear support vector machine) that learned from {rows} reaches "
        f"accuracy {_format_score(baseline.test.accuracy)} and macro F1 {_format_score(baseline.test.macro_f1)} on them."
    )


def _linear_sentence(run: Run, view: RunView) -> str:
    """The scores of the linear model on the unchanged encoder; "" without one, or if it is the model."""
    if view.linear is None or view.kept.step == 0:
        return ""
    started = ", from which the fine-tuning started," if run.resolved_recipe().starts_from_linear_model else ""
    return (
        f"\nA linear model on the unchanged encoder{started} reaches accuracy "
        f"{_format_score(view.linear.test.accuracy)} and macro F1 {_format_score(view.linear.test.macro_f1)}."
    )


def _repairs_section(view: RunView) -> str:
    """The repairs of the file before the training; "" without any."""
    if not view.repairs:
        return ""
    lines = "\n".join(f"- {describe_repair(code, rows)}" for code, rows in view.repairs.items())
    return f"## What was repaired in the file\n\n{lines}\n\n"


def _labels_section(view: RunView) -> str:
    """What the labels mean, and what was changed of them by hand; "" if nothing is known of either."""
    decisions = view.decisions
    lines = [f"- {_escape(label)}: {_escape(definition)}" for label, definition in view.definitions.items()]
    done = []
    if decisions.get("changed") or decisions.get("dropped"):
        changed, dropped = pluralize(decisions["changed"], "label"), pluralize(decisions["dropped"], "row")
        done.append(
            f"{changed} changed and {dropped} dropped by hand in the rows it learned from; the test rows have the labels of the file."
        )
    done += [f"{_escape(before)} is called {_escape(after)} here." for before, after in view.class_names.items()]
    parts = [" ".join(done), "\n".join(lines)]
    content = "\n\n".join(part for part in parts if part)
    return f"## The labels\n\n{content}\n\n" if content else ""


def _format_interval(interval: Interval) -> str:
    return f"{_format_score(interval.value)} ({_format_score(interval.low)} to {_format_score(interval.high)})"


def _format_value(interval: Interval | None) -> str:
    return "–" if interval is None else _format_score(interval.value)


def _format_score(score: float | None) -> str:
    """A dash if it cannot be computed."""
    return "–" if score is None else decimal(score, 3)


def _result_section(view: RunView, report: Report) -> str:
    """What the test rows cannot tell, and the summary of the checks of the score."""
    checks = check_result(report, view.baseline)
    return _check_list(found(checks), count_checks(checks))


def _training_section(run: Run, view: RunView) -> str:
    """What looks wrong with the curves, and the summary of the checks of the training; "" if none applies."""
    checks = check_training(view, run.recipe())
    return _check_list(found(checks), count_checks(checks)) if any(check.applies for check in checks) else ""


def _check_list(results: Sequence[CheckResult], counts: CheckCounts | None) -> str:
    """The summary, if it is known, and a line for each result."""
    summary = f"{counts.summary()}.\n\n" if counts else ""
    lines = "\n".join(f"- {_escape(result.sentence)}" for result in results)
    return f"{summary}{lines}\n\n" if lines else summary


_MARKDOWN = frozenset("\\`*_{}[]()#+|!~")


def _escape(text: str) -> str:
    """A user's text inside Markdown: it cannot break a table, become markup, a link or an HTML tag, or reverse the writing direction."""
    html = escape(terminal_line(text), quote=False).replace("://", "&#58;//").replace("www.", "www&#46;")
    safe = "".join(f"\\{c}" if c in _MARKDOWN and not _belongs_to_entity(html, at) else c for at, c in enumerate(html))
    # At the beginning of a line these would be a rule or a list.
    return re.sub(r"^(\d*)([-=.)])", r"\1\\\2", safe)


def _belongs_to_entity(html: str, at: int) -> bool:
    """Whether the character belongs to an entity such as "&#58;"."""
    return html[at] == "#" and html[at - 1 : at] == "&"
