"""The page: header, strip, tabs, timer, and what is wired from one tab to another.

Reload is no special case: page load and timer tick call the same function, and the truth is on the disk.
"""

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.presets import LEVELS, PRESETS, preset
from trainer.recipe import Recipe, dump_recipe, load_recipe
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui import api, data_tab, markup, recipe_form, results_tab, runs_list, runs_tab, train_tab, try_tab, words
from trainer.ui.data_tab import DataTab
from trainer.ui.live_chart import served_files
from trainer.ui.results_tab import ResultsTab
from trainer.ui.run_names import distinct_names
from trainer.ui.runs_tab import RunsTab
from trainer.ui.session import QUIET, owner, said
from trainer.ui.train_tab import TrainTab
from trainer.ui.try_tab import TryTab

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class _Page:
    """Everything the refresh writes to."""

    chip: gr.HTML
    strip: gr.HTML
    stop: gr.Button
    seen: gr.State
    tabs: gr.Tabs
    data: DataTab
    train: TrainTab
    results: ResultsTab
    tryit: TryTab
    runs: RunsTab

    @property
    def pickers(self) -> list[gr.Dropdown]:
        return [self.train.run, self.results.run, self.tryit.run]

    @property
    def form(self) -> list[Any]:
        """All that a person chooses for a training, on two tabs."""
        return [*self.data.form, *self.train.form]

    @property
    def refreshed(self) -> list[Any]:
        return [self.chip, self.strip, self.stop, self.seen, *self.pickers, self.runs.version, *self.train.shown]


def build(studio: Studio, *, whereabouts: str) -> gr.Blocks:
    """The whole page over one studio. ``whereabouts`` is the sentence that says where an uploaded file goes."""
    gr.set_static_paths(served_files())
    with gr.Blocks(title="Emotune", analytics_enabled=False, delete_cache=(3600, 24 * 3600)) as blocks:
        # First, so that the endpoints get their names: gradio names private handlers too, and numbers what comes second.
        api.build(studio)
        with gr.Row(elem_classes=["em-header"]):
            gr.HTML("<h1>Emotune</h1><p>Turn a labelled table of texts into a classifier you can trust. No code.</p>")
            chip = gr.HTML(elem_id="chip")
        with gr.Row(elem_classes=["em-strip-row"]):
            strip = gr.HTML(elem_id="strip")
            stop = gr.Button("Stop", size="sm", visible=False, min_width=80, scale=0, elem_id="stop")
        version = runs_tab.live_version()
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("1 Data", id="data"):
                data = data_tab.build(studio, whereabouts=whereabouts)
            with gr.Tab("2 Train", id="train", render_children=True):
                train = train_tab.build(studio)
            with gr.Tab("3 Results", id="results", render_children=True):
                results = results_tab.build(studio)
            with gr.Tab("4 Try it", id="try", render_children=True):
                tryit = try_tab.build(studio)
            with gr.Tab("Runs", id="runs", render_children=True):
                runs = runs_tab.build(studio, version)
        page = _Page(chip, strip, stop, gr.State(""), tabs, data, train, results, tryit, runs)
        _wire(studio, page, blocks)
    return blocks


def page_options() -> dict[str, Any]:
    """What ``launch`` needs to make the page look and behave as designed."""
    return {
        "theme": gr.themes.Base(
            primary_hue="indigo",
            neutral_hue="slate",
            font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"],
            font_mono=["ui-monospace", "Menlo", "DejaVu Sans Mono", "monospace"],
        ),
        "css_paths": [_ASSETS / "style.css"],
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }


def _wire(studio: Studio, page: _Page, blocks: gr.Blocks) -> None:
    """What concerns more than one tab: the timer, the form, the runs, the way from tab to tab."""
    data, train, results, tryit = page.data, page.train, page.results, page.tryit

    def tick(seen: str, *picked: str | None) -> Any:
        return _refresh(studio, page, seen, *picked)

    def anew(*picked: str | None) -> Any:
        return _refresh(studio, page, "", *picked)

    # queue=False: a tick is one small request; a queued one would be two and wait behind longer work.
    look = {"fn": anew, "inputs": page.pickers, "outputs": page.refreshed, "queue": False, **QUIET}
    gr.Timer(_TICK_SECONDS).tick(tick, [page.seen, *page.pickers], page.refreshed, queue=False, **QUIET)
    blocks.load(**look)
    train.run.input(**look)
    _wire_form(studio, page, blocks)
    _wire_runs(studio, page, look)
    _wire_tokens(studio, page)
    _wire_advice(studio, page)
    _wire_recipe(studio, page)
    runs_tab.wire(studio, page.runs, tabs=page.tabs, pickers=page.pickers, look=look)

    data.onward.click(lambda: gr.Tabs(selected="train"), None, page.tabs, **QUIET)
    train.onward.click(lambda run: (gr.Tabs(selected="results"), run, run), train.run, [page.tabs, results.run, tryit.run], **QUIET)
    results.onward.click(lambda run: (gr.Tabs(selected="try"), run), results.run, [page.tabs, tryit.run], **QUIET)


