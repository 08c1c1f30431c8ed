"""What the Data tab answers to a choice, without a browser."""

import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from tests.conftest import small_rows
from tests.several_labels import labels_from, write_scores, write_several_labels
from tests.ui.test_recipe_form_events import load
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio
from trainer.ui.data_tab import show_draft


def test_another_cut_of_scores_is_read_and_a_wrong_one_is_said_beside_what_is_read(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    laid, handlers = load(studio, monkeypatch, lambda page: [page.data.draft, *page.data.form])
    path = write_scores(tmp_path / "scores.csv")
    draft = studio.for_owner(LOCAL_OWNER).drafts.open_files({"main": (path.name, path)}).draft.id
    form = [component.value for component in laid.data.form]
    readiness, notice = laid.data.parts["readiness"], laid.data.parts["notice"]

    def chosen(action: str, code: str) -> dict:
        return handlers["choose_task"](SimpleNamespace(action=action, code=code), draft, *form)

    updates = chosen("cut", "0.3")
    n_labels = Counter(min(len(labels), 2) for labels in labels_from(0.3))
    # The field forgets what was typed.
    assert re.search(r'data-action="cut" value="0.3" data-shown="\w+">', updates[readiness])
    assert f"{n_labels[2]} texts have several, {n_labels[0]} have none." in updates[readiness]
    assert updates[notice] == ""
    refused = chosen("cut", "1.5")
    assert "No label reaches a cut of 1.5" in refused[notice]
    assert re.search(r'data-action="cut" value="0.3" data-shown="\w+">', refused[readiness])
    # Emptied twice: what the file suggests is shown again, though nothing else changes.
    emptied = [chosen("cut", "")[readiness] for _ in range(2)]
    assert emptied[0] != emptied[1]
    assert all(re.search(r'data-action="cut" value="0.5" data-shown="\w+">', html) for html in emptied)
    assert 'data-action="cut"' not in chosen("task", "single")[readiness]


def test_the_columns_of_labels_that_are_chosen_are_read_and_no_others(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    laid, handlers = load(studio, monkeypatch, lambda page: [page.data.draft, page.data.parts["labels"], *page.data.form])
    path, workspace = write_several_labels(tmp_path / "marks.csv"), studio.for_owner(LOCAL_OWNER)
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    form = [component.value for component in laid.data.form]
    picker, single, notice = (laid.data.parts[name] for name in ("labels", "label", "notice"))

    def choose(*columns: str) -> dict:
        return handlers["set_label_columns"](draft, list(columns), *form)

    def read() -> tuple[tuple[int, ...], tuple[str, ...]]:
        prepared = workspace.drafts.get(draft)
        return prepared.columns.label_columns, prepared.corpus.label_names

    assert choose("#1", "#2", "#3") == gr.skip()
    # What was chosen since is not taken away by the answer.
    updates = choose("#3", "#1")
    assert (picker in updates, updates[single].visible, read()) == (False, "hidden", ((3, 1), ("anger", "sadness")))
    choose("#2")
    assert read() == ((2,), ("joy",))
    assert choose("#2", "anger")[picker].value == ["#2", "#1"]
    refused = choose()
    assert refused[picker] == ["#2", "#1"]
    assert "those that were read stay" in refused[notice]
    assert read() == ((2, 1), ("anger", "joy"))
    again = show_draft(laid.data, workspace.editor.choose_task(draft, "single"), *form)
    assert (again[picker].visible, again[single].visible, again[single].value) == ("hidden", True, "#2")


@pytest.mark.parametrize(
    ("handler", "lists", "read", "chosen"),
    [("set_text_columns", ("text", "extra_text_columns"), ("#0", ""), ("#0", "#2")), ("set_label_column", ("label",), ("#1",), ("#2",))],
)
def test_a_list_of_columns_that_is_left_without_a_choice_chooses_nothing(
    studio: Studio,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    handler: str,
    lists: tuple[str, ...],
    read: tuple[str, ...],
    chosen: tuple[str, ...],
) -> None:
    laid, handlers = load(studio, monkeypatch, lambda page: [page.data.draft, *(page.data.parts[name] for name in lists), *page.data.form])
    workspace, path = studio.for_owner(LOCAL_OWNER), tmp_path / "moods.csv"
    path.write_text(
        "text,mood,note\n" + "".join(f"so {text} today,{mood},{'ab'[n % 2]}\n" for n, (text, mood) in enumerate(small_rows(60)))
    )
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft
    form = [component.value for component in laid.data.form]
    assert handlers[handler](draft.id, *read, *form) == gr.skip()
    assert workspace.drafts.get(draft.id).draft == draft
    handlers[handler](draft.id, *chosen, *form)
    assert workspace.drafts.get(draft.id).draft.main != draft.main
