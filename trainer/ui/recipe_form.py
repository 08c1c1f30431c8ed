"""The recipe as a form: a level that sets everything, presets, recipe files, and every setting in a closed accordion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.presets import LEVELS, PRESETS
from trainer.recipe import Recipe
from trainer.recipe_fields import RecipeField, fields_of, form_groups
from trainer.ui import html_pieces

CUSTOM = "Custom"
"""The level after the user has changed a setting, chosen a preset or uploaded a recipe."""

GROUPS = form_groups(Recipe)
FIELDS = tuple(field.name for fields in GROUPS.values() for field in fields)
"""The settings of the accordion, in the order of the form's values."""

_TYPED = """
document.addEventListener("input", ({ target }) => {
  if (target.closest?.("[id^='setting-']")) trigger("input");
});
"""
"""Gradio does not trigger ``input`` for the first character typed into a text field after an update of it; the browser does."""

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

    level: gr.Radio
    explanation: gr.HTML
    """Its ``input`` event is triggered when something is typed into a setting."""
    preset: gr.Dropdown
    upload: gr.UploadButton
    download: gr.Button
    recipe_text: gr.Textbox
    """Holds the text of the recipe for a moment, before the browser saves it as a file."""
    settings: tuple[Any, ...]
    accordion: gr.Accordion
    invalid: gr.State
    """The name of the setting that is marked as wrong; empty if none is."""

    @property
    def max_length(self) -> Any:
        return self.settings[FIELDS.index("max_length")]

    @property
    def added_tokens(self) -> Any:
        return self.settings[FIELDS.index("added_tokens")]


def build_level() -> gr.Radio:
    """The control that sets all the others."""
    return gr.Radio(
        [*LEVELS, CUSTOM],
        value="Balanced",
        label="How thoroughly",
        elem_id="level",
        info="Sets all other settings to suit your file and this computer.",
    )


def build_explanation() -> gr.HTML:
    """What the level has set; empty at first, but with its space kept."""
    return gr.HTML(NO_EXPLANATION, elem_id="level-explanation", js_on_load=_TYPED)


def build(level: gr.Radio, explanation: gr.HTML) -> RecipeForm:
    """Lay the settings out. The page wires their events, which concern the file too."""
    settings: list[Any] = []
    with gr.Accordion("More settings", open=False, elem_id="settings") as accordion:
        with gr.Row(elem_classes=["em-recipes"]):
            preset = gr.Dropdown(
                [(f"{p.name}: {p.description}", p.name) for p in PRESETS],
                value=None,
                label="Start from a preset",
                scale=3,
                min_width=280,
                elem_id="preset",
                filterable=False,
            )
            download = gr.Button("Download this recipe", size="sm", min_width=160, elem_id="download-recipe")
            upload = gr.UploadButton("Upload a recipe", size="sm", file_types=[".json"], min_width=160, elem_id="upload-recipe")
        recipe_text = gr.Textbox(visible="hidden", elem_id="recipe-text")
        for title, fields in GROUPS.items():
            gr.HTML(f"<h3>{title}</h3>")
            with gr.Row():
                settings += map(_component, fields)
    return RecipeForm(level, explanation, preset, upload, download, recipe_text, tuple(settings), accordion, gr.State(""))


def recipe_from(encoder: str, settings: Sequence[Any], split: Mapping[str, Any]) -> Recipe:
    """The recipe of the form's values; UserError if one is out of range."""
    return Recipe.from_dict({"encoder": encoder, **dict(zip(FIELDS, settings, strict=True)), **split})


def show(form: RecipeForm, recipe: Recipe) -> dict[Any, Any]:
    """Updates that show a recipe in the accordion."""
    return dict(zip(form.settings, values(recipe), strict=True))


def values(recipe: Recipe) -> list[Any]:
    """The values of the accordion's fields for a recipe."""
    fields = fields_of(Recipe)

    def field_value(name: str) -> Any:
        value = getattr(recipe, name)
        if value is None:
            return fields[name].none_label
        # An optional setting is a text field.
        return f"{value:g}" if fields[name].optional else value

    return [field_value(name) for name in FIELDS]


def explanation_html(explanation: str) -> str:
    """What the level has set."""
    return f'<p class="em-quiet em-small">{html_pieces.text(explanation, max_length=600)}</p>'


ELSEWHERE = "elsewhere"
"""The invalid setting, where it is one of another tab: its error is in the tab's notice."""


def show_error(form: RecipeForm, error: UserError) -> dict[Any, Any]:
    """Updates that show an error at its field and open the accordion; none if it belongs to no field there."""
    if error.setting not in FIELDS:
        return {form.invalid: ELSEWHERE if error.setting else ""}
    field = form.settings[FIELDS.index(error.setting)]
    return {
        form.invalid: error.setting,
        form.accordion: gr.Accordion(open=True),
        field: gr.update(info=f"✕ {error.message}", elem_classes=["em-invalid"]),
    }


def clear_error(form: RecipeForm, invalid: str) -> dict[Any, Any]:
    """Updates that remove the error from the setting of this name."""
    if invalid not in FIELDS:
        return {form.invalid: ""}
    return {form.invalid: "", form.settings[FIELDS.index(invalid)]: gr.update(info=fields_of(Recipe)[invalid].help, elem_classes=[])}


NO_EXPLANATION = explanation_html("")
CUSTOM_MESSAGE = explanation_html("Your own settings, listed below.")


def wire_download(form: RecipeForm, make_text: Any, inputs: Sequence[Any], outputs: Sequence[Any], **options: Any) -> None:
    """The download button saves the text that ``make_text(*inputs)`` puts into ``form.recipe_text`` as a file."""
    form.download.click(make_text, inputs, outputs, **options).success(None, form.recipe_text, None, js=_DOWNLOAD, **options)


def _component(field: RecipeField) -> gr.Number | gr.Textbox | gr.Dropdown:
    """The component of one setting. An optional one is a text field, since a number field would show None as 0."""
    options = {"label": field.label, "info": field.help, "min_width": 150, "elem_id": f"setting-{field.name.replace('_', '-')}"}
    if field.choices:
        return gr.Dropdown(list(field.choices), value=field.default, filterable=False, **options)
    return gr.Textbox(field.none_label, **options) if field.optional else gr.Number(field.default, **options)
