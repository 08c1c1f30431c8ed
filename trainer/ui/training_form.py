"""The form of a training, on two tabs: what it asks for, kept with the file, judged as it changes, set by the dial, a recipe or a run."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.drafts.store import DraftSummary
from trainer.errors import UserError
from trainer.jobs.capacity import near_capacity
from trainer.presets import LEVELS, PRESETS, load_preset
from trainer.recipe import Recipe, dump_recipe, load_recipe
from trainer.studio import Studio
from trainer.ui import data_tab, markup, recipe_form, train_tab
from trainer.ui.components import Page
from trainer.ui.readiness import assess_readiness
from trainer.ui.session import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, owner, user_errors


def recipe_from_form(page: Page, values: Sequence[Any]) -> Recipe:
    """The recipe that the form of both tabs asks for; UserError where a value is out of range."""
    encoder, settings, split = _held(page, values)
    return recipe_form.recipe_from(encoder, settings, split)


def chosen_level(studio: Studio, page: Page, draft: str | None, values: Sequence[Any]) -> str:
    """The dial's level where the form holds what it says; empty for a person's own settings, also while the dial has not moved yet."""
    level = _turned_to(page, values)
    if not level:
        return ""
    try:
        recipe, _ = studio.recipe_for_level(owner(), draft or studio.latest_draft(owner()), level, base_recipe(page, values))
        return level if recipe_from_form(page, values) == recipe else ""
    except UserError:  # a mistake is nobody's level
        return ""


def errors_on_train_tab(page: Page) -> Any:
    """For handlers whose mistakes are told on the Train tab."""
    return user_errors(lambda message: {page.train.notice: markup.notice(message, "error")})


def wire(studio: Studio, page: Page, blocks: gr.Blocks) -> None:
    """Everything of the form but Start."""
    _wire_file(studio, page, blocks)
    _wire_advice(studio, page, after=_wire_judgement(studio, page))
    _wire_tokens(studio, page)
    _wire_dial(studio, page)
    _wire_recipes(studio, page)


def show_error(studio: Studio, page: Page, draft: str | None, error: UserError, *values: Any) -> dict:
    """Updates that tell a mistake at its field and in the foot."""
    form, train = page.train.recipe, page.train
    return {
        **recipe_form.show_error(form, error),
        train.notice: "" if error.setting in recipe_form.FIELDS else markup.notice(error.message, "error"),
        train.start_footer: _footer(studio, page, draft, *values, wrong=error.message),
    }


def base_recipe(page: Page, values: Sequence[Any]) -> Recipe:
    """What the dial and a ready recipe leave as it is: encoder, seed and split; a wrong seed is the form's to complain of."""
    encoder, settings, split = _held(page, values)
    return Recipe.from_dict({"encoder": encoder, "seed": settings[recipe_form.FIELDS.index("seed")], **split})


def save_form_event(studio: Studio, page: Page) -> dict[str, Any]:
    """A handler that keeps what the form of both tabs holds with the draft."""

    @errors_on_train_tab(page)
    def keep(draft: str | None, *values: Any) -> Any:
        known = draft or studio.latest_draft(owner())
        if known is not None:
            studio.save_form(owner(), known, dict(zip([c.elem_id for c in page.form], values, strict=True)))
        return gr.skip()

    return {"fn": keep, "inputs": [page.data.draft, *page.form], "outputs": page.train.notice, **PRIVATE_EVENT_MULTIPLE}


