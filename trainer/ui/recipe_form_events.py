"""The form of a training, on two tabs: its recipe and level, its validation, and the events that set, check and save it."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.drafts.history import DraftSummary
from trainer.errors import UserError
from trainer.jobs.queue_limits import near_capacity
from trainer.presets import LEVELS, PRESETS, load_preset
from trainer.recipe import Recipe
from trainer.recipe_file import dump_recipe, load_recipe
from trainer.studio import Studio
from trainer.text_format import pluralize
from trainer.ui import data_tab, folds_offer, html_pieces, recipe_form, train_tab
from trainer.ui.components import Page
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, in_turn, user_errors
from trainer.ui.readiness import assess_readiness


def recipe_from_form(page: Page, values: Sequence[Any]) -> Recipe:
    """The recipe of the values of both tabs; UserError if one is out of range."""
    encoder, settings, split = _parse_form(page, values)
    return recipe_form.recipe_from(encoder, settings, split)


def chosen_level(studio: Studio, page: Page, draft: str | None, values: Sequence[Any]) -> str:
    """The chosen level if the form holds its settings; empty for custom settings, also before the control has changed to "Custom"."""
    workspace = current_workspace(studio)
    level = _selected_level(page, values)
    if not level:
        return ""
    try:
        recipe, _ = workspace.recipe_for_level(draft or workspace.drafts.latest_id(), level, base_recipe(page, values))
        return level if recipe_from_form(page, values) == recipe else ""
    except UserError:  # a wrong value belongs to no level
        return ""


def errors_on_train_tab(page: Page) -> Any:
    """Decorator: a UserError becomes a notice on the Train tab."""
    return user_errors(lambda message: {page.train.notice: html_pieces.notice(message, "error")})


def wire(studio: Studio, page: Page, blocks: gr.Blocks) -> None:
    """Wire all events of the form except Start."""
    _wire_file(studio, page, blocks)
    checked = _wire_validation(studio, page)
    _wire_advice(studio, page, after=checked)
    folds_offer.wire(studio, page, after=checked, save_form=save_form_event(studio, page))
    _wire_tokens(studio, page)
    _wire_level(studio, page)
    _wire_recipes(studio, page)


def show_error(studio: Studio, page: Page, draft: str | None, error: UserError, *values: Any) -> dict:
    """Updates that show an error at its field and in the footer."""
    form, train = page.train.recipe, page.train
    return {
        **recipe_form.show_error(form, error),
        train.notice: "" if error.setting in recipe_form.FIELDS else html_pieces.notice(error.message, "error"),
        train.start_footer: _footer(studio, page, draft, *values, error=error.message),
    }


def base_recipe(page: Page, values: Sequence[Any]) -> Recipe:
    """What a level and a preset do not change: encoder, seed and split. UserError if the seed or the split is wrong."""
    encoder, settings, split = _parse_form(page, values)
    return Recipe.from_dict({"encoder": encoder, "seed": settings[recipe_form.FIELDS.index("seed")], **split})


def save_form_event(studio: Studio, page: Page) -> dict[str, Any]:
    """Arguments of an event listener that saves the values of both tabs with the draft."""

    @errors_on_train_tab(page)
    def save_form(draft: str | None, *values: Any) -> Any:
        workspace = current_workspace(studio)
        draft = draft or workspace.drafts.latest_id()
        if draft is not None:
            workspace.editor.save_form(draft, dict(zip([c.elem_id for c in page.form], values, strict=True)))
        return gr.skip()

    return {
        "fn": save_form,
        "inputs": [page.data.draft, *page.form],
        "outputs": page.train.notice,
        **in_turn("form"),
        **PRIVATE_EVENT_MULTIPLE,
    }


def show_recipe(studio: Studio, page: Page, draft: str | None, recipe: Recipe, explanation: str, *, level: str = "") -> dict:
    """Updates that show a recipe on both tabs; ``level`` if it is that of a level."""
    form = page.train.recipe
    split = data_tab.split_values(recipe)
    split_updates = {}
    with suppress(UserError):  # without a file the Data tab says so
        split_updates = data_tab.show_split(page.data, current_workspace(studio).drafts.get(data_tab.current_draft(studio, draft)), *split)
    return {
        form.level: level or recipe_form.CUSTOM,
        form.explanation: recipe_form.explanation_html(explanation),
        page.train.notice: "",
        **recipe_form.show(form, recipe),
        **dict(zip(page.data.form, split, strict=True)),
        **split_updates,
    }


def recipe_outputs(page: Page) -> list[Any]:
    """What ``show_recipe`` updates."""
    form = page.train.recipe
    return [
        form.level,
        form.explanation,
        *form.settings,
        page.train.notice,
        *page.data.form,
        *page.data.split_outputs,
    ]


def _selected_level(page: Page, values: Sequence[Any]) -> str:
    """The selected level; empty for "Custom"."""
    level = values[len(page.data.form) + 1]
    return level if level in LEVELS else ""


def _parse_form(page: Page, values: Sequence[Any]) -> tuple[str, Sequence[Any], dict[str, Any]]:
    """Encoder, settings and split fractions of the form's values."""
    split, (encoder, _, *settings) = values[: len(page.data.form)], values[len(page.data.form) :]
    return encoder, settings, data_tab.split_fractions(*split)


