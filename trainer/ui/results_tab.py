"""Tab 3, Results: the score on rows the model never saw, per class and as a confusion matrix; the model to take away."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.classes import confusion_chart
from trainer.errors import UserError
from trainer.evaluation.baseline import learned_from
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Report, gaps
from trainer.runs.view import RunView
from trainer.shelf import Reports
from trainer.studio import Studio
from trainer.text_format import decimal, decimal_range, percent_range
from trainer.ui import markup, words
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.session import QUIET, owner, said

_COUNTS, _BY_ROW = "Counts", "Share of each row"


@dataclass(frozen=True)
class ResultsTab:
    """The components other tabs read or write."""

    body: gr.Column
    headline: gr.HTML
    per_class: gr.HTML
    matrix_as: gr.Radio
    matrix: gr.HTML
    download: gr.HTML
    onward: gr.Button

    @property
    def shown(self) -> list[Any]:
        return [self.body, self.headline, self.per_class, self.matrix, self.download]


def build(studio: Studio, run: gr.Textbox) -> ResultsTab:
    """Lay the tab out and wire what concerns it alone; ``run`` is the model in hand."""
    headline = gr.HTML(_nothing_yet(), elem_id="headline")
    with gr.Column(visible=False) as body:
        download = gr.HTML(elem_id="download")
        gr.HTML("<h3>Per class</h3>")
        per_class = gr.HTML(elem_id="per-class")
        matrix_as = gr.Radio(
            [_COUNTS, _BY_ROW], value=_COUNTS, show_label=False, label="Numbers in the cells", container=False, elem_id="matrix-as"
        )
        matrix = live_chart(None, elem_id="confusion-chart", height=376, phone_height=306, title="Confusion matrix")
        onward = gr.Button("Continue: try a text", variant="primary", elem_id="to-try")
    tab = ResultsTab(body, headline, per_class, matrix_as, matrix, download, onward)
    refuse = said(lambda message: {headline: markup.notice(message, "must_fix"), body: gr.Column(visible=False)})

    @refuse
    def open_run(run_id: str | None, matrix_as: str) -> dict:
        return show(tab, studio, run_id, matrix_as)

    @refuse
    def redraw(run_id: str | None, matrix_as: str) -> Any:
        if not run_id:
            return gr.skip()
        return {matrix: drawn(confusion_chart(studio.reports(owner(), run_id).test, by_row=matrix_as == _BY_ROW))}

    run.change(open_run, [run, matrix_as], tab.shown, api_visibility="private", show_progress="minimal", show_progress_on=headline)
    matrix_as.input(redraw, [run, matrix_as], tab.shown, **QUIET)
    return tab


def show(tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str) -> dict:
    """Updates that make the tab show a finished run's report, or the empty state."""
    if not run_id:
        return {tab.headline: _nothing_yet(), tab.body: gr.Column(visible=False)}
    view, damage = studio.view(owner(), run_id), studio.damage(owner(), run_id)
    notices = "".join(markup.notice(sentence, "must_fix") for sentence in damage)
    try:
        reports = studio.reports(owner(), run_id)
    except UserError:
        if not damage:
            raise
        return {tab.headline: f'{notices}<p class="em-download">{_download(studio, run_id)}</p>', tab.body: gr.Column(visible=False)}
    return {
        tab.body: gr.Column(visible=True),
        tab.headline: notices + _headline(view, reports),
        tab.per_class: _per_class(reports.test),
        tab.matrix: drawn(confusion_chart(reports.test, by_row=matrix_as == _BY_ROW)),
        tab.download: _download(studio, run_id),
    }


def _download(studio: Studio, run_id: str) -> str:
    """The link to the model; nothing where it is damaged, which is said above."""
    if not studio.has_whole_model(owner(), run_id):
        return ""
    return (
        f'<a class="em-button" href="download/{run_id}" download>Download model</a>'
        '<span class="em-quiet">A zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card.</span>'
    )


def _nothing_yet() -> str:
    return markup.empty("No results yet", "Once a training is finished, its score on rows it never saw stands here. Begin in tab 1, Data.")


def _headline(view: RunView, reports: Reports) -> str:
    report = reports.test
    cards = "".join(
        f'<div class="em-card"><span>{name}</span><strong>{words.percent(value.value)}</strong><small>{percent_range(value.low, value.high)}</small><p>{about}</p></div>'
        for name, value, about in (
            ("Accuracy", report.accuracy, "Share of right answers."),
            ("Macro F1", report.macro_f1, _about_macro_f1(report)),
            ("Weighted F1", report.weighted_f1, "Mean of the classes’ F1, weighted by their rows."),
        )
    )
    return (
        f"<p>We kept <strong>{words.count(report.rows, 'row')}</strong> aside and never trained on them, nor used them to choose anything. "
        f"On these, <strong>{markup.text(view.name)}</strong> scores:</p>"
        f'<div class="em-cards">{cards}</div>'
        f'<p class="em-quiet">Always answering “{markup.text(report.majority_name)}” would be right in {words.percent(report.majority_share)}. '
        f"On the {words.count(reports.validation.rows, 'row')} that watched the training, accuracy is {words.percent(reports.validation.accuracy.value)}. "
        f"{_baseline(view)}Ranges are 95 % intervals (Wilson’s method, carried over to F1).</p>"
    )


def _about_macro_f1(report: Report) -> str:
    counted = int(((report.confusion.sum(axis=0) + report.confusion.sum(axis=1)) > 0).sum())
    classes = "the classes’ F1" if counted == len(report.label_names) else f"the F1 of the {counted:,} classes that occur"
    return f"Mean of {classes}, every class counting the same."


def _baseline(view: RunView) -> str:
    """What a model that only counts words reaches on the same rows."""
    if view.baseline is None:
        return ""
    accuracy, macro_f1 = words.percent(view.baseline.test.accuracy), words.percent(view.baseline.test.macro_f1)
    learned = learned_from(view.baseline.rows, view.rows.get("train"))
    return (
        f"A simple model that only counts words (TF-IDF and a linear support vector machine), having learned from {learned}, "
        f"reaches {accuracy}, macro F1 {macro_f1}. "
    )


def _per_class(report: Report) -> str:
    rows = [
        (
            c.name,
            _share(c.precision),
            _share(c.recall),
            "–" if c.f1 is None else decimal(c.f1),
            f"{c.support:,}",
        )
        for c in report.per_class
    ]
    head = ["Class", "Precision", "Recall", "F1", "Rows"]
    lowest = [] if report.worst is None else [f"Lowest F1: {report.label_names[report.worst]}."]
    note = markup.text(" ".join([*lowest, *gaps(report)]), most=1200)
    return (
        markup.table(
            head, rows, numbers=(1, 2, 3, 4), worst=report.worst, caption="Precision, recall and F1 of each class on the test rows"
        )
        + f'<p class="em-quiet">{note} Precision: of the texts it gave this class, the share that has it. Recall: of the texts that have it, '
        "the share it found. F1: the two in one number. The small numbers are 95 % intervals.</p>"
    )


def _share(interval: Interval | None) -> str | tuple[str, str]:
    """A share with its interval in small; a dash where it cannot be told."""
    return "–" if interval is None else (decimal(interval.value), decimal_range(interval.low, interval.high))
