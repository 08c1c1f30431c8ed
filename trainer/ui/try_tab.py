"""Tab 4, Try it: type a text, see the probability of each class at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from trainer.charts.colours import class_colours
from trainer.studio import Studio
from trainer.ui import markup
from trainer.ui.session import QUIET, owner, said

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction

EXAMPLES = (
    "You drove all night just to be with me, and I adore you for it.",
    "They cancelled my train again and nobody even said sorry.",
    "I miss her so much. The house feels empty without her.",
    "Wait, you two know each other?!",
    "There is somebody on the stairs and I can't find the light.",
    "we won, we actually won, best day ever",
)


@dataclass(frozen=True)
class TryTab:
    """The components other tabs read or write."""

    text: gr.Textbox
    answer: gr.HTML

    @property
    def shown(self) -> list[Any]:
        return [self.answer]


def build(studio: Studio, run: gr.Textbox) -> TryTab:
    """Lay the tab out and wire what concerns it alone; ``run`` is the model in hand."""
    with gr.Row(elem_classes=["em-try"]):
        with gr.Column(min_width=320):
            text = gr.Textbox(label="Text", placeholder="Type or paste a text here", lines=5, max_lines=12, elem_id="try-text")
        with gr.Column(min_width=320):
            answer = gr.HTML(_nothing_yet(), elem_id="answer")
    gr.HTML('<p class="em-quiet">Or take one of these:</p>')
    with gr.Row(elem_classes=["em-examples"]):
        buttons = [gr.Button(example, size="sm", elem_classes=["em-example"]) for example in EXAMPLES]
    tab = TryTab(text, answer)
    refuse = said(lambda message: markup.notice(message, "must_fix"))

    @refuse
    def predict(run_id: str | None, words: str | None) -> str:
        return show(studio, run_id, words)

    # With "always_last" a fast typist's letters do not queue up: the last state is asked for once the one before is answered.
    quiet = {**QUIET, "trigger_mode": "always_last"}
    text.change(predict, [run, text], answer, **quiet)
    run.change(predict, [run, text], answer, **quiet)
    for button in buttons:
        button.click(lambda example: example, button, text, **QUIET)
    return tab


def show(studio: Studio, run_id: str | None, words: str | None) -> str:
    """The answer to a text, as HTML."""
    if not run_id:
        return _nothing_yet()
    if not words or not words.strip():
        return markup.empty("What do you want to know?", "Type a text, and the probability of each class stands here as you type.")
    names, (prediction,) = studio.predict(owner(), run_id, [words])
    if prediction.probabilities is None:
        return markup.empty("No answer", prediction.problem)
    # The answer keeps its place while one types; what is to be said of it comes and goes below.
    return markup.probabilities(names, prediction.probabilities.tolist(), class_colours(names)) + _remarks(prediction)


def _remarks(prediction: "Prediction") -> str:
    """What the model did not read as it stands in the box."""
    remarks = ""
    if prediction.cut:
        message = (
            f"The text is {prediction.tokens:,} tokens (pieces of words) long, and the model reads the first {prediction.tokens_read:,}. "
            "The end plays no part in the answer."
        )
        remarks += markup.notice(message, "look")
    if prediction.repaired:
        remarks += f'<p class="em-quiet" dir="auto">Changed as the texts of its training were, before the model reads it: “{markup.text(prediction.text, most=160)}”</p>'
    return remarks


def _nothing_yet() -> str:
    return markup.empty(
        "No model yet", "Once a training is finished, type a text here and see what the model makes of it. Begin in tab 1, Data."
    )