def _recipe(page: _Page, values: Sequence[Any]) -> Recipe:
    """The recipe that the form of both tabs asks for."""
    encoder, settings, split = _held(page, values)
    return recipe_form.recipe_from(encoder, settings, split)


def _held(page: _Page, values: Sequence[Any]) -> tuple[str, Sequence[Any], dict[str, Any]]:
    """Encoder, settings and shares of the form's values."""
    split, (encoder, _, *settings) = values[: len(page.data.form)], values[len(page.data.form) :]
    return encoder, settings, data_tab.shares(*split)


def _complaining(page: _Page) -> Any:
    """For handlers whose mistakes are told on the Train tab."""
    return said(lambda message: {page.train.notice: markup.notice(message, "must_fix")})


def _wire_form(studio: Studio, page: _Page, blocks: gr.Blocks) -> None:
    """The file being prepared and what its form holds survive a reload; the Train tab says what Start would train on."""
    data, train, form = page.data, page.train, page.form

    def opened(*held: Any) -> dict:
        preparation = studio.latest_preparation(owner())
        kept = preparation.draft.form if preparation else {}
        values = [kept.get(c.elem_id, value) for c, value in zip(form, held, strict=True)]
        return {**data_tab.show(data, preparation, *values[: len(data.form)]), **dict(zip(form, values, strict=True))}

    @_complaining(page)
    def source(draft: str | None, *split: Any) -> dict:
        return _source(studio, page, data_tab.current(studio, draft), *split)

    blocks.load(opened, form, list(dict.fromkeys([*data.shown, *form])), **QUIET)
    for component in form:
        component.input(**_remember(studio, page))
    changes = [c.change for c in (data.version, *data.form)]
    gr.on(changes, source, [data.draft, *data.form], [train.source, train.start, train.notice], **QUIET)


def _wire_runs(studio: Studio, page: _Page, look: dict[str, Any]) -> None:
    """Start, Stop and the queue; after each, ``look`` shows what became of it."""
    data, train = page.data, page.train

    @_complaining(page)
    def start(draft: str | None, *values: Any) -> dict:
        recipe = _recipe(page, values)
        view = studio.start(owner(), data_tab.current(studio, draft), recipe)
        return {train.notice: "", train.run: gr.Dropdown(choices=[(words.run_choice(view), view.id)], value=view.id, visible=True)}

    def stop() -> None:
        """Stop the run that the strip shows."""
        running = _running(studio.runs(owner()))
        if running is not None:
            studio.stop(owner(), running.id)

    @_complaining(page)
    def cancel(run: str) -> Any:
        studio.stop(owner(), run)
        return gr.skip()

    @_complaining(page)
    def resume(run: str) -> dict:
        studio.resume(owner(), run)
        return {train.notice: ""}

    train.start.click(start, [data.draft, *page.form], [train.notice, train.run], **QUIET).then(**look)
    page.stop.click(stop, None, None, **QUIET).then(**look)
    train.cancel.click(cancel, train.run, train.notice, **QUIET).then(**look)
    train.resume.click(resume, train.run, train.notice, **QUIET).then(**look)


def _wire_tokens(studio: Studio, page: _Page) -> None:
    """The panel that shows how a row is split works only while it is open: a tokenizer takes a second to load."""
    data, train = page.data, page.train
    opened = gr.State(False)

    @said(lambda message: markup.notice(message, "look"))
    def tokens(is_open: bool, draft: str | None, row: Any, encoder: str, max_length: Any) -> str:
        return data_tab.show_tokens(studio, draft, row, encoder, max_length) if is_open else ""

    inputs = [opened, data.draft, data.row, train.encoder, train.recipe.max_length]
    data.reading.expand(lambda: True, None, opened, **QUIET)
    data.reading.collapse(lambda: False, None, opened, **QUIET)
    watched = (opened, data.row, data.version, train.encoder, train.recipe.max_length)
    gr.on([c.change for c in watched], tokens, inputs, data.tokens, **QUIET)


