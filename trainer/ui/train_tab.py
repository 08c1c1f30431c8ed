"""Tab 2, Train: choose an encoder, press Start, watch the curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.curves import Curves, accuracy_chart, loss_chart
from trainer.runs.course import may_resume
from trainer.runs.doctor import Diagnosis
from trainer.runs.view import Evaluation, KeptModel, RunView
from trainer.studio import Studio
from trainer.training.encoders import Encoder, find_encoder
from trainer.ui import markup, recipe_form, words
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.recipe_form import RecipeForm
from trainer.ui.session import QUIET

_CHART_HEIGHT, _PHONE_HEIGHT = 300, 200


@dataclass(frozen=True)
class TrainTab:
    """The components other tabs read or write."""

    source: gr.HTML
    encoder: gr.Dropdown
    recipe: RecipeForm
    start: gr.Button
    notice: gr.HTML
    run: gr.Dropdown
    state: gr.HTML
    cancel: gr.Button
    resume: gr.Button
    loss: gr.HTML
    accuracy: gr.HTML
    onward: gr.Button

    @property
    def form(self) -> list[Any]:
        """What a person chooses here for a training."""
        return [self.encoder, self.recipe.dial, *self.recipe.settings]

    @property
    def shown(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.state, self.cancel, self.resume, self.loss, self.accuracy, self.onward]


def build(studio: Studio) -> TrainTab:
    """Lay the tab out; what it does concerns other tabs too and is wired by the page."""
    default = studio.encoders[0]
    source = gr.HTML(_nothing_yet(), elem_id="train-source")
    with gr.Row(equal_height=True):
        dial = recipe_form.build_dial()
        start = gr.Button("Start training", variant="primary", scale=1, interactive=False, elem_id="start")
    why = gr.HTML(elem_id="dial-why")
    encoder = gr.Dropdown(
        [(_encoder_choice(e), e.name) for e in studio.encoders],
        value=default.name,
        label="Encoder",
        elem_id="encoder",
        filterable=False,
    )
    about = gr.HTML(_encoder_facts(default))
    recipe = recipe_form.build(dial, why)
    notice = gr.HTML(elem_id="train-notice")
    run = gr.Dropdown([], label="Run", elem_id="train-run", allow_custom_value=True, visible=False)
    state = gr.HTML(elem_id="run-state")
    with gr.Row(elem_classes=["em-run-buttons"]):
        resume = gr.Button("Resume", variant="primary", size="sm", visible=False, scale=0, min_width=160, elem_id="resume")
        cancel = gr.Button("Take it out of the queue", size="sm", visible=False, scale=0, min_width=200, elem_id="cancel")
    with gr.Row(elem_classes=["em-charts"]):
        with gr.Column(min_width=320):
            loss = live_chart(
                loss_chart(no_curves()),
                elem_id="loss-chart",
                height=_CHART_HEIGHT,
                phone_height=_PHONE_HEIGHT,
                title="Loss",
                note="lower is better",
            )
        with gr.Column(min_width=320):
            accuracy = live_chart(
                accuracy_chart(no_curves()),
                elem_id="accuracy-chart",
                height=_CHART_HEIGHT,
                phone_height=_PHONE_HEIGHT,
                title="Accuracy",
                note="validation rows · higher is better",
            )
    onward = gr.Button("Trained. See the results", variant="primary", visible=False, elem_id="to-results")
    encoder.change(lambda name: _encoder_facts(find_encoder(name, studio.encoders)), encoder, about, **QUIET)
    return TrainTab(source, encoder, recipe, start, notice, run, state, cancel, resume, loss, accuracy, onward)


def show(tab: TrainTab, view: RunView | None, waiting: int | None = None, diagnoses: Sequence[Diagnosis] = ()) -> dict:
    """Updates that make the tab show a run with what looks wrong with it, or the empty state."""
    if view is None:
        return {
            tab.state: "",
            tab.cancel: gr.Button(visible=False),
            tab.resume: gr.Button(visible=False),
            tab.loss: drawn(loss_chart(no_curves())),
            tab.accuracy: drawn(accuracy_chart(no_curves())),
            tab.onward: gr.Button(visible=False),
        }
    curves = _curves(view)
    return {
        tab.state: _state(view, waiting, diagnoses),
        tab.cancel: gr.Button(visible=view.status == "queued"),
        tab.resume: gr.Button(_resume_words(view), visible=view.status != "cancelled" and may_resume(view)),
        tab.loss: drawn(loss_chart(curves)),
        tab.accuracy: drawn(accuracy_chart(curves)),
        tab.onward: gr.Button(visible=view.has_model and not view.live),
    }


def source_line(source_name: str, train_rows: int | None) -> str:
    """What Start would train on."""
    if train_rows is None:
        return markup.notice(f"{source_name} is not ready for training yet. See tab 1, Data.", "look")
    return (
        f'<p class="em-source">Trains on <strong>{markup.text(source_name)}</strong>, {words.count(train_rows, "row")} to learn from.</p>'
    )


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
    )


def _nothing_yet() -> str:
    return markup.empty("No file yet", "Open your file or the sample in tab 1, Data. Then one press on Start trains a model on it.")


def _encoder_choice(encoder: Encoder) -> str:
    return f"{encoder.name} · {words.parameters(encoder.parameters)} parameters · {encoder.languages or 'your own'}"


def _encoder_facts(encoder: Encoder) -> str:
    size = "already here" if encoder.local else f"{encoder.megabytes:,} MB, fetched once from the Hugging Face Hub"
    pairs = [
        ("Languages", encoder.languages),
        ("Parameters", words.parameters(encoder.parameters)),
        ("Download", size),
        ("Learning rate", f"{encoder.learning_rate:g} unless you choose another"),
    ]
    return f'<p class="em-quiet">{markup.text(encoder.about)}</p>{markup.facts(pairs)}'


def _state(view: RunView, waiting: int | None, diagnoses: Sequence[Diagnosis]) -> str:
    """What the run is doing or how it ended, in a sentence, and the facts of its model."""
    kept = view.kept
    pairs = [
        ("Data", view.source_name),
        ("Encoder", view.encoder),
        ("Device", f"{kept.device}, {kept.processes} processes" if kept.processes > 1 else kept.device),
        ("Epochs", str(kept.epochs or "")),
        ("Batch size", str(kept.batch_size or "")),
        ("Learning rate", f"{kept.learning_rate:g}" if kept.learning_rate else ""),
        ("Parameters", _parameters(kept)),
        ("Speed", f"{kept.samples_per_second:.0f} texts/s" if kept.samples_per_second else ""),
        *_validation_scores(view),
    ]
    remarks = "".join(markup.notice(n, "info") for n in view.remarks)
    worries = "".join(markup.notice(d.words, d.severity) for d in diagnoses)
    damage = "".join(markup.notice(sentence, "must_fix") for sentence in view.damage)
    return _sentence(view, waiting) + damage + worries + remarks + markup.facts(pairs)


def _validation_scores(view: RunView) -> list[tuple[str, str]]:
    """Those of the model that is kept and, while a training goes on, the latest ones: then always both, so that nothing jumps."""
    kept = view.kept.evaluation
    if view.status == "running":
        return [*_scores_of("best so far", kept), *_scores_of("latest", view.evaluations[-1] if view.evaluations else None)]
    return [] if kept is None else _scores_of("kept model", kept)


def _scores_of(which: str, scores: Evaluation | None) -> list[tuple[str, str]]:
    """Dashes where nothing was scored yet."""
    place = f"({which})" if scores is None else f"({which}, step {scores.step:,})"
    accuracy, macro_f1 = ("–", "–") if scores is None else (words.percent(scores.accuracy), words.percent(scores.macro_f1))
    return [(f"Validation accuracy {place}", accuracy), (f"Validation macro F1 {place}", macro_f1)]


def _resume_words(view: RunView) -> str:
    return f"Resume from step {view.saved_step:,}" if view.saved_step else "Train it again from the start"


def _parameters(model: KeptModel) -> str:
    if not model.parameters:
        return ""
    trained = "all" if model.trainable_parameters == model.parameters else words.parameters(model.trainable_parameters)
    return f"{words.parameters(model.parameters)}, {trained} trained"


def _sentence(view: RunView, waiting: int | None) -> str:
    if view.status == "damaged":
        return ""  # what is damaged says it all
    time = words.duration(view.seconds)
    if view.status == "queued":
        ahead = f"{words.count(waiting, 'run')} before it" if waiting else "it begins in a moment"
        return markup.notice(f"{view.name} waits in the queue: {ahead}. One run trains at a time.", "info")
    if view.status == "running":
        stopping = "Stopping after this step; the best model so far is kept, and the report follows. " if view.stop_asked else ""
        return markup.notice(f"{stopping}{view.name}: {view.phase or 'starting'}.", "info")
    if view.status == "interrupted" and view.lacks_end:
        return markup.notice(f"{view.name}: {view.message}", "look")
    if view.status == "interrupted":
        return markup.notice(
            f"{view.name} was interrupted {_at_step(view)}: the program that trained it ended before the training did. "
            f"What was seen so far is kept below. {_way_on(view)}",
            "look",
        )
    if view.status == "finished":
        return markup.notice(f"{view.name} is trained, in {time} from its first step to the report.", "good")
    if view.status == "stopped":
        return markup.notice(f"{view.name} was stopped {_at_step(view)}; its best model so far is kept. Resume trains the rest.", "good")
    way_on = f" {_way_on(view)}" if view.status == "failed" and view.saved_step and may_resume(view) else ""
    return markup.notice(f"{view.name}: {view.message}{way_on}", "info" if view.status == "cancelled" else "must_fix")


def _at_step(view: RunView) -> str:
    return f"at step {view.step:,} of {view.total_steps:,}" if view.total_steps else "before its first step"


def _way_on(view: RunView) -> str:
    """Where a press on Resume would begin."""
    if not view.saved_step:
        return "It had saved nothing yet, so it begins again."
    return f"It was saved after step {view.saved_step:,} and goes on from there to the same result."
