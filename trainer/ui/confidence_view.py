"""What probabilities are worth as HTML: the temperature, and the promises that can be kept. Computes no score."""

from trainer.data.task import SINGLE_LABEL, Task
from trainer.evaluation.abstaining import Answers, Promise
from trainer.evaluation.calibration import MIN_ROWS
from trainer.evaluation.confidence import ConfidenceReport
from trainer.evaluation.metrics import EVALUATIONS
from trainer.runs.view import RunView
from trainer.text_format import percent, percent_range, pluralize
from trainer.ui import html_pieces, pages_by_task


def calibration_html(view: RunView, report: ConfidenceReport) -> str:
    """Which temperature the model has and why, and the calibration error before and after it."""
    fitted, error = view.calibration, report.after.error
    test = f"On test rows, what it says and how often it is right are {percent(error)} apart on average"
    if fitted is None:
        few = view.rows.get("validation", MIN_ROWS) < MIN_ROWS
        reason = f": at least {MIN_ROWS} validation rows are needed to correct them" if few else ""
        why = f"Its probabilities are as the training left them{reason}."
        return f"<p>{why} {test} (expected calibration error).</p>"
    nll = f"negative log-likelihood {fitted.nll_before:.3f} without, {fitted.nll_after:.3f} with it, cross-validated"
    rows = pluralize(fitted.rows, "validation row")
    if not fitted.kept:
        why = f"Its probabilities are as the training left them: no correction made those of the {rows} better ({nll})."
        return f"<p>{why} {test} (expected calibration error).</p>"
    bold = "bolder" if fitted.temperature < 1 else "more careful"
    before = f"; before, {percent(report.before.error)}" if report.before else ""
    made = pages_by_task.TASK_PAGES[report.task.key].corrected.format(bold=bold, temperature=fitted.temperature)
    return (
        f"<p>Its probabilities were {made}, chosen on the {rows} ({nll}). It is part of the "
        f"model’s last layer, and no prediction changes. {test}{before} (expected calibration error).</p>"
    )


def promises_html(report: ConfidenceReport, chosen: float | None) -> str:
    """A table of the promises: from which probability on it answers, and how much it answers on validation and test rows."""
    rows = "".join(_row(promise, chosen=promise.target == chosen) for promise in report.promises)
    head = "".join(
        f'<th scope="col" class="em-number">{name}</th>'
        for name in ("Answers from", "Validation rows: answered", "Test rows: answered", "right")
    )
    return (
        '<div class="em-scroll" tabindex="0" role="group" aria-label="Promises"><table class="em-table em-promises">'
        '<caption class="em-hidden">Promises: validation rows chose each threshold, test rows show what it does</caption>'
        f'<thead><tr><th scope="col">At least</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def chosen_html(promise: Promise | None, task: Task = SINGLE_LABEL) -> str:
    """What the model does now, as a sentence."""
    evaluation, page = EVALUATIONS[task.key], pages_by_task.TASK_PAGES[task.key]
    if promise is None or promise.threshold is None:
        return f'<p class="em-quiet">{page.answers_all} Choose a share, and it says “unsure” where it could not keep the promise. {evaluation.answered}</p>'
    test = promise.test
    right = f", {percent(test.accuracy.value)} of them right" if test and test.accuracy else ""
    share = f" Of the test rows it answers {percent(test.share.value)}{right}." if test else ""
    return (
        f"<p><strong>{page.held_back.format(percent(promise.threshold))}</strong> So {evaluation.promised.format(share=percent(promise.target, 0))} "
        f"(95 % sure, for texts like the validation rows).{share} {evaluation.answered} Try it, the terminal and the API do the same; the card of the model names it.</p>"
    )


def _row(promise: Promise, *, chosen: bool) -> str:
    name = f"{percent(promise.target, 0)} right{' <small>chosen</small>' if chosen else ''}"
    if promise.threshold is None:
        needed = promise.rows_needed
        why = (
            "this model is not right often enough at any threshold"
            if needed is None
            else f"about {needed:,} validation rows would be needed"
        )
        return f'<tr><th scope="row">{name}</th><td colspan="4" class="em-quiet">Cannot be promised: {why}.</td></tr>'
    cells = (percent(promise.threshold), _share(promise.validation), _share(promise.test), _accuracy(promise.test))
    numbers = "".join(f'<td class="em-number">{cell}</td>' for cell in cells)
    return f'<tr{" class=em-chosen" if chosen else ""}><th scope="row">{name}</th>{numbers}</tr>'


def _share(answers: Answers | None) -> str:
    return "–" if answers is None or not answers.rows else percent(answers.share.value)


def _accuracy(answers: Answers | None) -> str:
    if answers is None or answers.accuracy is None:
        return "–"
    accuracy = answers.accuracy
    return f"{percent(accuracy.value)}<small>{html_pieces.text(percent_range(accuracy.low, accuracy.high))}</small>"
