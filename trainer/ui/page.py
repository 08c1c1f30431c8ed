"""The page: frame, tabs, timer, and the events that concern more than one tab.

A reload is no special case: page load and timer tick call the same function, and all state is on the disk.
"""

import secrets
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.events import EventListenerMethod

from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.ui import (
    assets,
    audit_events,
    audit_tab,
    data_events,
    data_tab,
    endpoints,
    html_pieces,
    page_frame,
    recipe_form_events,
    results_tab,
    run_names,
    runs_tab,
    shown_rows,
    theme,
    train_tab,
    try_tab,
)
from trainer.ui.components import Page
from trainer.ui.event_handling import (
    PRIVATE_EVENT,
    PRIVATE_EVENT_MULTIPLE,
    REFRESH_EVENT,
    current_page,
    current_workspace,
    event_number,
    in_turn,
    user_errors,
    user_errors_as_warning,
)
from trainer.ui.open_row_view import OpenRow
from trainer.ui.refresh import refresh
from trainer.ui.validating_blocks import ValidatingBlocks


def build(studio: Studio, *, storage_notice: str, is_local: bool) -> gr.Blocks:
    """The whole page. ``storage_notice`` says where an uploaded file is stored, ``is_local`` whether that is the user's own computer."""
    gr.set_static_paths(assets.served_files())
    with ValidatingBlocks(title="Emotune", analytics_enabled=False, delete_cache=(3600, 24 * 3600)) as blocks:
        # First, so that the endpoints get their names: gradio names private handlers too, and appends a number to the second of a name.
        endpoints.build(studio)
        frame = page_frame.build()
        version, labels_version = runs_tab.build_version(), audit_tab.build_version()
        running = gr.Textbox("", visible="hidden", elem_id="running-run")
        with gr.Tabs(selected="try" if studio.settings.mode.offers_model else None, elem_id="tabs") as tabs:
            with gr.Tab("Data", id="data", render_children=True):
                data = data_tab.build(storage_notice=storage_notice, is_local=is_local)
                data_events.wire(studio, data)
            with gr.Tab("Train", id="train", render_children=True):
                train = train_tab.build(studio)
            with gr.Tab("Results", id="results", render_children=True):
                results = results_tab.build(studio, frame.model)
            with gr.Tab("Try it", id="try", render_children=True):
                tryit = try_tab.build(studio, frame.model)
            with gr.Tab("Check labels", id="labels", render_children=True) as labels_item:
                labels = audit_tab.build(labels_version)
            with gr.Tab("Runs", id="runs", render_children=True):
                runs = runs_tab.build(studio, version)
        _wire(
            studio,
            Page(frame, gr.Timer(studio.settings.idle_seconds), gr.State(""), running, tabs, data, train, results, tryit, labels, runs),
            labels_item,
            blocks,
        )
    return blocks


def mount_options(*, framed: bool = False) -> dict[str, Any]:
    """The options of ``gr.mount_gradio_app`` that make the page look and behave as designed; ``framed``: another site shows it in a frame."""
    return {
        "theme": theme.make_theme(),
        "css": assets.component_styles(),
        "head": page_frame.head(framed=framed),
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }


