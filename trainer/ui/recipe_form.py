"""The recipe as a form: one dial, ready recipes, a recipe file to take away or bring, and every setting in a closed accordion."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.presets import LEVELS, PRESETS
from trainer.recipe import Recipe
from trainer.ui import markup

CUSTOM = "My own"
"""What the dial says once somebody changed a setting by hand, chose a ready recipe or brought a file."""

GROUPS = (
    ("Pace", ("epochs", "batch_size", "learning_rate", "max_length", "warmup", "gradient_accumulation")),
    ("What learns", ("frozen_epochs", "head", "pooling", "head_learning_rate", "layer_decay", "lora_rank")),
    ("Against overfitting", ("weight_decay", "dropout", "label_smoothing", "class_weights", "early_stopping", "max_grad_norm")),
    ("Watching and keeping", ("best_metric", "best_tolerance", "evaluations_per_epoch", "log_every", "precision", "seed")),
)
FIELDS = tuple(name for _, names in GROUPS for name in names)
"""The settings of the accordion, in the order of the form's values."""

_TYPED = """
document.addEventListener("input", ({ target }) => {
  if (target.closest?.("[id^='setting-']")) trigger("input");
});
"""
"""Gradio's text fields keep the first thing that is typed after an answer to themselves; the browser does not."""

_DOWNLOAD = """(text) => {
  if (!text) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "recipe.json";
  link.click();
  URL.revokeObjectURL(link.href);
}"""


@dataclass(frozen=True)
class RecipeForm:
    """The components; ``settings`` in the order of ``FIELDS``."""

    dial: gr.Radio
    why: gr.HTML
    """Its ``input`` event tells that something was typed into a setting."""
    preset: gr.Dropdown
    bring: gr.UploadButton
    take: gr.Button
    taken: gr.Textbox
    """Holds the recipe's text for an instant, on its way into a file."""
    settings: tuple[Any, ...]
    drawer: gr.Accordion
    invalid: gr.State
    """The name of the setting that is marked as wrong; empty where none is."""

    @property
    def max_length(self) -> Any:
        return self.settings[FIELDS.index("max_length")]


def build_level() -> gr.Radio:
    """The one choice that sets all the others."""
    return gr.Radio(
        [*LEVELS, CUSTOM],
        value="Balanced",
        label="How thoroughly",
        elem_id="dial",
        info="Sets everything else from your file and this machine.",
    )


def build_explanation() -> gr.HTML:
    """What the dial chose, under it; its place is kept until that is known."""
    return gr.HTML(explanation_html(""), elem_id="dial-why", js_on_load=_TYPED)


def build(dial: gr.Radio, why: gr.HTML) -> RecipeForm:
    """Lay the settings out; what they do concerns the file too and is wired by the page."""
    fields = {f.name: f for f in dataclasses.fields(Recipe)}
    settings: list[Any] = []
    with gr.Accordion("More settings", open=False, elem_id="settings") as drawer:
        with gr.Row(elem_classes=["em-recipes"]):
            preset = gr.Dropdown(
                [(f"{p.name}: {p.description}", p.name) for p in PRESETS],
                value=None,
                label="Begin with a ready recipe",
                scale=3,
                min_width=280,
                elem_id="preset",
                filterable=False,
            )
            take = gr.Button("Download this recipe", size="sm", min_width=160, elem_id="take-recipe")
            bring = gr.UploadButton("Bring a recipe file", size="sm", file_types=[".json"], min_width=160, elem_id="bring-recipe")
        taken = gr.Textbox(visible="hidden", elem_id="recipe-text")
        for title, names in GROUPS:
            gr.HTML(f"<h3>{title}</h3>")
            with gr.Row():
                settings += [_field(fields[name]) for name in names]
    return RecipeForm(dial, why, preset, bring, take, taken, tuple(settings), drawer, gr.State(""))


def recipe_from(encoder: str, settings: Sequence[Any], split: Mapping[str, Any]) -> Recipe:
    """The recipe that the form asks for; UserError where a value is out of range."""
    return Recipe.from_dict({"encoder": encoder, **dict(zip(FIELDS, settings, strict=True)), **split})


def show(form: RecipeForm, recipe: Recipe) -> dict[Any, Any]:
    """Updates that make the accordion show a recipe."""
    return dict(zip(form.settings, values(recipe), strict=True))


def values(recipe: Recipe) -> list[Any]:
    """What the fields of the accordion hold for a recipe."""
    about = {f.name: f.metadata for f in dataclasses.fields(Recipe)}

    def held(name: str) -> Any:
        value = getattr(recipe, name)
        if value is None:
            return about[name]["nothing"]
        # What may be left to us stands in a text field.
        return f"{value:g}" if about[name]["automatic"] else value

    return [held(name) for name in FIELDS]


def explanation_html(words: str) -> str:
    """What the dial chose, under it."""
    return f'<p class="em-quiet em-small">{markup.text(words, max_length=600)}</p>'


def show_error(form: RecipeForm, error: UserError) -> dict[Any, Any]:
    """Updates that tell a mistake at its field, in the open drawer; nothing where it is about no field of the drawer."""
    if error.setting not in FIELDS:
        return {form.invalid: ""}
    field = form.settings[FIELDS.index(error.setting)]
    return {
        form.invalid: error.setting,
        form.accordion: gr.Accordion(open=True),
        field: gr.update(info=f"✕ {error.message}", elem_classes=["em-invalid"]),
    }


def clear_error(form: RecipeForm, invalid: str) -> dict[Any, Any]:
    """Updates that take the mark from the setting of this name."""
    if invalid not in FIELDS:
        return {form.invalid: ""}
    about = next(f.metadata["help"] for f in dataclasses.fields(Recipe) if f.name == invalid)
    return {form.invalid: "", form.settings[FIELDS.index(invalid)]: gr.update(info=about, elem_classes=[])}


CUSTOM_MESSAGE = explanation_html("Your own settings, as they stand below.")


def wire_download(form: RecipeForm, take: Any, inputs: Sequence[Any], outputs: Sequence[Any], **how: Any) -> None:
    """A press on the download button makes a file of the text that ``take(*inputs)`` puts into ``form.recipe_text``."""
    form.download.click(take, inputs, outputs, **how).success(None, form.recipe_text, None, js=_DOWNLOAD, **how)


def _field(field: dataclasses.Field) -> gr.Number | gr.Textbox | gr.Dropdown:
    """The component for one setting. One that may be left to us is a text, as a number field shows "nothing" as 0."""
    about = field.metadata
    looks = {"label": about["label"], "info": about["help"], "min_width": 150, "elem_id": f"setting-{field.name.replace('_', '-')}"}
    if about["choices"]:
        return gr.Dropdown(list(about["choices"]), value=field.default, filterable=False, **looks)
    return gr.Textbox(about["none_label"], **looks) if about["optional"] else gr.Number(field.default, **looks)