def _wire_file(studio: Studio, page: Page, blocks: gr.Blocks) -> None:
    """Show the latest draft and its form after a reload."""
    data, form = page.data, page.form
    errors_on_data_tab = user_errors(lambda message: {data.parts["notice"]: html_pieces.notice(message, "error")})

    def no_draft(drafts: Sequence[DraftSummary]) -> dict:
        crashed = current_workspace(studio).drafts.withheld()
        if crashed is None:
            return {data.parts["drafts"]: data_tab.drafts_html(drafts)}
        return data_tab.show_crashed(data, drafts, crashed)

    def latest_draft(*form_values: Any) -> dict:
        workspace = current_workspace(studio)
        prepared = workspace.drafts.latest()
        if prepared is None:
            return no_draft(workspace.drafts.summaries())
        saved = prepared.draft.form
        values = [saved.get(c.elem_id, value) for c, value in zip(form, form_values, strict=True)]
        return {**data_tab.show_draft(data, prepared, *values[: len(data.form)]), **dict(zip(form, values, strict=True))}

    @errors_on_data_tab
    def show_latest_draft(*form_values: Any) -> dict:
        # An error in the latest draft must not hide the others.
        drafts = data_tab.drafts_html(current_workspace(studio).drafts.summaries())
        list_drafts = user_errors(
            lambda message: {data.parts["drafts"]: drafts, data.parts["notice"]: html_pieces.notice(message, "error")}
        )
        updates = list_drafts(latest_draft)(*form_values)
        # The user may have chosen a file in the meantime.
        return {component: update for component, update in updates.items() if component != data.parts["file"]}

    @errors_on_data_tab
    def show_reopened_draft(*form_values: Any) -> dict:
        # Unlike a page that was just opened, this one may show a file that no longer exists.
        return {**data_tab.show_empty(data, current_workspace(studio).drafts.summaries()), **show_latest_draft(*form_values)}

    outputs = list(dict.fromkeys([*data.outputs, *form]))
    blocks.load(show_latest_draft, form, outputs, **PRIVATE_EVENT).then(
        None, None, None, js="() => window.emotuneOpened?.()", **PRIVATE_EVENT
    )
    data.reopened.change(show_reopened_draft, form, outputs, **PRIVATE_EVENT)
    for component in (*data.form, page.train.encoder):
        component.input(**save_form_event(studio, page))