def _wire(studio: Studio, page: Page, labels_item: gr.Tab, blocks: gr.Blocks) -> None:
    """Wire the events that concern more than one tab."""

    # Each refresh renders the status bar again, so an error stays there as long as it occurs.
    errors_in_status_bar = user_errors(lambda message: {page.frame.status_bar: html_pieces.notice(message, "error")})

    @errors_in_status_bar
    def tick(last_state: str, *inputs: str) -> Any:
        return refresh(studio, page, last_state, *inputs)

    @errors_in_status_bar
    def refresh_all(last_state: str, *inputs: str) -> Any:
        # The first line is kept: the runs that were live show which one has just ended.
        return refresh(studio, page, last_state.partition("\n")[0], *inputs)

    @errors_in_status_bar
    def first_refresh(*inputs: str) -> Any:
        return refresh(studio, page, "", *inputs, first=True)

    def close_page() -> None:
        current_workspace(studio).pages.close(current_page())

    refresh_event = {
        "fn": refresh_all,
        "inputs": [page.last_state, *page.refresh_inputs],
        "outputs": page.refresh_outputs,
        **REFRESH_EVENT,
    }
    page.timer.tick(tick, [page.last_state, *page.refresh_inputs], page.refresh_outputs, **REFRESH_EVENT)
    # Else a page that is loaded again would count twice for a while.
    # ``Blocks.unload`` would make it part of the API.
    blocks.default_config.set_event_trigger([EventListenerMethod(None, "unload")], close_page, None, None, **REFRESH_EVENT)
    blocks.load(first_refresh, page.refresh_inputs, page.refresh_outputs, **REFRESH_EVENT)
    if studio.settings.mode.offers_model:
        blocks.load(lambda: _own_work(studio, page), None, [page.tabs, page.tryit.text], **PRIVATE_EVENT)
    recipe_form_events.wire(studio, page, blocks)
    _wire_start(studio, page, refresh_event)
    _wire_quick_start(studio, page, refresh_event)
    _wire_navigation(studio, page, refresh_event)
    _wire_suggestions(studio, page, refresh_event)
    audit_events.wire(studio, page, labels_item, refresh_event)
    runs_tab.wire(
        studio,
        page.runs,
        tabs=page.tabs,
        watched=page.train.watched,
        model=page.frame.model,
        reopened=page.data.reopened,
        refresh_event=refresh_event,
    )


def _wire_start(studio: Studio, page: Page, refresh_event: dict[str, Any]) -> None:
    """Start a training from the form, or prepare one with the settings of a run."""
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

    @recipe_form_events.errors_on_train_tab(page)
    def start(event: gr.EventData, draft: str | None, *values: Any) -> Any:
        if event.action == "to-data":
            return {page.tabs: gr.Tabs(selected="data")}
        if event.action == "watch":
            return {train.watched: event.code}
        try:
            recipe = recipe_form_events.recipe_from_form(page, values)
            view = current_workspace(studio).start(
                data_tab.current_draft(studio, draft), recipe, level=recipe_form_events.chosen_level(studio, page, draft, values)
            )
        except UserError as error:
            return recipe_form_events.show_error(studio, page, draft, error, *values)
        return {train.watched: view.id, train.notice: ""}

    @recipe_form_events.errors_on_train_tab(page)
    def train_again(event: gr.EventData, *split: Any) -> Any:
        return _prepare_again(studio, page, event.code, *split) if event.action == "again" else gr.skip()

    @runs_tab.errors_on_runs_tab(page.runs)
    def train_again_from_runs(request: str, *split: Any) -> Any:
        return _prepare_again(studio, page, request.partition(" ")[0], *split)

    form_outputs = list(dict.fromkeys([*data.outputs, *recipe_form_events.recipe_outputs(page), train.encoder, train.watched, page.tabs]))
    request = page.runs.train_again
    # The new values of the form are saved with the draft, like those that the user chooses by hand.
    for event in (
        train.details.click(train_again, data.form, form_outputs, **PRIVATE_EVENT),
        request.change(train_again_from_runs, [request, *data.form], [*form_outputs, page.runs.dialog], **PRIVATE_EVENT),
    ):
        event.then(**refresh_event).then(**recipe_form_events.save_form_event(studio, page))
    train.start_footer.click(start, [data.draft, *page.form], outputs, **PRIVATE_EVENT).then(**refresh_event)


