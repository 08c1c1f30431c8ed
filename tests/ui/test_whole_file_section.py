"""What the part of Try it with whole files answers, without a browser: how a file that has scores for labels is read."""

import re
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr

from tests.addresses import TIMEOUT_SECONDS
from tests.several_labels import labels_from, write_scores, write_several_labels
from trainer.data.columns.label_form import LabelReading
from trainer.recipe import Recipe
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio
from trainer.ui import whole_file_section


def test_a_model_is_scored_with_the_cut_that_is_typed_beside_the_columns_of_scores(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(LOCAL_OWNER)
    learnt, other = write_scores(tmp_path / "learnt.csv"), write_scores(tmp_path / "other.csv", seed=9)
    recipe = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, max_length=32)
    view = workspace.train_files({"main": (learnt.name, learnt)}, recipe, reading=LabelReading(cut=0.3), ignore_findings=True)
    assert workspace.wait(view.id, TIMEOUT_SECONDS).status == "finished"
    with gr.Blocks() as blocks:
        whole_file_section.build(studio, gr.Textbox())
    handlers = {handler.name: handler.fn for handler in blocks.fns.values()}

    def shown(updates: dict) -> dict[str, Any]:
        return {component.elem_id: value for component, value in updates.items() if component.elem_id}

    def read(cut: float) -> str:
        counts = Counter(min(len(labels), 2) for labels in labels_from(cut))
        return rf'value="{cut}" data-shown="\w+"> on</label>; {counts[2]} texts have several, {counts[0]} have none\.'

    chosen = (str(other), view.id, "", "#0", "")
    names = ("text", "anger", "joy", "sadness")
    # Its own file's cut, unless told otherwise.
    assert re.search(read(0.3), shown(handlers["choose"](str(other), view.id))["whole-file-cut"])
    typed = handlers["choose_cut"](SimpleNamespace(action="cut", code="0,6"), *chosen, names)
    assert re.search(read(0.6), shown(typed)["whole-file-cut"])
    assert [value for component, value in typed.items() if isinstance(component, gr.State)] == ["0,6"]
    assert re.search(read(0.3), shown(handlers["show_cut"](*chosen, names))["whole-file-cut"])

    refused = handlers["choose_cut"](SimpleNamespace(action="cut", code="1.5"), *chosen, names)
    # It stays in the field, and nothing is scored with another one.
    assert re.search(r'value="1\.5" data-shown="\w+"> on</label>\.', shown(refused)["whole-file-cut"])
    kept = next(value for component, value in refused.items() if isinstance(component, gr.State))
    for answer in (refused, handlers["judge"](*chosen, kept)):
        assert "No label reaches a cut of 1.5" in shown(answer)["whole-file-notice"]
    assert workspace.evaluations.jobs() == []

    handlers["judge"](*chosen, "0,6")
    job = workspace.jobs.wait(workspace.evaluations.jobs()[0].id, TIMEOUT_SECONDS)
    assert job.status == "finished", job.message
    html = shown(handlers["show_run"](view.id))["whole-file-job"]
    assert "macro F1" in html
    assert "a text has the labels from 0.6 on." in html

    marks, texts = write_several_labels(tmp_path / "marks.csv"), tmp_path / "texts.csv"
    texts.write_text("text,joy\nso glad,\nwe cry,\n")
    for path in (marks, texts):
        assert shown(handlers["choose"](str(path), view.id))["whole-file-cut"] == ""