def _wire_validation(studio: Studio, page: Page) -> Any:
    """Show what Start would do, and errors of the form: an error appears when its field loses focus, and disappears once it is fixed.

    Returns the event after a change was checked: other handlers that depend on the form follow it.
    """
    train, form = page.train, page.train.recipe
    outputs = [train.source, train.start_footer, train.notice, form.accordion, form.invalid, *form.settings]

    def check_form(draft: str | None, invalid: str, *values: Any, show_new_errors: bool) -> Any:
        try:
            recipe_from_form(page, values)
        except UserError as error:
            # The split is on the other tab, which shows its errors at once.
            if not show_new_errors and error.setting in recipe_form.FIELDS and invalid != error.setting:
                return gr.skip()
            return show_error(studio, page, draft, error, *values)
        return {
            train.source: _source(studio, draft),
            train.start_footer: _footer(studio, page, draft, *values),
            # Any other notice answers something else, such as an upload, and a check that comes late must not take it away.
            **({train.notice: ""} if invalid == recipe_form.ELSEWHERE else {}),
            **recipe_form.clear_error(form, invalid),
        }

    @errors_on_train_tab(page)
    def check_change(draft: str | None, invalid: str, *values: Any) -> Any:
        return check_form(draft, invalid, *values, show_new_errors=False)

    @errors_on_train_tab(page)
    def check_blur(draft: str | None, invalid: str, *values: Any) -> Any:
        return check_form(draft, invalid, *values, show_new_errors=True)

    inputs = [page.data.draft, form.invalid, *page.form]
    # What is decided on another tab belongs to what Start would do.
    changes = [page.tabs.select] + [
        c.change for c in (page.data.version, *page.data.form, train.encoder, *form.settings, page.running, page.frame.hardware_badge)
    ]
    checked = gr.on(changes, check_change, inputs, outputs, trigger_mode="always_last", **in_turn("check"), **PRIVATE_EVENT)
    # Not after a change of settings: rendering the levels again would stop the control from changing to "Custom".
    time_changes = [c.change for c in (page.data.version, *page.data.form, train.encoder, page.frame.hardware_badge)]
    update_times = errors_on_train_tab(page)(lambda draft, *values: {form.level: _levels_with_times(studio, page, draft, *values)})
    gr.on(time_changes, update_times, [page.data.draft, *page.form], [form.level, train.notice], **PRIVATE_EVENT_MULTIPLE)
    gr.on([c.blur for c in form.settings], check_blur, inputs, outputs, **in_turn("check"), **PRIVATE_EVENT_MULTIPLE)
    return checked


def _source(studio: Studio, draft: str | None) -> str:
    with suppress(UserError):
        return train_tab.source_html(current_workspace(studio).drafts.get(data_tab.current_draft(studio, draft)).source_title)
    return train_tab.no_file_html()


def _footer(studio: Studio, page: Page, draft: str | None, *values: Any, error: str = "") -> str:
    """What Start would train on, and whether it can."""
    workspace = current_workspace(studio)
    try:
        prepared = workspace.drafts.get(data_tab.current_draft(studio, draft))
    except UserError:
        return train_tab.no_file_footer()
    readiness, seconds = assess_readiness(prepared, _parse_form(page, values)[2]), None
    if readiness.splits is not None:
        with suppress(UserError):  # a wrong setting is shown at its field
            seconds = workspace.estimate_seconds(prepared.draft.id, recipe_from_form(page, values))
    views = workspace.library.runs()
    running = next((v.id for v in views if v.status == "running"), "")
    rows, limit_notice = None if readiness.splits is None else len(readiness.splits.train), near_capacity(studio.settings, views)
    return train_tab.start_footer(
        prepared.source_title,
        rows,
        seconds,
        error=error,
        running=running,
        to_fix=readiness.summary,
        limit_notice=limit_notice,
        decided=_decided(studio, prepared.draft.id),
    )


def _decided(studio: Studio, draft_id: str) -> str:
    """That Start does what was decided on labels; empty if nothing was."""
    with suppress(UserError):
        decisions = current_workspace(studio).labels.state(draft_id).decisions
        rows = sum(decision.action != "keep" for decision in decisions.rows.values())
        if decisions.changes_rows:
            parts = [pluralize(rows, "row")] if rows or not decisions.texts else []
            parts += [pluralize(len(decisions.texts), "added text")] if decisions.texts else []
            return f"With your decisions on labels ({', '.join(parts)})."
    return ""


