"""The model card: what a model is, what was measured and what it is not good for, in the Hub's format."""

import re
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING

from trainer.check import CheckCounts, CheckResult, count_checks, found
from trainer.data.checks.repairs import REPAIRS, describe_repair, text_repairs
from trainer.data.columns.label_form import describe_cut
from trainer.data.task import SINGLE_LABEL, find_task
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.confidence import ConfidenceReport
from trainer.evaluation.diagnostics import check_training
from trainer.evaluation.intervals import Interval
from trainer.evaluation.metrics import EVALUATIONS, ClassScore
from trainer.evaluation.report import Report, describe_folds_model, describe_tested_rows
from trainer.evaluation.result_checks import check_result
from trainer.jobs.train.card_code import cuts_section, loading_section
from trainer.runs.run import Run
from trainer.runs.run_files import EXPORTS
from trainer.runs.view import RunView
from trainer.terminal import terminal_line
from trainer.text_format import decimal, percent, pluralize
from trainer.training.export.exported import exports_section
from trainer.training.temperature import read_config

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData


def write_model_card(run: Run, view: RunView, report: Report, confidence: ConfidenceReport | None = None) -> None:
    """Write the model card, ``README.md`` of the model folder, in the Hub's format; it replaces an old one in one step."""
    from huggingface_hub import ModelCard

    data = _metadata(run, view, report)
    classes = len(report.label_names)
    several = "" if report.task is SINGLE_LABEL else ", of which a text may get several or none"
    text = f"""---
{data.to_yaml()}
---

# {_escape(view.name)}

A text classifier with {classes} classes{several}, {_made_from(view)} {_escape(view.encoder)} on
{view.rows.get("train", 0):,} rows of {_escape(view.source_title)}.

{loading_section(run, find_task(view.task))}
{_text_repairs_section(run)}## What was measured

On {describe_tested_rows(report.rows, report.folds)} (95 % intervals{_folds_sentence(view, report)}):
{", ".join(f"{score.metric.name} {_format_interval(score.interval)}" for score in report.scores)}.
Always answering “{_escape(report.majority_name)}” would be right in {percent(report.majority_share)} of them.{_baseline_sentence(view, report.accuracy_name)}{_linear_sentence(run, view, report.accuracy_name)}

{_class_table(report)}

{cuts_section(run, report.task)}{_confidence_section(run, view, confidence)}{_result_section(view, report)}{_labels_section(view)}{_findings_section(view)}{_repairs_section(view)}## How it was trained

{_describe_training(view)}.{_contrastive_sentence(run, view)}{_parent_sentence(view)}{_added_tokens_sentence(view)}
Settings and seed: {_escape(", ".join(f"{name} {value}" for name, value in run.resolved_recipe().to_dict().items() if value not in (None, ())))}.

{_training_section(run, view)}{exports_section(run.path / EXPORTS)}## Limits

The scores hold for texts like those of the file it was trained on. Other sources, languages or times may give other results.
"""
    run.replace_model_card(str(ModelCard(text)))


def _class_table(report: Report) -> str:
    """The scores of each class; for several labels a text with their average precision and cuts."""
    with_cuts = report.per_class[0].threshold is not None

    def row(c: ClassScore) -> str:
        cut = f" {_format_value(c.average_precision)} | {c.threshold:.4f} |" if with_cuts else ""
        return (
            f"| {_escape(c.name)} | {_format_value(c.precision)} | {_format_value(c.recall)} | {_format_value(c.f1)} |{cut} {c.support:,} |"
        )

    head = ("| average precision | cut ", "---:|---:|") if with_cuts else ("", "")
    return "\n".join(
        [f"| class | precision | recall | F1 {head[0]}| rows |", f"|---|---:|---:|---:|{head[1]}---:|", *map(row, report.per_class)]
    )


def _folds_sentence(view: RunView, report: Report) -> str:
    """How the score of a run with folds is to be read; "" for one of test rows."""
    if not report.folds:
        return ""
    return (
        f", as wide as the correction of Nadeau & Bengio 2003 makes them, as the models share rows; this model is none of those {report.folds}: it "
        f"{describe_folds_model(stopped=view.status == 'stopped')}, and no row was kept aside to score it"
    )


def _confidence_section(run: Run, view: RunView, confidence: ConfidenceReport | None) -> str:
    """The temperature of the probabilities, and the promise that the model keeps; "" if nothing is known of them."""
    if confidence is None:
        return _calibration_line(view)
    evaluation = EVALUATIONS[confidence.task.key]
    error = f"expected calibration error on the test rows {percent(confidence.after.error)}"
    if view.temperature is None:
        lines = [f"The probabilities are as the training left them ({error})."]
    else:
        before = "" if confidence.before is None else f", {percent(confidence.before.error)} before"
        correction = evaluation.calibration.format(view.temperature)
        lines = [f"The probabilities have {correction}, chosen on validation rows and part of the last layer ({error}{before})."]
    with suppress(OSError, ValueError):
        config = read_config(run.model)
        promise = next((promise for promise in confidence.promises if promise.target == config.get("abstain_target")), None)
        if promise is not None and promise.threshold is not None and promise.test is not None:
            right = "" if promise.test.accuracy is None else f", {percent(promise.test.accuracy.value)} of these answers are right"
            lines.append(
                f"\nIt is meant to answer only from a probability of {config['abstain_below']:.4f} on (`abstain_below` in config.json; Emotune says "
                f"“unsure” below): then {evaluation.promised.format(share=percent(promise.target, 0))}, chosen on validation rows with a confidence of "
                f"95 %. It answers {percent(promise.test.share.value)} of the test rows{right}. {evaluation.answered}".rstrip()
            )
    return "\n".join(lines) + "\n\n"


