"""The page: shell, tabs, timer, and the ways from one tab to another.

Reload is no special case: page load and timer tick call the same function, and the truth is on the disk.
"""

from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.ui import (
    assets,
    data_events,
    data_tab,
    endpoints,
    markup,
    results_tab,
    run_names,
    runs_tab,
    shell,
    theme,
    train_tab,
    training_form,
    try_tab,
)
from trainer.ui.components import Page
from trainer.ui.refresh import refresh
from trainer.ui.session import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, owner, user_errors, user_errors_as_warning
from trainer.ui.validating_blocks import ValidatingBlocks

_TICK_SECONDS = 1.0


def build(studio: Studio, *, storage_notice: str, is_local: bool) -> gr.Blocks:
    """The whole page over one studio. ``storage_notice`` is the sentence that says where an uploaded file goes, ``is_local`` whether that is
    the visitor's own computer."""
    gr.set_static_paths(assets.served_files())
    with ValidatingBlocks(title="Emotune", analytics_enabled=False, delete_cache=(3600, 24 * 3600)) as blocks:
        # First, so that the endpoints get their names: gradio names private handlers too, and numbers what comes second.
        endpoints.build(studio)
        around = shell.build()
        version = runs_tab.build_version()
        live = gr.Textbox("", visible="hidden", elem_id="live-run")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Data", id="data"):
                data = data_tab.build(storage_notice=storage_notice, is_local=is_local)
                data_events.wire(studio, data)
            with gr.Tab("Train", id="train", render_children=True):
                train = train_tab.build(studio)
            with gr.Tab("Results", id="results", render_children=True):
                results = results_tab.build(studio, around.model)
            with gr.Tab("Try it", id="try", render_children=True):
                tryit = try_tab.build(studio, around.model)
            with gr.Tab("Runs", id="runs", render_children=True):
                runs = runs_tab.build(studio, version)
        _wire(studio, Page(around, gr.State(""), live, tabs, data, train, results, tryit, runs), blocks)
    return blocks


def page_options() -> dict[str, Any]:
    """What ``launch`` needs to make the page look and behave as designed."""
    return {
        "theme": theme.make_theme(),
        "css": assets.component_styles(),
        "head": shell.head(),
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }


def _wire(studio: Studio, page: Page, blocks: gr.Blocks) -> None:
    """What concerns more than one tab."""

    # Drawn anew each time, the strip is told of what went wrong for as long as it does.
    told = user_errors(lambda message: {page.shell.status_bar: markup.notice(message, "error")})

    @told
    def tick(seen: str, *refresh_inputs: str) -> Any:
        return refresh(studio, page, seen, *refresh_inputs)

    @told
    def anew(seen: str, *refresh_inputs: str) -> Any:
        # What lived before is kept: it tells which run has just ended.
        return refresh(studio, page, seen.partition("\n")[0], *refresh_inputs)

    @told
    def opened(*refresh_inputs: str) -> Any:
        return refresh(studio, page, "", *refresh_inputs, first=True)

    # queue=False: a tick is one small request; a queued one would be two and wait behind longer work.
    look = {"fn": anew, "inputs": [page.seen, *page.refresh_inputs], "outputs": page.refresh_outputs, "queue": False, **PRIVATE_EVENT}
    gr.Timer(_TICK_SECONDS).tick(tick, [page.seen, *page.refresh_inputs], page.refresh_outputs, queue=False, **PRIVATE_EVENT)
    blocks.load(opened, page.refresh_inputs, page.refresh_outputs, queue=False, **PRIVATE_EVENT)
    training_form.wire(studio, page, blocks)
    _wire_start(studio, page, look)
    _wire_quick_start(studio, page, look)
    _wire_ways(studio, page, look)
    runs_tab.wire(
        studio,
        page.runs,
        tabs=page.tabs,
        watched=page.train.watched,
        model=page.shell.model,
        reopened=page.data.reopened,
        look=look,
    )


def _wire_start(studio: Studio, page: Page, look: dict[str, Any]) -> None:
    """Start from the form, and the sample's first model by one press."""
    data, train = page.data, page.train
    outputs = [
        page.tabs,
        train.watched,
        train.notice,
        train.start_footer,
        train.recipe.accordion,
        train.recipe.invalid,
        *train.recipe.settings,
    ]

    @training_form.errors_on_train_tab(page)
    def pressed(press: gr.EventData, draft: str | None, *values: Any) -> Any:
        if press.action == "to-data":
            return {page.tabs: gr.Tabs(selected="data")}
        if press.action == "watch":
            return {train.watched: press.code}
        try:
            recipe = training_form.recipe_from_form(page, values)
            view = studio.start(
                owner(), data_tab.current_draft(studio, draft), recipe, level=training_form.chosen_level(studio, page, draft, values)
            )
        except UserError as error:
            return training_form.show_error(studio, page, draft, error, *values)
        return {train.watched: view.id, train.notice: ""}

    @training_form.errors_on_train_tab(page)
    def again(press: gr.EventData, *split: Any) -> Any:
        return _prepared_again(studio, page, press.code, *split) if press.action == "again" else gr.skip()

    @runs_tab.errors_on_runs_tab(page.runs)
    def again_from_runs(asked: str, *split: Any) -> Any:
        return _prepared_again(studio, page, asked.partition(" ")[0], *split)

    shown = list(dict.fromkeys([*data.outputs, *training_form.recipe_outputs(page), train.encoder, train.watched, page.tabs]))
    asked = page.runs.again
    # What the form then holds is kept with the file, as whatever a person chooses by hand is.
    for done in (
        train.details.click(again, data.form, shown, **PRIVATE_EVENT),
        asked.change(again_from_runs, [asked, *data.form], [*shown, page.runs.sheet], **PRIVATE_EVENT),
    ):
        done.then(**look).then(**training_form.save_form_event(studio, page))
    train.start_footer.click(pressed, [data.draft, *page.form], outputs, **PRIVATE_EVENT).then(**look)