def _levels_with_times(studio: Studio, page: Page, draft: str | None, *values: Any) -> Any:
    """The levels with the time that each of them takes."""
    workspace = current_workspace(studio)
    seconds = {}
    with suppress(UserError):
        draft, base = data_tab.current_draft(studio, draft), base_recipe(page, values)
        for level in LEVELS:
            estimate = workspace.estimate_seconds(draft, workspace.recipe_for_level(draft, level, base)[0])
            if estimate is not None:
                seconds[level] = estimate
    return gr.Radio(choices=train_tab.level_choices(seconds))


def _wire_tokens(studio: Studio, page: Page) -> None:
    """Show the tokens of a row, only while their panel is open: a tokenizer takes a second to load."""
    data, train = page.data, page.train
    opened = gr.State(False)

    @user_errors(lambda message: html_pieces.notice(message, "warning"))
    def show_tokens(is_open: bool, draft: str | None, row: Any, *values: Any) -> str:
        return data_tab.show_tokens(studio, draft, row, recipe_from_form(page, values)) if is_open else ""

    inputs = [opened, data.draft, data.row, *page.form]
    data.reading.expand(lambda: True, None, opened, **PRIVATE_EVENT)
    data.reading.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    triggers = (opened, data.row, data.version, train.encoder, train.recipe.max_length, train.recipe.added_tokens)
    gr.on([c.change for c in triggers], show_tokens, inputs, data.tokens, **PRIVATE_EVENT_MULTIPLE)


