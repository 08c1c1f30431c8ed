"""The page: shell, tabs, timer, and the ways from one tab to another.

Reload is no special case: page load and timer tick call the same function, and the truth is on the disk.
"""

from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.ui import data_events, data_tab, endpoints, form, markup, results_tab, run_names, runs_tab, shell, theme, train_tab, try_tab
from trainer.ui.assets import served_files
from trainer.ui.careful import CarefulBlocks
from trainer.ui.components import Page
from trainer.ui.refresh import refresh
from trainer.ui.session import EACH, QUIET, owner, said, warned

_TICK_SECONDS = 1.0


def build(studio: Studio, *, whereabouts: str, stays_here: bool) -> gr.Blocks:
    """The whole page over one studio. ``whereabouts`` is the sentence that says where an uploaded file goes, ``stays_here`` whether that is
    the visitor's own computer."""
    gr.set_static_paths(served_files())
    with CarefulBlocks(title="Emotune", analytics_enabled=False, delete_cache=(3600, 24 * 3600)) as blocks:
        # First, so that the endpoints get their names: gradio names private handlers too, and numbers what comes second.
        endpoints.build(studio)
        around = shell.build()
        version = runs_tab.live_version()
        live = gr.Textbox("", visible="hidden", elem_id="live-run")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Data", id="data"):
                data = data_tab.build(whereabouts=whereabouts, stays_here=stays_here)
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
        "css": shell.styles(),
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
    told = said(lambda message: {page.shell.strip: markup.notice(message, "must_fix")})

    @told
    def tick(seen: str, *looked_at: str) -> Any:
        return refresh(studio, page, seen, *looked_at)

    @told
    def anew(seen: str, *looked_at: str) -> Any:
        # What lived before is kept: it tells which run has just ended.
        return refresh(studio, page, seen.partition("\n")[0], *looked_at)

    @told
    def opened(*looked_at: str) -> Any:
        return refresh(studio, page, "", *looked_at, first=True)

    # queue=False: a tick is one small request; a queued one would be two and wait behind longer work.
    look = {"fn": anew, "inputs": [page.seen, *page.looked_at], "outputs": page.refreshed, "queue": False, **QUIET}
    gr.Timer(_TICK_SECONDS).tick(tick, [page.seen, *page.looked_at], page.refreshed, queue=False, **QUIET)
    blocks.load(opened, page.looked_at, page.refreshed, queue=False, **QUIET)
    form.wire(studio, page, blocks)
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
    outputs = [page.tabs, train.watched, train.notice, train.start_foot, train.recipe.drawer, train.recipe.invalid, *train.recipe.settings]

    @form.complaining(page)
    def pressed(press: gr.EventData, draft: str | None, *values: Any) -> Any:
        if press.action == "to-data":
            return {page.tabs: gr.Tabs(selected="data")}
        if press.action == "watch":
            return {train.watched: press.code}
        try:
            recipe = form.recipe_of(page, values)
            view = studio.start(owner(), data_tab.current(studio, draft), recipe, level=form.level_of(studio, page, draft, values))
        except UserError as error:
            return form.wrong(studio, page, draft, error, *values)
        return {train.watched: view.id, train.notice: ""}

    @form.complaining(page)
    def again(press: gr.EventData, *split: Any) -> Any:
        return _prepared_again(studio, page, press.code, *split) if press.action == "again" else gr.skip()

    @runs_tab.refusing(page.runs)
    def again_from_runs(asked: str, *split: Any) -> Any:
        return _prepared_again(studio, page, asked.partition(" ")[0], *split)

    shown = list(dict.fromkeys([*data.shown, *form.recipe_outputs(page), train.encoder, train.watched, page.tabs]))
    asked = page.runs.again
    # What the form then holds is kept with the file, as whatever a person chooses by hand is.
    for done in (
        train.details.click(again, data.form, shown, **QUIET),
        asked.change(again_from_runs, [asked, *data.form], [*shown, page.runs.sheet], **QUIET),
    ):
        done.then(**look).then(**form.remember(studio, page))
    train.start_foot.click(pressed, [data.draft, *page.form], outputs, **QUIET).then(**look)


def _wire_quick_start(studio: Studio, page: Page, look: dict[str, Any]) -> None:
    """The sample's first model by one press: opened, a quick look started, its charts shown."""
    data, train = page.data, page.train
    told = said(lambda message: {data.parts["notice"]: markup.notice(message, "must_fix")})

    @told
    def quick(press: gr.EventData, *split: Any) -> Any:
        if press.action != "quick":
            return gr.skip()
        preparation = studio.open_sample(owner())
        level = LEVELS[0]
        recipe, why = studio.dial(
            owner(), preparation.draft.id, level, Recipe.from_dict({"encoder": studio.encoders[0].name, **data_tab.shares(*split)})
        )
        view = studio.start(owner(), preparation.draft.id, recipe, level=level)
        return {
            **data_tab.show(data, preparation, *split),
            **form.recipe_shown(studio, page, preparation.draft.id, recipe, why, level=level),
            train.watched: view.id,
            page.tabs: gr.Tabs(selected="train"),
        }

    shown = [*data.shown, *form.recipe_outputs(page), train.watched, page.tabs]
    data.landing.click(quick, data.form, list(dict.fromkeys(shown)), **QUIET).then(**look).then(**form.remember(studio, page))


def _prepared_again(studio: Studio, page: Page, run: str, *split: Any) -> dict:
    """Updates that open a run's file again with the settings of that run."""
    preparation, recipe = studio.prepare_again(owner(), run)
    view = studio.view(owner(), run)
    why = f"As {run_names.title(view)} was trained. Change what you like."
    return {
        **data_tab.show(page.data, preparation, *split),
        **form.recipe_shown(studio, page, preparation.draft.id, recipe, why, level=view.level),
        page.train.encoder: recipe.encoder,
        page.train.watched: "",
        page.tabs: gr.Tabs(selected="train"),
    }


def _wire_ways(studio: Studio, page: Page, look: dict[str, Any]) -> None:
    """The strip, the feet and the picker: what leads from tab to tab and from run to run."""
    train, tabs, model = page.train, page.tabs, page.shell.model
    outputs = [tabs, train.watched, model]

    @warned
    def go(press: gr.EventData) -> Any:
        return _went(studio, page, press.action, press.code)

    pressed = [html.click for html in (page.shell.strip, train.watch_foot, train.details)]
    gr.on(pressed, go, None, outputs, **EACH).then(**look)

    def take_in_hand(press: gr.EventData) -> str:
        return str(press.run)

    page.shell.picker.select(take_in_hand, None, model, **EACH).then(**look)

    def onward(press: gr.EventData) -> Any:
        return {tabs: gr.Tabs(selected="train"), train.watched: ""} if press.action == "train" else gr.skip()

    def to_try(press: gr.EventData, run: str, words: str) -> dict:
        if press.action == "try":
            return {tabs: gr.Tabs(selected="try"), page.tryit.text: try_tab.first_example(studio, run, words)}
        return {tabs: gr.Tabs(selected="data")}

    page.data.foot.click(onward, None, [tabs, train.watched], **QUIET).then(**look)
    for foot in (page.results.foot, page.tryit.foot):
        foot.click(to_try, [model, page.tryit.text], [tabs, page.tryit.text], **QUIET)


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
