"""Tab 2, Train: the form of the next training, or the progress of a run; one of the two is visible."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.charts_by_task import charts_of
from trainer.charts.curves import loss_chart
from trainer.charts.layout import Figure
from trainer.check import CheckResult
from trainer.data.task import SINGLE_LABEL
from trainer.evaluation.curves import RunCurves
from trainer.evaluation.report import Scores
from trainer.jobs.queue import Delay
from trainer.presets import LEVELS
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import approximate_duration, millions, pluralize
from trainer.training.encoders import Encoder
from trainer.ui import html_pieces, page_frame, recipe_form, train_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, user_errors
from trainer.ui.live_chart import live_chart, to_json
from trainer.ui.recipe_form import RecipeForm

_CHART_HEIGHT, _PHONE_HEIGHT = 300, 176
_WATCHED = """
function update() {
  const watched = props.value ?? "";
  if (watched === document.body.dataset.watched) return;
  document.body.dataset.watched = watched;
  if (document.querySelector("#watch-head")?.closest("[role=tabpanel]")?.offsetParent) scrollTo({ top: 0, behavior: "instant" });
}
watch("value", update);
update();
"""
"""Only the watched run decides which of the two columns styles/unscoped.css shows, so a late response cannot change it. Gradio would remove a
hidden column with the zoom of its charts. Either column is shown from its top, wherever the other one was scrolled to."""


@dataclass(frozen=True)
class TrainTab:
    """The components other tabs read or write."""

    watched: gr.HTML
    """Its value is the id of the run that is shown; empty while the next training is prepared."""
    source: gr.HTML
    folds_offer: gr.HTML
    """Its ``click`` event carries ``action`` "folds" and, as ``code``, a split of the Data tab."""
    encoder: gr.Dropdown
    encoder_description: gr.HTML
    recipe: RecipeForm
    notice: gr.HTML
    start_footer: gr.HTML
    """Its ``click`` event carries ``action``: "start", "watch"."""
    head: gr.HTML
    loss: gr.HTML
    accuracy: gr.HTML
    details: gr.HTML
    """Its ``click`` event carries ``action`` ("prepare", "again") and ``code``, the run."""
    watch_footer: gr.HTML
    """Its ``click`` event carries ``action`` ("results", "resume", "stop") and ``code``, the run."""

    @property
    def form(self) -> list[Any]:
        """What the user chooses here for a training."""
        return [self.encoder, self.recipe.level, *self.recipe.settings]

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.head, self.loss, self.accuracy, self.details, self.watch_footer]


def build(studio: Studio) -> TrainTab:
    """Lay the tab out. The page wires its events, which concern other tabs too."""
    watched = gr.HTML("", html_template="<i></i>", js_on_load=_WATCHED, elem_id="watched-run")
    with gr.Column(elem_classes=["em-prepare"]):
        source = gr.HTML(no_file_html(), elem_id="train-source")
        notice = gr.HTML(elem_id="train-notice")
        folds_offer = html_with_buttons("", elem_id="folds-offer")
        level = recipe_form.build_level()
        explanation = recipe_form.build_explanation()
        default = studio.encoders.default
        encoder = gr.Dropdown(
            [(_encoder_label(e), e.name) for e in studio.encoders],
            value=default.name,
            label="Pretrained model (encoder)",
            info="Choose from the list, or type the name of any public BERT-family model on the Hugging Face Hub: owner/name.",
            elem_id="encoder",
            allow_custom_value=True,
        )
        encoder_description = gr.HTML(encoder_html(default), elem_id="encoder-description")
        recipe = recipe_form.build(level, explanation)
        start_footer = page_frame.footer(elem_id="footer-start", value=no_file_footer())
    with gr.Column(elem_classes=["em-watch"]):
        head = gr.HTML(elem_id="watch-head")
        with gr.Row(elem_classes=["em-charts"]):
            with gr.Column(min_width=480, elem_classes=["em-chart-card"]):
                loss = _chart(loss_chart, "Loss", "lower is better")
            with gr.Column(min_width=480, elem_classes=["em-chart-card", "em-first-on-phone"]):
                accuracy = _chart(charts_of(SINGLE_LABEL.key).score, "Accuracy", "validation rows · higher is better")
        details = html_with_buttons("", elem_id="run-details")
        watch_footer = page_frame.footer(elem_id="footer-watch")
    with_notice = user_errors(lambda message: html_pieces.notice(message, "error"))
    encoder.change(
        with_notice(lambda name: encoder_html(studio.encoders.get(name or ""))), encoder, encoder_description, **PRIVATE_EVENT_MULTIPLE
    )
    return TrainTab(
        watched,
        source,
        folds_offer,
        encoder,
        encoder_description,
        recipe,
        notice,
        start_footer,
        head,
        loss,
        accuracy,
        details,
        watch_footer,
    )


def _chart(figure: Callable[[RunCurves], Figure], title: str, note: str) -> gr.HTML:
    return live_chart(
        figure(no_curves()),
        elem_id=f"{title.lower()}-chart",
        height=_CHART_HEIGHT,
        phone_height=_PHONE_HEIGHT,
        title=title,
        note=note,
    )


def show(
    tab: TrainTab,
    view: RunView | None,
    *,
    title: str = "",
    parent: str = "",
    queue_position: int | None = None,
    delay: Delay | None = None,
    checks: Sequence[CheckResult] = (),
    scores: Scores | None = None,
) -> dict:
    """Updates that show a run; none for None, while the next training is prepared."""
    if view is None:
        return {}
    curves = RunCurves.from_view(view)
    return {
        tab.head: train_view.head(view, title, scores),
        tab.loss: to_json(loss_chart(curves)),
        tab.accuracy: to_json(charts_of(view.task).score(curves)),
        tab.details: train_view.details(view, checks, parent),
        tab.watch_footer: train_view.footer(view, queue_position, scores, delay),
    }


def no_file_html() -> str:
    return page_frame.heading("Train a model", "No file is open. Open yours, or the sample, in tab 1, Data.")


def no_file_footer() -> str:
    return page_frame.footer_html("Open a file first.", Button("to-data", "Open a file", primary=True))


def source_html(source_name: str) -> str:
    """The heading, with the file that Start would train on."""
    return page_frame.heading(f'Train a model on <span dir="auto">{html_pieces.text(source_name)}</span>')


def start_footer(
    source_name: str,
    train_rows: int | None,
    seconds: float | None,
    *,
    error: str = "",
    running: str = "",
    to_fix: str = "",
    limit_notice: str = "",
    decided: str = "",
) -> str:
    """What Start would do; without ``train_rows`` what is ``to_fix`` first.

    ``error`` is an error of the form, ``running`` the id of the run that is training, ``limit_notice`` says which limit is close,
    ``decided`` that labels were changed by hand.
    """
    start = Button("start", "Start training", primary=True, elem_id="start", busy_message="Starting …", disabled=train_rows is None)
    others = [Button("watch", "See the running training", code=running, link=True)] if running else []
    if error:
        return page_frame.footer_html(error, *others, start, is_error=True)
    if train_rows is None:
        return page_frame.footer_html(to_fix, *others, Button("to-data", "See what to fix", primary=True))
    time = "" if seconds is None else f" Takes about {approximate_duration(seconds)}."
    queue = " It starts after the running one." if running else ""
    decisions = f" {decided}" if decided else ""
    limit = f" {limit_notice}" if limit_notice else ""
    return page_frame.footer_html(
        f"Trains on {source_name}, {pluralize(train_rows, 'row')}.{decisions}{time}{queue}{limit}", *others, start
    )


def level_choices(seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    """The levels, each with the time it takes if that is known."""
    return [
        (f"{level} · {approximate_duration(seconds[level])}".replace(" ", "\N{NO-BREAK SPACE}") if level in seconds else level, level)
        for level in LEVELS
    ] + [(recipe_form.CUSTOM, recipe_form.CUSTOM)]


def no_curves() -> RunCurves:
    return RunCurves("none")


def _encoder_label(encoder: Encoder) -> str:
    size = f"{millions(encoder.parameters)} parameters" if encoder.parameters else ""
    return " · ".join(part for part in (encoder.name, encoder.languages or "your own", size) if part)


def encoder_html(encoder: Encoder) -> str:
    """What the encoder is good for, and what has to be downloaded first."""
    size = "Already on this computer."
    if not encoder.is_local:
        size = f"{encoder.megabytes:,} MB, downloaded once from the Hugging Face Hub." if encoder.megabytes else ""
    return f'<p class="em-quiet em-small">{html_pieces.text(encoder.description)} {size}</p>'
