"""Tab 2, Train: what the next training does, or the course of one; never both in one column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.curves import Curves, Rung, accuracy_chart, loss_chart
from trainer.charts.frame import Figure
from trainer.evaluation.diagnostics import Diagnosis
from trainer.jobs.queue import Delay
from trainer.library import Scores
from trainer.presets import LEVELS
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import approximate_duration, millions, pluralize
from trainer.training.encoders import Encoder
from trainer.ui import markup, recipe_form, shell, train_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.live_chart import live_chart, to_json
from trainer.ui.recipe_form import RecipeForm
from trainer.ui.session import PRIVATE_EVENT_MULTIPLE, user_errors

_CHART_HEIGHT, _PHONE_HEIGHT = 300, 176
_WATCHED = """
function tell() {
  const now = props.value ?? "";
  if (now === document.body.dataset.watched) return;
  document.body.dataset.watched = now;
  if (document.querySelector("#watch-head")?.closest("[role=tabpanel]")?.offsetParent) scrollTo({ top: 0, behavior: "instant" });
}
watch("value", tell);
tell();
"""
"""Which of the two columns is seen is decided by what is watched alone (page.css): an answer that comes late then changes nothing but words.
Gradio hides a column only by taking it away, zoom and all. Either is seen from its top, wherever the other one stood."""


@dataclass(frozen=True)
class TrainTab:
    """The components other tabs read or write."""

    watched: gr.HTML
    """Its value is the id of the run whose course is shown, empty while the next training is prepared; the page shows the one or the other."""
    source: gr.HTML
    encoder: gr.Dropdown
    about_encoder: gr.HTML
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
        """What a person chooses here for a training."""
        return [self.encoder, self.recipe.level, *self.recipe.settings]

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.head, self.loss, self.accuracy, self.details, self.watch_footer]


def build(studio: Studio) -> TrainTab:
    """Lay the tab out; what it does concerns other tabs too and is wired by the page."""
    watched = gr.HTML("", html_template="<i></i>", js_on_load=_WATCHED, elem_id="watched-run")
    with gr.Column(elem_classes=["em-prepare"]):
        source = gr.HTML(nothing_yet(), elem_id="train-source")
        notice = gr.HTML(elem_id="train-notice")
        dial = recipe_form.build_level()
        why = recipe_form.build_explanation()
        default = studio.encoders.default
        encoder = gr.Dropdown(
            [(_encoder_choice(e), e.name) for e in studio.encoders],
            value=default.name,
            label="Model to begin with (encoder)",
            info="One of the list, or the name of any public BERT-family model of the Hugging Face Hub: owner/name.",
            elem_id="encoder",
            allow_custom_value=True,
        )
        about_encoder = gr.HTML(encoder_facts(default), elem_id="about-encoder")
        recipe = recipe_form.build(dial, why)
        start_footer = shell.footer(elem_id="footer-start", value=no_file_footer())
    with gr.Column(elem_classes=["em-watch"]):
        head = gr.HTML(elem_id="watch-head")
        with gr.Row(elem_classes=["em-charts"]):
            with gr.Column(min_width=480, elem_classes=["em-chart-card"]):
                loss = _chart(loss_chart, "Loss", "lower is better")
            with gr.Column(min_width=480, elem_classes=["em-chart-card", "em-first-on-phone"]):
                accuracy = _chart(accuracy_chart, "Accuracy", "validation rows · higher is better")
        details = html_with_buttons("", elem_id="run-details")
        watch_footer = shell.footer(elem_id="footer-watch")
    known = user_errors(lambda message: markup.notice(message, "error"))
    encoder.change(known(lambda name: encoder_facts(studio.encoders.get(name or ""))), encoder, about_encoder, **PRIVATE_EVENT_MULTIPLE)
    return TrainTab(watched, source, encoder, about_encoder, recipe, notice, start_footer, head, loss, accuracy, details, watch_footer)


def _chart(figure: Callable[[Curves], Figure], title: str, note: str) -> gr.HTML:
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
    came: str = "",
    waiting: int | None = None,
    delay: Delay | None = None,
    diagnoses: Sequence[Diagnosis] = (),
    found: Scores | None = None,
) -> dict:
    """Updates that make the tab show the course of a run; with None, while the next one is prepared, there is nothing to draw."""
    if view is None:
        return {}
    curves = _curves(view)
    return {
        tab.head: train_view.head(view, title, found),
        tab.loss: to_json(loss_chart(curves)),
        tab.accuracy: to_json(accuracy_chart(curves)),
        tab.details: train_view.details(view, diagnoses, came),
        tab.watch_footer: train_view.footer(view, title, waiting, found, delay),
    }


def nothing_yet() -> str:
    return shell.heading("Train a model", "There is no file yet. Open yours, or the sample, in tab 1, Data.")


def no_file_footer() -> str:
    return shell.footer_html("First a file, then a model.", Button("to-data", "Open a file", primary=True))


def source_html(source_name: str) -> str:
    """What Start would train on."""
    return shell.heading(f'Train a model on <span dir="auto">{markup.text(source_name)}</span>')


def start_footer(
    source_name: str,
    train_rows: int | None,
    seconds: float | None,
    *,
    wrong: str = "",
    live: str = "",
    in_the_way: str = "",
    near: str = "",
) -> str:
    """What Start would do, or, without rows, what stands ``in_the_way``; ``live`` is the run that trains meanwhile, ``near`` says which limit is
    near."""
    start = Button("start", "Start training", primary=True, elem_id="start", busy_message="Starting …", disabled=train_rows is None)
    others = [Button("watch", "See the one that trains", code=live, link=True)] if live else []
    if wrong:
        return shell.footer_html(wrong, *others, start, is_error=True)
    if train_rows is None:
        return shell.footer_html(in_the_way, *others, Button("to-data", "See what to fix", primary=True))
    takes = "" if seconds is None else f" Takes about {approximate_duration(seconds)}."
    waits = " It waits for its turn." if live else ""
    limit = f" {near}" if near else ""
    return shell.footer_html(f"Trains on {source_name}, {pluralize(train_rows, 'row')}.{takes}{waits}{limit}", *others, start)


def dial_choices(seconds: Mapping[str, float]) -> list[tuple[str, str]]:
    """The levels of the dial, each with the time it takes where that is known."""
    return [
        (f"{level} · {approximate_duration(seconds[level])}".replace(" ", "\N{NO-BREAK SPACE}") if level in seconds else level, level)
        for level in LEVELS
    ] + [(recipe_form.CUSTOM, recipe_form.CUSTOM)]


def no_curves() -> Curves:
    return Curves("none")


def _curves(view: RunView) -> Curves:
    return Curves(
        key=view.id,
        steps=tuple(p.step for p in view.points),
        loss=tuple(p.loss for p in view.points),
        accuracy=tuple(p.accuracy for p in view.points),
        eval_steps=tuple(e.step for e in view.evaluations),
        eval_loss=tuple(e.loss for e in view.evaluations),
        eval_accuracy=tuple(e.accuracy for e in view.evaluations),
        eval_macro_f1=tuple(e.macro_f1 for e in view.evaluations),
        total_steps=view.total_steps,
        epoch_steps=view.epoch_steps,
        best_step=view.kept.step,
        parent_step=view.parent_step,
        rungs=_rungs(view),
    )


def _rungs(view: RunView) -> tuple[Rung, ...]:
    """What the model has to beat, scored on the same validation rows."""
    words_counted = () if view.baseline is None else (Rung("counting words", view.baseline.validation.accuracy),)
    guessed = () if view.majority is None else (Rung("most frequent class", view.majority.validation_accuracy),)
    return words_counted + guessed


def _encoder_choice(encoder: Encoder) -> str:
    size = f"{millions(encoder.parameters)} parameters" if encoder.parameters else ""
    return " · ".join(part for part in (encoder.name, encoder.languages or "your own", size) if part)


def encoder_facts(encoder: Encoder) -> str:
    """What it is good for, and what has to be fetched first."""
    size = "Already here."
    if not encoder.is_local:
        size = f"{encoder.megabytes:,} MB, fetched once from the Hugging Face Hub." if encoder.megabytes else ""
    return f'<p class="em-quiet em-small">{markup.text(encoder.description)} {size}</p>'