def _wire_quick_start(studio: Studio, page: Page, look: dict[str, Any]) -> None:
    """The sample's first model by one press: opened, a quick look started, its charts shown."""
    data, train = page.data, page.train
    told = user_errors(lambda message: {data.parts["notice"]: markup.notice(message, "error")})

    @told
    def quick(press: gr.EventData, *split: Any) -> Any:
        if press.action != "quick":
            return gr.skip()
        prepared = studio.open_sample(owner())
        level = LEVELS[0]
        recipe, why = studio.recipe_for_level(
            owner(),
            prepared.draft.id,
            level,
            Recipe.from_dict({"encoder": studio.encoders.default.name, **data_tab.split_fractions(*split)}),
        )
        view = studio.start(owner(), prepared.draft.id, recipe, level=level)
        return {
            **data_tab.show(data, prepared, *split),
            **training_form.show_recipe(studio, page, prepared.draft.id, recipe, why, level=level),
            train.watched: view.id,
            page.tabs: gr.Tabs(selected="train"),
        }

    shown = [*data.outputs, *training_form.recipe_outputs(page), train.watched, page.tabs]
    data.start_buttons.click(quick, data.form, list(dict.fromkeys(shown)), **PRIVATE_EVENT).then(**look).then(
        **training_form.save_form_event(studio, page)
    )


def _prepared_again(studio: Studio, page: Page, run: str, *split: Any) -> dict:
    """Updates that open a run's file again with the settings of that run."""
    prepared, recipe = studio.prepare_again(owner(), run)
    view = studio.view(owner(), run)
    why = f"As {run_names.title(view)} was trained. Change what you like."
    return {
        **data_tab.show(page.data, prepared, *split),
        **training_form.show_recipe(studio, page, prepared.draft.id, recipe, why, level=view.level),
        page.train.encoder: recipe.encoder,
        page.train.watched: "",
        page.tabs: gr.Tabs(selected="train"),
    }


def _wire_ways(studio: Studio, page: Page, look: dict[str, Any]) -> None:
    """The strip, the feet and the picker: what leads from tab to tab and from run to run."""
    train, tabs, model = page.train, page.tabs, page.shell.model
    outputs = [tabs, train.watched, model]

    @user_errors_as_warning
    def go(press: gr.EventData) -> Any:
        return _went(studio, page, press.action, press.code)

    pressed = [html.click for html in (page.shell.status_bar, train.watch_footer, train.details)]
    gr.on(pressed, go, None, outputs, **PRIVATE_EVENT_MULTIPLE).then(**look)

    def take_in_hand(press: gr.EventData) -> str:
        return str(press.run)

    page.shell.picker.select(take_in_hand, None, model, **PRIVATE_EVENT_MULTIPLE).then(**look)

    def onward(press: gr.EventData) -> Any:
        return {tabs: gr.Tabs(selected="train"), train.watched: ""} if press.action == "train" else gr.skip()

    def to_try(press: gr.EventData, run: str, words: str) -> dict:
        if press.action == "try":
            return {tabs: gr.Tabs(selected="try"), page.tryit.text: try_tab.first_example(studio, run, words)}
        return {tabs: gr.Tabs(selected="data")}

    page.data.footer.click(onward, None, [tabs, train.watched], **PRIVATE_EVENT).then(**look)
    for foot in (page.results.footer, page.tryit.footer):
        foot.click(to_try, [model, page.tryit.text], [tabs, page.tryit.text], **PRIVATE_EVENT)


def _went(studio: Studio, page: Page, action: str, run: str) -> Any:
    """Updates after a press in the strip or in the foot of a run."""
    train, tabs = page.train, page.tabs
    if action == "stop":
        studio.stop(owner(), run)
        return gr.skip()
    if action == "results":
        return {tabs: gr.Tabs(selected="results"), page.shell.model: run}
    if action == "resume":
        return {tabs: gr.Tabs(selected="train"), train.watched: studio.resume(owner(), run).id}
    if action == "watch":
        return {tabs: gr.Tabs(selected="train"), train.watched: run}
    if action == "prepare":
        return {train.watched: ""}
    return gr.skip()