def _wire_quick_start(studio: Studio, page: Page, refresh_event: dict[str, Any]) -> None:
    """One press that opens the sample, starts a "Quick look" training and shows its charts."""
    data, train = page.data, page.train
    errors_on_data_tab = user_errors(lambda message: {data.parts["notice"]: html_pieces.notice(message, "error")})

    @errors_on_data_tab
    def quick_start(event: gr.EventData, *split: Any) -> Any:
        workspace = current_workspace(studio)
        if event.action != "quick":
            return gr.skip()
        prepared = workspace.drafts.open_sample()
        level = LEVELS[0]
        recipe, explanation = workspace.recipe_for_level(
            prepared.draft.id,
            level,
            Recipe.from_dict({"encoder": studio.encoders.default.name, **data_tab.split_fractions(*split)}),
        )
        view = workspace.start(prepared.draft.id, recipe, level=level)
        return {
            **data_tab.show_draft(data, prepared, *split),
            **recipe_form_events.show_recipe(studio, page, prepared.draft.id, recipe, explanation, level=level),
            train.watched: view.id,
            page.tabs: gr.Tabs(selected="train"),
        }

    outputs = list(dict.fromkeys([*data.outputs, *recipe_form_events.recipe_outputs(page), train.watched, page.tabs]))
    for buttons in (data.start_buttons, page.tryit.footer):
        buttons.click(quick_start, data.form, outputs, **PRIVATE_EVENT).then(**refresh_event).then(
            **recipe_form_events.save_form_event(studio, page)
        )


def _own_work(studio: Studio, page: Page) -> Any:
    """Updates that lead a visitor who has work of their own to it; one who has none stays at the model that is offered to everybody."""
    workspace = current_workspace(studio)
    views = workspace.library.runs()
    if any(view.live for view in views):
        selected = "train"
    elif workspace.drafts.latest_id() is not None:
        selected = "data"
    elif views:
        selected = "results"
    else:
        return gr.skip()
    return {page.tabs: gr.Tabs(selected=selected), page.tryit.text: ""}


def _prepare_again(studio: Studio, page: Page, run: str, *split: Any) -> dict:
    """Updates that reopen a run's file with the settings of that run."""
    workspace = current_workspace(studio)
    prepared, recipe = workspace.prepare_again(run)
    view = workspace.library.view(run)
    explanation = f"The settings of {run_names.title(view)}. Change what you like."
    return {
        **data_tab.show_draft(page.data, prepared, *split),
        **recipe_form_events.show_recipe(studio, page, prepared.draft.id, recipe, explanation, level=view.level),
        page.train.encoder: recipe.encoder,
        page.train.watched: "",
        page.tabs: gr.Tabs(selected="train"),
    }