def _wire_advice(studio: Studio, page: _Page) -> None:
    """What the Data tab says of the file with the encoder chosen on the Train tab; a press there may set the maximum length."""
    data, train = page.data, page.train
    answered = [data.advice, *(data.parts[name] for name in ("findings", "tokens_body", "token_lengths"))]

    @said(lambda message: {data.advice: ""})  # the Train tab complains of settings
    def advice(draft: str | None, *values: Any) -> dict:
        return data_tab.show_advice(studio, data, draft, _recipe(page, values))

    def choose(press: gr.EventData) -> Any:
        name, _, value = press.code.partition("=")
        return (float(value), recipe_form.OWN, recipe_form.OWN_WORDS) if name == "max_length" else gr.skip()

    watched = [c.change for c in (data.version, *data.form, train.encoder, *train.recipe.settings, page.chip)]
    gr.on(watched, advice, [data.draft, *page.form], answered, trigger_mode="always_last", **QUIET)
    data.advice.click(choose, None, [train.recipe.max_length, train.recipe.dial, train.recipe.why], **QUIET)


def _wire_recipe(studio: Studio, page: _Page) -> None:
    """The dial, ready recipes and recipe files: what they say, the form then shows, and the draft remembers."""
    data, form = page.data, page.train.recipe
    split_shown = [*data.form, *(data.parts[name] for name in ("custom", "split_line"))]
    fields = [form.dial, form.why, *form.settings, page.train.notice]

    @_complaining(page)
    def turn(draft: str | None, *values: Any) -> dict:
        level = values[len(data.form) + 1]
        if level not in LEVELS:
            return {form.why: recipe_form.OWN_WORDS}
        recipe, why = studio.dial(owner(), draft or studio.latest_draft(owner()), level, _base(page, values))
        return {form.why: recipe_form.explained(why), page.train.notice: "", **recipe_form.shown(form, recipe)}

    @_complaining(page)
    def ready(draft: str | None, name: str | None, *values: Any) -> dict:
        if not name:
            return {form.why: ""}
        about = next(p.about for p in PRESETS if p.name == name)
        return _recipe_shown(studio, page, draft, preset(name, _base(page, values)), about)

    @_complaining(page)
    def bring(draft: str | None, path: str | None, *values: Any) -> dict:
        if not path:
            return {form.why: ""}
        recipe = load_recipe(Path(path))
        if recipe.encoder not in [e.name for e in studio.encoders]:
            recipe = dataclasses.replace(recipe, encoder=_base(page, values).encoder)
        return {page.train.encoder: recipe.encoder, **_recipe_shown(studio, page, draft, recipe, f"From {Path(path).name}.")}

    @_complaining(page)
    def take(draft: str | None, *values: Any) -> dict:
        recipe = _recipe(page, values)
        known = draft or studio.latest_draft(owner())
        repairs = studio.preparation(owner(), known).draft.repairs if known else ()
        return {form.taken: dump_recipe(dataclasses.replace(recipe, repairs=repairs)).decode(), page.train.notice: ""}

    held = [data.draft, *page.form]
    remember = _remember(studio, page)
    form.dial.input(turn, held, fields, **QUIET).then(**remember)
    data.version.change(turn, held, fields, **QUIET)
    form.preset.input(ready, [data.draft, form.preset, *page.form], [*fields, *split_shown], **QUIET).then(**remember)
    form.bring.upload(bring, [data.draft, form.bring, *page.form], [*fields, *split_shown, page.train.encoder], **QUIET).then(**remember)
    for setting in form.settings:
        setting.input(lambda: (recipe_form.OWN, recipe_form.OWN_WORDS), None, [form.dial, form.why], **QUIET)
    recipe_form.wire_download(form, take, held, [form.taken, page.train.notice], **QUIET)


def _remember(studio: Studio, page: _Page) -> dict[str, Any]:
    """A handler that keeps what the form of both tabs holds with the draft."""

    @_complaining(page)
    def keep(draft: str | None, *values: Any) -> Any:
        known = draft or studio.latest_draft(owner())
        if known is not None:
            studio.keep_form(owner(), known, dict(zip([c.elem_id for c in page.form], values, strict=True)))
        return gr.skip()

    return {"fn": keep, "inputs": [page.data.draft, *page.form], "outputs": page.train.notice, **QUIET}