def show_recipe(studio: Studio, page: Page, draft: str | None, recipe: Recipe, why: str, *, level: str = "") -> dict:
    """Updates that make both tabs show a recipe that was not made by hand; ``level`` where it is one of the dial's."""
    form = page.train.recipe
    split = data_tab.split_values(recipe)
    resplit = {}
    with suppress(UserError):  # without a file the Data tab says so
        resplit = data_tab.show_split(page.data, studio.prepared_draft(owner(), data_tab.current_draft(studio, draft)), *split)
    return {
        form.level: level or recipe_form.CUSTOM,
        form.explanation: recipe_form.explanation_html(why),
        page.train.notice: "",
        **recipe_form.show(form, recipe),
        **dict(zip(page.data.form, split, strict=True)),
        **resplit,
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


def _turned_to(page: Page, values: Sequence[Any]) -> str:
    """The level at which the dial stands; empty where that is none of its own."""
    level = values[len(page.data.form) + 1]
    return level if level in LEVELS else ""


def _held(page: Page, values: Sequence[Any]) -> tuple[str, Sequence[Any], dict[str, Any]]:
    """Encoder, settings and shares of the form's values."""
    split, (encoder, _, *settings) = values[: len(page.data.form)], values[len(page.data.form) :]
    return encoder, settings, data_tab.split_fractions(*split)


def _wire_file(studio: Studio, page: Page, blocks: gr.Blocks) -> None:
    """The file being prepared and what its form holds survive a reload."""
    data, form = page.data, page.form
    told = user_errors(lambda message: {data.parts["notice"]: markup.notice(message, "error")})

    def without(drafts: Sequence[DraftSummary]) -> dict:
        withheld = studio.withheld_draft(owner())
        if withheld is None:
            return {data.parts["drafts"]: data_tab.drafts_html(drafts)}
        return data_tab.show_crashed(data, drafts, withheld)

    def latest(*held: Any) -> dict:
        prepared = studio.latest_prepared_draft(owner())
        if prepared is None:
            return without(studio.drafts(owner()))
        kept = prepared.draft.form
        values = [kept.get(c.elem_id, value) for c, value in zip(form, held, strict=True)]
        return {**data_tab.show(data, prepared, *values[: len(data.form)]), **dict(zip(form, values, strict=True))}

    @told
    def opened(*held: Any) -> dict:
        # What is wrong with one file keeps none of the others out of reach.
        drafts = data_tab.drafts_html(studio.drafts(owner()))
        shown = user_errors(lambda message: {data.parts["drafts"]: drafts, data.parts["notice"]: markup.notice(message, "error")})(latest)(
            *held
        )
        # Somebody may have chosen a file while this was on its way.
        return {component: update for component, update in shown.items() if component != data.parts["file"]}

    @told
    def moved(*held: Any) -> dict:
        # Unlike a page that has just been opened, this one may show a file that is gone.
        return {**data_tab.show_empty(data, studio.drafts(owner())), **opened(*held)}

    outputs = list(dict.fromkeys([*data.outputs, *form]))
    blocks.load(opened, form, outputs, **PRIVATE_EVENT).then(None, None, None, js="() => window.emotuneOpened?.()", **PRIVATE_EVENT)
    data.reopened.change(moved, form, outputs, **PRIVATE_EVENT)
    for component in (*data.form, page.train.encoder):
        component.input(**save_form_event(studio, page))


def _wire_judgement(studio: Studio, page: Page) -> Any:
    """The Train tab says what Start would do. A mistake is told once its field is left, and goes when it is mended.

    Returns the event of a change having been judged: what else depends on the form follows it.
    """
    train, form = page.train, page.train.recipe
    outputs = [train.source, train.start_footer, train.notice, form.accordion, form.invalid, *form.settings]

    def assess_readiness(draft: str | None, invalid: str, *values: Any, complain: bool) -> Any:
        try:
            recipe_from_form(page, values)
        except UserError as error:
            # The shares stand on the other tab, which tells of them at once.
            if not complain and error.setting in recipe_form.FIELDS and invalid != error.setting:
                return gr.skip()
            return show_error(studio, page, draft, error, *values)
        return {
            train.source: _source(studio, draft),
            train.start_footer: _footer(studio, page, draft, *values),
            train.notice: "",
            **recipe_form.clear_error(form, invalid),
        }

    @errors_on_train_tab(page)
    def changed(draft: str | None, invalid: str, *values: Any) -> Any:
        return assess_readiness(draft, invalid, *values, complain=False)

    @errors_on_train_tab(page)
    def left(draft: str | None, invalid: str, *values: Any) -> Any:
        return assess_readiness(draft, invalid, *values, complain=True)

    inputs = [page.data.draft, form.invalid, *page.form]
    watched = [c.change for c in (page.data.version, *page.data.form, train.encoder, *form.settings, page.live, page.shell.hardware_badge)]
    judged = gr.on(watched, changed, inputs, outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    # The settings are no part of it: a dial that was drawn anew with each of them would not move to "My own".
    timed = [c.change for c in (page.data.version, *page.data.form, train.encoder, page.shell.hardware_badge)]
    levels = errors_on_train_tab(page)(lambda draft, *values: {form.level: _dial(studio, page, draft, *values)})
    gr.on(timed, levels, [page.data.draft, *page.form], [form.level, train.notice], **PRIVATE_EVENT_MULTIPLE)
    gr.on([c.blur for c in form.settings], left, inputs, outputs, **PRIVATE_EVENT_MULTIPLE)
    return judged


def _source(studio: Studio, draft: str | None) -> str:
    with suppress(UserError):
        return train_tab.source_html(studio.prepared_draft(owner(), data_tab.current_draft(studio, draft)).draft.main.name)
    return train_tab.nothing_yet()


def _footer(studio: Studio, page: Page, draft: str | None, *values: Any, wrong: str = "") -> str:
    """What Start would train on, and whether it can."""
    try:
        prepared = studio.prepared_draft(owner(), data_tab.current_draft(studio, draft))
    except UserError:
        return train_tab.no_file_footer()
    found, seconds = assess_readiness(prepared, _held(page, values)[2]), None
    if found.splits is not None:
        with suppress(UserError):  # a wrong setting is told at its field
            seconds = studio.forecast(owner(), prepared.draft.id, recipe_from_form(page, values))
    views = studio.runs(owner())
    live = next((v.id for v in views if v.status == "running"), "")
    rows, near = None if found.splits is None else len(found.splits.train), near_capacity(studio.settings, views)
    return train_tab.start_footer(prepared.draft.main.name, rows, seconds, wrong=wrong, live=live, in_the_way=found.said, near=near)


def _dial(studio: Studio, page: Page, draft: str | None, *values: Any) -> Any:
    """The dial with the time that each of its levels takes."""
    seconds = {}
    with suppress(UserError):
        draft, base = data_tab.current_draft(studio, draft), base_recipe(page, values)
        for level in LEVELS:
            found = studio.forecast(owner(), draft, studio.recipe_for_level(owner(), draft, level, base)[0])
            if found is not None:
                seconds[level] = found
    return gr.Radio(choices=train_tab.dial_choices(seconds))


def _wire_tokens(studio: Studio, page: Page) -> None:
    """The panel that shows how a row is split works only while it is open: a tokenizer takes a second to load."""
    data, train = page.data, page.train
    opened = gr.State(False)

    @user_errors(lambda message: markup.notice(message, "warning"))
    def tokens(is_open: bool, draft: str | None, row: Any, encoder: str, max_length: Any) -> str:
        return data_tab.show_tokens(studio, draft, row, encoder, max_length) if is_open else ""

    inputs = [opened, data.draft, data.row, train.encoder, train.recipe.max_length]
    data.reading.expand(lambda: True, None, opened, **PRIVATE_EVENT)
    data.reading.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    watched = (opened, data.row, data.version, train.encoder, train.recipe.max_length)
    gr.on([c.change for c in watched], tokens, inputs, data.tokens, **PRIVATE_EVENT_MULTIPLE)


def _wire_advice(studio: Studio, page: Page, *, after: Any) -> None:
    """What the Data tab says of the file with the encoder chosen on the Train tab, anew ``after`` a change has been judged.

    A press there may set the maximum length.
    """
    data, train = page.data, page.train
    opened = gr.State(False)

    @user_errors(lambda message: gr.skip())  # the Train tab complains of settings
    def advice(draft: str | None, *values: Any) -> dict:
        return data_tab.show_advice(studio, data, draft, recipe_from_form(page, values))

    @user_errors(lambda message: gr.skip())
    def lengths(is_open: bool, draft: str | None, *values: Any) -> dict:
        return data_tab.show_lengths(studio, data, draft, recipe_from_form(page, values)) if is_open else gr.skip()

    def choose(press: gr.EventData) -> Any:
        name, _, value = press.code.partition("=")
        return (float(value), recipe_form.CUSTOM, recipe_form.CUSTOM_MESSAGE) if name == "max_length" else gr.skip()

    advised = after.then(advice, [data.draft, *page.form], data.advice_outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    # Drawn only while they are looked at.
    data.lengths.expand(lambda: True, None, opened, **PRIVATE_EVENT)
    data.lengths.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    for changed in (opened.change, advised.then):
        changed(lengths, [opened, data.draft, *page.form], data.length_outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    data.findings.click(choose, None, [train.recipe.max_length, train.recipe.level, train.recipe.explanation], **PRIVATE_EVENT).then(
        **save_form_event(studio, page)
    )


def _wire_dial(studio: Studio, page: Page) -> None:
    """The dial: what it says the form then shows, what is changed by hand moves it, and the draft remembers."""
    data, form = page.data, page.train.recipe
    fields = [form.level, form.explanation, *form.settings, page.train.notice]

    @errors_on_train_tab(page)
    def turn(draft: str | None, *values: Any) -> dict:
        level = _turned_to(page, values)
        if not level:
            return {form.explanation: recipe_form.CUSTOM_MESSAGE}
        recipe, why = studio.recipe_for_level(owner(), draft or studio.latest_draft(owner()), level, base_recipe(page, values))
        held = dict(zip(form.settings, _held(page, values)[1], strict=True))
        # Only what differs: somebody may be typing into another field meanwhile.
        differs = {field: value for field, value in recipe_form.show(form, recipe).items() if value != held[field]}
        return {form.explanation: recipe_form.explanation_html(why), page.train.notice: "", **differs}

    held = [data.draft, *page.form]
    keep = save_form_event(studio, page)
    form.level.input(turn, held, fields, **PRIVATE_EVENT_MULTIPLE).then(**keep)
    data.version.change(turn, held, fields, **PRIVATE_EVENT_MULTIPLE)
    # In the browser, so that a level pressed straight from a field comes after it. Kept only once the dial has moved: else a reload would find
    # the level of before, and set everything by it.
    own = json.dumps([recipe_form.CUSTOM, recipe_form.CUSTOM_MESSAGE])
    by_hand = [c.input for c in (form.explanation, *form.settings)]
    gr.on(by_hand, None, None, [form.level, form.explanation], js=f"() => {own}", **PRIVATE_EVENT_MULTIPLE).then(**keep)


def _wire_recipes(studio: Studio, page: Page) -> None:
    """Ready recipes and recipe files: what they say, the form then shows, and the draft remembers."""
    data, form = page.data, page.train.recipe

    @errors_on_train_tab(page)
    def ready(draft: str | None, name: str | None, *values: Any) -> dict:
        if not name:
            return {form.explanation: recipe_form.explanation_html("")}
        about = next(p.description for p in PRESETS if p.name == name)
        return show_recipe(studio, page, draft, load_preset(name, base_recipe(page, values)), about)

    @errors_on_train_tab(page)
    def bring(draft: str | None, path: str | None, *values: Any) -> dict:
        if not path:
            return {form.explanation: recipe_form.explanation_html("")}
        recipe = load_recipe(Path(path))
        if recipe.encoder not in [e.name for e in studio.encoders]:
            recipe = dataclasses.replace(recipe, encoder=base_recipe(page, values).encoder)
        return {page.train.encoder: recipe.encoder, **show_recipe(studio, page, draft, recipe, f"From {Path(path).name}.")}

    @errors_on_train_tab(page)
    def take(draft: str | None, *values: Any) -> dict:
        recipe = recipe_from_form(page, values)
        known = draft or studio.latest_draft(owner())
        repairs = studio.prepared_draft(owner(), known).draft.repairs if known else ()
        return {form.recipe_text: dump_recipe(dataclasses.replace(recipe, repairs=repairs)).decode(), page.train.notice: ""}

    held = [data.draft, *page.form]
    keep = save_form_event(studio, page)
    shown = recipe_outputs(page)
    form.preset.input(ready, [data.draft, form.preset, *page.form], shown, **PRIVATE_EVENT_MULTIPLE).then(**keep)
    form.upload.upload(bring, [data.draft, form.upload, *page.form], [*shown, page.train.encoder], **PRIVATE_EVENT_MULTIPLE).then(**keep)
    recipe_form.wire_download(form, take, held, [form.recipe_text, page.train.notice], **PRIVATE_EVENT)