def _wire_navigation(studio: Studio, page: Page, refresh_event: dict[str, Any]) -> None:
    """Buttons of the status bar and the footers, and the model picker: they lead to another tab or run."""
    train, tabs, model = page.train, page.tabs, page.frame.model
    outputs = [tabs, train.watched, model]

    @user_errors_as_warning
    def handle_run_button(event: gr.EventData) -> Any:
        return _run_action(studio, page, event.action, event.code)

    clicks = [html.click for html in (page.frame.status_bar, train.watch_footer, train.details)]
    gr.on(clicks, handle_run_button, None, outputs, **PRIVATE_EVENT_MULTIPLE).then(**refresh_event)

    def select_model(event: gr.EventData) -> str:
        return str(event.run)

    page.frame.picker.select(select_model, None, model, **PRIVATE_EVENT_MULTIPLE).then(**refresh_event)

    def open_train_tab(event: gr.EventData) -> Any:
        return {tabs: gr.Tabs(selected="train"), train.watched: ""} if event.action == "train" else gr.skip()

    @user_errors_as_warning
    def open_next_tab(event: gr.EventData, run: str, text: str) -> dict:
        if event.action == "labels":
            current_workspace(studio).prepare_again(run)
            return {tabs: gr.Tabs(selected="labels"), page.data.reopened: secrets.token_hex(4)}
        if event.action == "try":
            return {tabs: gr.Tabs(selected="try"), page.tryit.text: try_tab.text_or_example(studio, run, text)}
        return {tabs: gr.Tabs(selected="data")} if event.action == "to-data" else gr.skip()

    @user_errors_as_warning
    def leave_row(event: gr.EventData, run: str) -> Any:
        opened = OpenRow.parse(event.code)
        if event.action == "labels":
            current_workspace(studio).prepare_again(run)
            return {tabs: gr.Tabs(selected="labels"), page.data.reopened: secrets.token_hex(4)}
        if event.action == "try" and opened is not None and opened.is_of(run):
            return {tabs: gr.Tabs(selected="try"), page.tryit.text: try_tab.text_of_row(studio, run, opened.row)}
        return gr.skip()

    for html in (page.results.rows, page.tryit.new_texts):
        html.click(leave_row, model, [tabs, page.tryit.text, page.data.reopened], **PRIVATE_EVENT_MULTIPLE)

    @user_errors_as_warning
    def open_evaluation(event: gr.EventData, run: str) -> Any:
        if event.action != "see-evaluation":
            return gr.skip()
        shown = results_tab.show_rows_of(page.results, studio, run, shown_rows.value_of(event.code))
        return {tabs: gr.Tabs(selected="results"), **shown}

    page.tryit.file.click(open_evaluation, model, [tabs, *page.results.row_outputs], **in_turn("results"), **PRIVATE_EVENT_MULTIPLE)
    page.data.footer.click(open_train_tab, None, [tabs, train.watched], **PRIVATE_EVENT).then(**refresh_event)
    for footer in (page.results.footer, page.tryit.footer):
        footer.click(open_next_tab, [model, page.tryit.text], [tabs, page.tryit.text, page.data.reopened], **PRIVATE_EVENT)


def _wire_suggestions(studio: Studio, page: Page, refresh_event: dict[str, Any]) -> None:
    """The buttons of what would help most: the labels of two classes, a longer length, the file."""
    data = page.data
    outputs = list(
        dict.fromkeys(
            [*data.outputs, *recipe_form_events.recipe_outputs(page), page.train.encoder, page.train.watched, page.tabs, data.reopened]
        )
    )

    @user_errors_as_warning
    def follow_suggestion(event: gr.EventData, run: str, *split: Any) -> dict:
        updates = _prepare_again(studio, page, run, *split)
        if event.action == "check-pair":
            return {page.tabs: gr.Tabs(selected="labels"), data.reopened: secrets.token_hex(4)}
        if event.action == "to-file":
            return {**updates, page.tabs: gr.Tabs(selected="data")}
        workspace = current_workspace(studio)
        _, recipe = workspace.prepare_again(run)
        longer = replace(recipe, max_length=event_number(event))
        explanation = f"The settings of {run_names.title(workspace.library.view(run))}, with {longer.max_length:,} tokens of each text."
        return {**updates, **recipe_form_events.show_recipe(studio, page, workspace.drafts.latest_id(), longer, explanation)}

    page.results.suggestions.click(follow_suggestion, [page.frame.model, *data.form], outputs, **PRIVATE_EVENT).then(**refresh_event).then(
        **recipe_form_events.save_form_event(studio, page)
    )


def _run_action(studio: Studio, page: Page, action: str, run: str) -> Any:
    """Updates after a press in the status bar, the details or the footer of a run."""
    workspace = current_workspace(studio)
    train, tabs = page.train, page.tabs
    if action == "stop":
        workspace.stop(run)
        return gr.skip()
    if action == "results":
        return {tabs: gr.Tabs(selected="results"), page.frame.model: run}
    if action == "resume":
        return {tabs: gr.Tabs(selected="train"), train.watched: workspace.resume(run).id}
    if action == "watch":
        return {tabs: gr.Tabs(selected="train"), train.watched: run}
    if action == "prepare":
        return {train.watched: ""}
    return gr.skip()