def _calibration_line(view: RunView) -> str:
    """What makes the probabilities right as often as they say, where nothing else is known of them; "" if nothing does."""
    fitted = view.calibration
    if fitted is None or not fitted.kept:
        return ""
    return (
        f"The probabilities have {EVALUATIONS[find_task(view.task).key].calibration.format(fitted.temperature)}, chosen on {pluralize(fitted.rows, 'validation row')} and part of the "
        f"last layer: their mean negative log-likelihood there is {fitted.nll_after:.4f}, {fitted.nll_before:.4f} without.\n\n"
    )


def _parent_sentence(view: RunView) -> str:
    """For a run that continues another one: which, and from which step."""
    if not view.parent:
        return ""
    return f" Up to step {view.parent_step or 0:,} of {view.total_steps:,} it was trained as the run {_escape(view.parent_name)}, which it continues."


def _added_tokens_sentence(view: RunView) -> str:
    """Which signs the training added to the encoder's vocabulary; "" if none."""
    return f" {_escape(view.added_tokens_sentence)}" if view.added_tokens else ""


def _is_linear_model(view: RunView) -> bool:
    """Whether the model that is kept is the linear one on the unchanged encoder."""
    return view.kept.step == 0 and (view.linear is not None or view.folds > 0)


def _made_from(view: RunView) -> str:
    return "trained with Emotune on top of" if _is_linear_model(view) else "fine-tuned with Emotune from"


def _describe_training(view: RunView) -> str:
    """The training of the model, as far as it is known."""
    model = view.kept
    if _is_linear_model(view):
        device, rows = _escape(model.device) or "an unknown device", view.rows.get("train", 0) if view.linear is None else view.linear.rows
        names = " and the names of the classes" if view.linear_learned_names else ""
        return f"The encoder is unchanged, and the head is a logistic regression on {pluralize(rows, 'training row')}{names}, computed on {device}"
    rate = "" if model.learning_rate is None else f", peak learning rate {model.learning_rate:g}"
    return f"{pluralize(model.epochs, 'epoch')}, batch size {model.batch_size}{rate}, on {_escape(model.device) or 'an unknown device'}"


def _contrastive_sentence(run: Run, view: RunView) -> str:
    """What the method contrastive did; "" for other methods, or if the linear model on the unchanged encoder was kept."""
    if run.resolved_recipe().method != "contrastive" or view.kept.step == 0:
        return ""
    return (
        " The encoder learned to bring texts of the same class together (supervised contrastive loss, Khosla et al. 2020), and the head is a "
        "logistic regression on what it then made of the training rows."
    )


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
    "personal_data_in_texts": (
        'text = re.sub(r"[\\w.%+-]+@[\\w-]+(?:\\.[\\w-]+)+", "email", text)\n'
        'text = re.sub(r"(?<![\\w.,])(?:\\+|\\(?0)[0-9 ()./-]{6,18}[0-9]", "phone", text)\n'
        'text = re.sub(r"(?<![\\w@/])@\\w+", "@user", re.sub(r"(?i)\\b(?:https?://|ftp://|www\\.)[^\\s<>“”]*[^\\s<>“”.,;:!?\'*~)]", "http", text))'
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
like a tag or a name, are in `trainer/data/html_and_links.py`, `personal_data.py` and `stand_ins.py`):

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


def _baseline_sentence(view: RunView, accuracy_name: str) -> str:
    """The scores of the word-count baseline; "" without one."""
    if view.baseline is None:
        return ""
    baseline = view.baseline
    rows = describe_training_rows(baseline.rows, view.rows.get("train"))
    return (
        f"\nA simple word-count model (TF-IDF and a linear support vector machine) that learned from {rows} reaches "
        f"{accuracy_name} {_format_score(baseline.test.accuracy)} and macro F1 {_format_score(baseline.test.macro_f1)} on them."
    )


def _linear_sentence(run: Run, view: RunView, accuracy_name: str) -> str:
    """The scores of the linear model on the unchanged encoder; "" without one, or if it is the model."""
    linear = view.compared_linear
    if linear is None:
        return ""
    recipe = run.resolved_recipe()
    started = ", from which the fine-tuning started," if recipe.starts_from_linear_model and recipe.method == "full" else ""
    names = ", having learned from the names of the classes too," if view.linear_learned_names else ""
    return (
        f"\nA linear model on the unchanged encoder{names}{started} reaches {accuracy_name} "
        f"{_format_score(linear.test.accuracy)} and macro F1 {_format_score(linear.test.macro_f1)}."
    )


def _repairs_section(view: RunView) -> str:
    """The repairs of the file before the training; "" without any."""
    if not view.repairs:
        return ""
    lines = "\n".join(f"- {describe_repair(code, rows)}" for code, rows in view.repairs.items())
    return f"## What was repaired in the file\n\n{lines}\n\n"


def _labels_section(view: RunView) -> str:
    """What the labels mean, from which score on a text has them, and what was changed of them by hand; "" if nothing is known of these."""
    decisions = view.decisions
    lines = [f"- {_escape(label)}: {_escape(definition)}" for label, definition in view.definitions.items()]
    done = []
    if view.labels_cut is not None:
        done.append(describe_cut(view.labels_cut))
    if decisions.get("changed") or decisions.get("dropped"):
        changed, dropped = pluralize(decisions["changed"], "label"), pluralize(decisions["dropped"], "row")
        done.append(
            f"{changed} changed and {dropped} dropped by hand in the rows it learned from; the test rows have the labels of the file."
        )
    if decisions.get("added"):
        done.append(
            f"It also learned {pluralize(decisions['added'], 'text')} that {'is no row' if decisions['added'] == 1 else 'are no rows'} of the file."
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