def _wire_advice(studio: Studio, page: Page, *, after: Any) -> None:
    """Show on the Data tab what depends on the encoder of the Train tab, again ``after`` a change was checked.

    A button there may set the maximum length.
    """
    data, train = page.data, page.train
    opened = gr.State(False)

    @user_errors(lambda message: gr.skip())  # the Train tab shows errors of settings
    def show_advice(draft: str | None, *values: Any) -> dict:
        return data_tab.show_advice(studio, data, draft, recipe_from_form(page, values))

    @user_errors(lambda message: gr.skip())
    def show_lengths(is_open: bool, draft: str | None, *values: Any) -> dict:
        return data_tab.show_lengths(studio, data, draft, recipe_from_form(page, values)) if is_open else gr.skip()

    def set_max_length(event: gr.EventData) -> Any:
        name, _, value = event.code.partition("=")
        return (float(value), recipe_form.CUSTOM, recipe_form.CUSTOM_MESSAGE) if name == "max_length" else gr.skip()

    advised = after.then(show_advice, [data.draft, *page.form], data.advice_outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    # Rendered only while they are open.
    data.lengths.expand(lambda: True, None, opened, **PRIVATE_EVENT)
    data.lengths.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    for listener in (opened.change, advised.then):
        listener(show_lengths, [opened, data.draft, *page.form], data.length_outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    data.findings.click(
        set_max_length, None, [train.recipe.max_length, train.recipe.level, train.recipe.explanation], **PRIVATE_EVENT
    ).then(**save_form_event(studio, page))


def _wire_level(studio: Studio, page: Page) -> None:
    """Choosing a level fills in the form, a change by hand sets the level to "Custom", and the draft saves both."""
    data, form = page.data, page.train.recipe
    fields = [form.level, form.explanation, *form.settings, page.train.notice]

    def show_level(level: str, draft: str | None, values: Sequence[Any]) -> dict:
        workspace = current_workspace(studio)
        recipe, explanation = workspace.recipe_for_level(draft or workspace.drafts.latest_id(), level, base_recipe(page, values))
        current = dict(zip(form.settings, _parse_form(page, values)[1], strict=True))
        # Only what differs: the user may be typing into another field meanwhile.
        changed = {field: value for field, value in recipe_form.show(form, recipe).items() if value != current[field]}
        return {form.explanation: recipe_form.explanation_html(explanation), **changed}

    @errors_on_train_tab(page)
    def apply_level(draft: str | None, *values: Any) -> dict:
        level = _selected_level(page, values)
        if not level:
            return {form.explanation: recipe_form.CUSTOM_MESSAGE}
        return {page.train.notice: "", **show_level(level, draft, values)}

    def follow_form(draft: str | None, *values: Any) -> Any:
        """With another encoder or split, the level may mean other settings; a wrong value is shown by other handlers."""
        with suppress(UserError):
            if level := _selected_level(page, values):
                return show_level(level, draft, values)
        return gr.skip()

    @errors_on_train_tab(page)
    def keep_level(explanation: str, draft: str | None, *values: Any) -> Any:
        # Another file changes no settings of one's own, nor where they came from.
        keeps = not _selected_level(page, values) and explanation != recipe_form.NO_EXPLANATION
        return {page.train.notice: ""} if keeps else apply_level(draft, *values)

    draft_and_form = [data.draft, *page.form]
    save_form = save_form_event(studio, page)
    form.level.input(apply_level, draft_and_form, fields, **PRIVATE_EVENT_MULTIPLE).then(**save_form)
    data.version.change(keep_level, [form.explanation, *draft_and_form], fields, **PRIVATE_EVENT_MULTIPLE)
    others = [c.change for c in (*data.form, page.train.encoder)]
    gr.on(others, follow_form, draft_and_form, [form.explanation, *form.settings], **PRIVATE_EVENT_MULTIPLE)
    # In the browser, so that a level clicked straight after typing comes second. Saved only after the level has changed: otherwise a reload
    # would find the old level and fill in the form with it.
    custom = json.dumps([recipe_form.CUSTOM, recipe_form.CUSTOM_MESSAGE])
    inputs_by_hand = [c.input for c in (form.explanation, *form.settings)]
    gr.on(inputs_by_hand, None, None, [form.level, form.explanation], js=f"() => {custom}", **PRIVATE_EVENT_MULTIPLE).then(**save_form)


def _wire_recipes(studio: Studio, page: Page) -> None:
    """Presets and recipe files fill in the form, and the draft saves it."""
    data, form = page.data, page.train.recipe

    @errors_on_train_tab(page)
    def apply_preset(draft: str | None, name: str | None, *values: Any) -> dict:
        if not name:
            return {form.explanation: recipe_form.NO_EXPLANATION}
        description = next(p.description for p in PRESETS if p.name == name)
        return show_recipe(studio, page, draft, load_preset(name, base_recipe(page, values)), description)

    @errors_on_train_tab(page)
    def upload_recipe(draft: str | None, path: str | None, *values: Any) -> dict:
        if not path:
            return {form.explanation: recipe_form.NO_EXPLANATION}
        recipe = load_recipe(Path(path))
        if recipe.encoder not in [e.name for e in studio.encoders]:
            recipe = dataclasses.replace(recipe, encoder=base_recipe(page, values).encoder)
        return {page.train.encoder: recipe.encoder, **show_recipe(studio, page, draft, recipe, f"The settings of {Path(path).name}.")}

    @errors_on_train_tab(page)
    def download_recipe(draft: str | None, *values: Any) -> dict:
        workspace = current_workspace(studio)
        recipe = recipe_from_form(page, values)
        draft = draft or workspace.drafts.latest_id()
        repairs = workspace.drafts.get(draft).draft.repairs if draft else ()
        return {form.recipe_text: dump_recipe(dataclasses.replace(recipe, repairs=repairs)).decode(), page.train.notice: ""}

    draft_and_form = [data.draft, *page.form]
    save_form = save_form_event(studio, page)
    outputs = recipe_outputs(page)
    form.preset.input(apply_preset, [data.draft, form.preset, *page.form], outputs, **PRIVATE_EVENT_MULTIPLE).then(**save_form)
    form.upload.upload(upload_recipe, [data.draft, form.upload, *page.form], [*outputs, page.train.encoder], **PRIVATE_EVENT_MULTIPLE).then(
        **save_form
    )
    recipe_form.wire_download(form, download_recipe, draft_and_form, [form.recipe_text, page.train.notice], **PRIVATE_EVENT)
