"""What the page asks of its server, as gradio was told."""

import re
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from tests.workspace.steps import ME, other_studio, recipe_with_seed, start_run
from trainer.run_library import RunLibrary
from trainer.runs.event_types import EVENT_TYPES
from trainer.runs.run import Run
from trainer.runs.writer_lock import writer_lock
from trainer.studio import Studio
from trainer.ui import page
from trainer.ui.status_bar import status_bar_html
from trainer.workspace import Workspace


@pytest.fixture
def handlers(studio: Studio) -> list[dict]:
    """The page's own, as gradio hands them to the browser."""
    config = page.build(studio, storage_notice="Here.", is_local=True).get_config_file()
    return [handler for handler in config["dependencies"] if handler["api_visibility"] == "private"]


def test_no_change_is_asked_about_for_ever(handlers: list[dict]) -> None:
    # Gradio 6.31: when one of two handlers with "always_last" ends, both are begun again; the other one still runs, and so on.
    last = Counter(
        (component, name)
        for handler in handlers
        if handler["backend_fn"] and handler["trigger_mode"] == "always_last"
        for component, name in handler["targets"]
        if component is not None
    )
    assert set(last.values()) == {1}


def test_no_request_makes_gradio_take_stock_of_all_that_it_may_change(handlers: list[dict]) -> None:
    assert handlers
    assert [handler["api_name"] for handler in handlers if handler["show_progress_on"] != []] == []


def test_no_choice_and_no_press_is_dropped_while_another_one_is_answered(handlers: list[dict]) -> None:
    # With "once" gradio's page drops what comes meanwhile, without a word: right for a second press of the same button only.
    once = [handler for handler in handlers if handler["backend_fn"] and handler["trigger_mode"] == "once"]
    targets = [[(component, name) for component, name in handler["targets"] if component is not None] for handler in once]
    assert [group for group in targets if len(group) > 1] == []
    assert {name for group in targets for _, name in group} <= {"click", "load", "tick", "expand", "collapse"}


@pytest.mark.parametrize("name", ["first_refresh", "tick", "refresh_all"])
@pytest.mark.parametrize(("part", "wrong"), [(Workspace, "change_token"), (RunLibrary, "runs")])
def test_a_failed_refresh_is_a_message_on_the_page(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, name: str, part: type, wrong: str
) -> None:
    blocks = page.build(studio, storage_notice="Here.", is_local=True)
    refresh = next(handler for handler in blocks.fns.values() if handler.name == name and not handler.queue)

    def fails(*_: object) -> Any:
        raise RuntimeError("a bug")

    monkeypatch.setattr(part, wrong, fails)
    ((component, message),) = refresh.fn(*["" for _ in refresh.inputs]).items()
    assert component.elem_id == "status-bar"
    assert "Something went wrong here" in message


def test_stop_in_the_status_bar_stops_the_run_it_was_drawn_for_and_no_other(studio: Studio, small_csv: Path) -> None:
    idle = other_studio(studio)
    first, second = start_run(idle, small_csv), start_run(idle, small_csv, recipe_with_seed(2))
    html = status_bar_html(idle.for_owner(ME).library.runs(), {first.id: "a", second.id: "b"}, None, now=0.0)
    (code,) = re.findall(r'data-action="stop" data-code="(\w+)"', html)
    assert code == first.id
    # It ends before the press arrives, and the next one begins.
    for run, event_type in ((first, "phase"), (first, "finished"), (second, "phase")):
        Run(idle.for_owner(ME).library.folder(run.id)).log.append(
            EVENT_TYPES[event_type](**{"what": "training"} if event_type == "phase" else {})
        )
    with writer_lock(idle.for_owner(ME).library.folder(second.id)):
        page._run_action(idle, Mock(), "stop", code)
        assert [
            (idle.for_owner(ME).library.view(run.id).status, idle.for_owner(ME).library.view(run.id).stop_requested)
            for run in (first, second)
        ] == [
            ("finished", False),
            ("running", False),
        ]


def test_a_choice_above_the_matrix_leaves_headline_and_classes_and_waits_its_turn(studio: Studio) -> None:
    blocks = page.build(studio, storage_notice="Here.", is_local=True)
    named = {handler.name: handler for handler in blocks.fns.values()}
    changed = {output.elem_id for output in named["open_matrix"].outputs}
    # The first two only if it fails, the next two only if the model was judged on another file.
    assert changed == {"headline", "results-body", "other-file", "per-class", "confusion-chart", "confusions"}
    assert len({named[name].concurrency_id for name in ("open_run", "open_matrix")}) == 1
    assert named["open_run"].concurrency_limit == 1


@pytest.mark.parametrize("component", ["found-rows", "runs-list", "footer-runs", "labels-table", "footer-labels"])
def test_no_earlier_answer_takes_the_place_of_a_later_one(studio: Studio, component: str) -> None:
    blocks = page.build(studio, storage_notice="Here.", is_local=True)
    writers = [
        fn
        for fn in blocks.fns.values()
        if fn.fn is not None and fn.queue is not False and component in {output.elem_id for output in fn.outputs}
    ]
    assert writers
    assert {fn.concurrency_limit for fn in writers} == {1}
    assert len({fn.concurrency_id for fn in writers}) == 1, {fn.name: fn.concurrency_id for fn in writers}