def _base(page: _Page, values: Sequence[Any]) -> Recipe:
    """What the dial and a ready recipe leave as it is: encoder, seed and split; a wrong seed is the form's to complain of."""
    encoder, settings, split = _held(page, values)
    return Recipe.from_dict({"encoder": encoder, "seed": settings[recipe_form.FIELDS.index("seed")], **split})


def _recipe_shown(studio: Studio, page: _Page, draft: str | None, recipe: Recipe, why: str) -> dict:
    """Updates that make both tabs show a recipe that was not made by hand."""
    form = page.train.recipe
    split = data_tab.split_of(recipe)
    line = ""
    with suppress(UserError):  # without a file, or with one that cannot be trained on, the Data tab says so
        line = data_tab.split_line(studio.preparation(owner(), data_tab.current(studio, draft)), *split)
    return {
        form.dial: recipe_form.OWN,
        form.why: recipe_form.explained(why),
        page.train.notice: "",
        **recipe_form.shown(form, recipe),
        **dict(zip(page.data.form, split, strict=True)),
        page.data.parts["custom"]: gr.Row(visible=split[0] == "Custom"),
        page.data.parts["split_line"]: line,
    }


def _refresh(studio: Studio, page: _Page, seen: str, train_run: str | None, results_run: str | None, try_run: str | None) -> Any:
    """What has changed on the page since ``seen``; nothing where nothing has."""
    # With the run that is looked at, as an answer may come late, when another one was chosen meanwhile.
    token = f"{studio.token(owner())}|{train_run}"
    if token == seen:
        return gr.skip()
    views = studio.runs(owner())
    running = _running(views)
    waiting = [v for v in views if v.status == "queued"]
    picked = next((v for v in views if v.id == train_run), running or (views[0] if views else None))
    if picked is not None:
        # The one that is looked at is looked at closely.
        with suppress(UserError):  # it was deleted this moment
            picked = dataclasses.replace(picked, damage=studio.damage(owner(), picked.id))
    trained = [v for v in views if v.has_model]
    return {
        page.seen: token,
        page.chip: _chip(studio),
        page.strip: markup.strip(running or (waiting[-1] if waiting else None), len(waiting)),
        page.stop: gr.Button(visible=running is not None, interactive=running is not None and not running.stop_asked),
        page.train.run: _picker(views, train_run, first=running),
        page.results.run: _picker(trained, results_run),
        page.tryit.run: _picker(trained, try_run),
        page.runs.version: runs_list.version(views),
        **_show_training(studio, page.train, picked),
    }


def _show_training(studio: Studio, tab: TrainTab, view: RunView | None) -> dict:
    if view is None:
        return train_tab.show(tab, None)
    try:
        diagnoses = studio.diagnoses(owner(), view.id)
    except UserError:  # deleted since the list was read
        diagnoses = ()
    return train_tab.show(tab, view, studio.waiting_before(view.id), diagnoses)


def _running(views: list[RunView]) -> RunView | None:
    """The run that the strip shows: there may be a second one, from a terminal."""
    return next((v for v in views if v.status == "running"), None)


def _picker(views: list[RunView], value: str | None, *, first: RunView | None = None) -> gr.Dropdown:
    """A list of runs. What is chosen there is left alone, as a choice may be on its way while we look; else it is ``first``, or the newest."""
    choices = [(words.run_choice(v, name), v.id) for v, name in zip(views, distinct_names(views), strict=True)]
    if value in [v.id for v in views]:
        return gr.Dropdown(choices=choices)
    begin = first or (views[0] if views else None)
    return gr.Dropdown(choices=choices, value=begin.id if begin else None, visible=bool(views))


def _chip(studio: Studio) -> str:
    hardware = studio.hardware
    return f'<span class="em-chip" title="What does the work">{markup.text(hardware.words if hardware else "warming up …")}</span>'


def _source(studio: Studio, page: _Page, draft: str, *split: Any) -> dict:
    """What Start would train on, and whether it can."""
    preparation = studio.preparation(owner(), draft)
    rows = None
    if preparation.ready:
        with suppress(UserError):  # the Data tab says it
            rows = len(preparation.splits(Recipe.from_dict(data_tab.shares(*split))).train)
    return {
        page.train.source: train_tab.source_line(preparation.draft.main.name, rows),
        page.train.start: gr.Button(interactive=rows is not None),
    }
