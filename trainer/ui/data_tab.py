"""Tab 1, Data: the upload field, whether the file is ready for training, its findings and its split.

``no_file_view``, ``data_view``, ``findings_view`` and ``readiness`` make its HTML; ``data_events`` handles its events.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from trainer.charts.classes import text_lengths_chart
from trainer.charts.lengths import token_lengths_chart
from trainer.data.hub_datasets import CATALOGUE
from trainer.drafts.advice import encoder_in_training
from trainer.drafts.history import DraftSummary
from trainer.drafts.preparation import PreparedDraft, numeric_labels
from trainer.errors import FileError, UserError
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.text_format import pluralize
from trainer.ui import data_view, findings_view, html_pieces, no_file_view, page_frame, part_picker
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import current_workspace
from trainer.ui.live_chart import live_chart, to_json
from trainer.ui.readiness import Readiness, assess_readiness

FOLDS = "5 folds"
SPLITS = {
    "70 / 10 / 20": (0.10, 0.20, None),
    "70 / 15 / 15": (0.15, 0.15, None),
    "80 / 20": (0.08, 0.20, None),
    FOLDS: (0.10, 0.20, 5),
    "Custom": None,
}
"""Fractions of validation and test rows, and folds. With 80 / 20, a tenth of the 80 % are validation rows."""

_LENGTHS_HEIGHT = 240
_TOKENS_HEIGHT = 200
_MAX_NAMES_CHARS = 20_000
_NO_SECOND_COLUMN = "nothing"
"""The choice for a text from a single column; its value is empty."""
_FILE_CLOSED, _FILE_OPEN = ["em-data", "em-file-closed"], ["em-data", "em-file-open"]
"""CSS classes of the whole tab: gradio would remove a hidden column, and the upload field is used in both states."""


@dataclass(frozen=True)
class DataTab:
    """The components other tabs read or write."""

    draft: gr.State
    """The id of the open draft; None if no file is open."""
    version: gr.State
    """Changes whenever the draft is shown again."""
    reopened: gr.State
    """Changes when a draft is reopened: the page then shows it with its form, as after a reload."""
    start_buttons: gr.HTML
    """Its ``click`` event carries ``action``: "quick" (a first model of the sample), "sample", "messy"."""
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "train", or a repair like those of ``findings``."""
    findings: gr.HTML
    split: gr.Radio
    validation_share: gr.Number
    test_share: gr.Number
    folds: gr.Number
    row: gr.Number
    reading: gr.Accordion
    tokens: gr.HTML
    lengths: gr.Accordion
    storage_notice: str
    """A sentence that says where an uploaded file is stored."""
    outputs: list[Any]
    """What ``show_draft`` updates, in no order."""
    parts: Mapping[str, Any]

    @property
    def advice_outputs(self) -> list[Any]:
        """What ``show_advice`` updates."""
        return [self.findings]

    @property
    def length_outputs(self) -> list[Any]:
        """What ``show_lengths`` updates."""
        return [self.parts["word_lengths"], self.parts["token_lengths"]]

    @property
    def split_outputs(self) -> list[Any]:
        """What ``show_split`` updates."""
        return [self.parts[name] for name in ("custom", "split_line", "split_counts", "readiness", "footer", "notice")]

    @property
    def form(self) -> list[Any]:
        """What the user chooses here for a training."""
        return [self.split, self.validation_share, self.test_share, self.folds]


def split_fractions(split: str, validation: Any, test: Any, folds: Any) -> dict[str, Any]:
    """The recipe's two fractions and its folds from the values of the four components."""
    choice = SPLITS.get(split)
    if choice is None:
        choice = (*(number / 100 if isinstance(number, int | float) else number for number in (validation, test)), folds or None)
    return dict(zip(("validation_share", "test_share", "folds"), choice, strict=True))


def split_values(recipe: Recipe) -> list[Any]:
    """The values of the four components for a recipe."""
    choice = (recipe.validation_share, recipe.test_share, recipe.folds)
    name = next((name for name, of_name in SPLITS.items() if of_name == choice), "Custom")
    return [name, round(100 * recipe.validation_share, 2), round(100 * recipe.test_share, 2), recipe.folds or 0]


def build(*, storage_notice: str, is_local: bool) -> DataTab:
    """Lay the tab out. ``storage_notice`` says where an uploaded file is stored, ``is_local`` whether that is the user's own computer."""
    p: dict[str, Any] = {"draft": gr.State(None), "version": gr.State(""), "reopened": gr.State("")}
    with gr.Column(elem_id="data-tab", elem_classes=_FILE_CLOSED) as p["root"]:
        with gr.Column(elem_classes=["em-start"]):
            with gr.Column(elem_classes=["em-upload-area"]):
                _build_sources(p, is_local)
            with gr.Column(elem_classes=["em-side", "em-no-file"]):
                with gr.Column(elem_classes=["em-card"]):
                    gr.HTML(no_file_view.example_prediction())
                p["drafts"] = html_with_buttons("", elem_id="drafts")
        with gr.Column(elem_classes=["em-body", "em-with-file"], elem_id="data-body"):
            _build_body(p)
        p["footer"] = page_frame.footer(elem_id="footer-data", value=page_frame.footer_html(storage_notice))
    return DataTab(
        **{name: p[name] for name in ("draft", "version", "reopened", "start_buttons", "footer", "findings", "split", "validation_share")},
        **{name: p[name] for name in ("test_share", "folds", "row", "reading", "tokens", "lengths")},
        storage_notice=storage_notice,
        outputs=list(p.values()),
        parts=p,
    )


def _build_sources(p: dict[str, Any], is_local: bool) -> None:
    """The upload field and the other ways to open a file; a single line while a file is open."""
    gr.HTML(no_file_view.heading(), elem_classes=["em-no-file"])
    with gr.Row(elem_classes=["em-sources"]):
        p["summary"] = html_with_buttons("", elem_id="data-summary", classes=("em-with-file",))
        with gr.Column(elem_classes=["em-drop"]):
            with gr.Column(elem_classes=["em-drop-field"]):
                # Any file extension is accepted: the content tells what the file is.
                p["file"] = gr.File(label="Your table", elem_id="upload", show_label=False, height=None)
                gr.HTML(no_file_view.drop_message(is_local=is_local))
            p["notice"] = html_with_buttons("", elem_id="data-notice")
        p["test_file"] = gr.UploadButton("+ Test file", elem_id="upload-test", elem_classes=["em-with-file"])
    p["start_buttons"] = html_with_buttons(no_file_view.start_buttons_html(), elem_id="start-buttons", classes=("em-no-file",))
    with gr.Row(elem_classes=["em-hub"], elem_id="known"):
        choices = [(f"{d.name}: {d.description}", d.name) for d in CATALOGUE]
        p["hub"] = gr.Dropdown(choices, label="Data set", show_label=False, container=False, allow_custom_value=True, elem_id="hub-name")
        p["fetch"] = gr.Button("Fetch it", elem_id="fetch-hub")
    gr.HTML(no_file_view.example_rows(), elem_classes=["em-no-file"])


def _build_body(p: dict[str, Any]) -> None:
    with gr.Column(elem_classes=["em-main"]):
        p["readiness"] = html_with_buttons("", elem_id="readiness")
        p["parts"] = part_picker.build(elem_id="parts")
        with gr.Row(elem_id="columns"):
            p["text"] = gr.Dropdown([], label="Text column", elem_id="text-column", min_width=160, allow_custom_value=True)
            p["extra_text_columns"] = gr.Dropdown(
                [], label="Joined with", elem_id="more-text-column", min_width=160, allow_custom_value=True
            )
            p["label"] = gr.Dropdown([], label="Label column", elem_id="label-column", min_width=160, allow_custom_value=True)
            p["labels"] = gr.Dropdown(
                [],
                value=[],
                multiselect=True,
                label="Label columns",
                elem_id="label-columns",
                min_width=240,
                allow_custom_value=True,
                visible="hidden",
            )
        p["findings"] = findings_view.build(elem_id="findings")
    with gr.Column(elem_classes=["em-card", "em-classes"]) as p["of_classes"]:
        p["classes"] = gr.HTML(elem_id="classes")
        p["split_counts"] = gr.HTML(elem_id="split-counts")
    with gr.Column(elem_classes=["em-rest"]):
        p["preview"] = gr.HTML(elem_id="preview")
        _build_names(p)
        with gr.Column(elem_classes=["em-more"]) as p["of_corpus"]:
            _build_corpus(p)
        with gr.Accordion("File details: how the file was read, and downloads", open=False, elem_id="file-details"):
            p["details"] = gr.HTML()
            p["repaired"] = gr.HTML(elem_id="repaired")


def _build_names(p: dict[str, Any]) -> None:
    with gr.Accordion("Name the classes: the labels are numbers", open=True, visible=False, elem_id="class-names") as p["naming"]:
        gr.HTML('<p class="em-quiet em-small">Names make charts and predictions readable. Leave a field unchanged to keep the number.</p>')
        p["names"] = gr.Dataframe(
            headers=["label", "name"],
            datatype="str",
            type="array",
            column_count=2,
            static_columns=[0],
            interactive=True,
            show_label=False,
            max_height=300,
            buttons=[],
        )
        p["pasted_names"] = gr.Textbox(
            "",
            label="Or paste all names, one on each line, that of label 0 first",
            lines=2,
            max_lines=6,
            max_length=_MAX_NAMES_CHARS,
            elem_id="pasted-names",
        )
        with gr.Row():
            p["rename"] = gr.Button("Use these names", size="sm", elem_id="use-names")
            p["names_file"] = gr.UploadButton("Take them from a file (labels.txt)", size="sm", elem_id="upload-names")


def _build_corpus(p: dict[str, Any]) -> None:
    """What can be shown once texts and labels are known."""
    title = "Text lengths in words and tokens, and where the encoder cuts texts"
    with gr.Accordion(title, open=False, elem_id="lengths") as p["lengths"]:
        p["word_lengths"] = live_chart(None, elem_id="lengths-chart", height=_LENGTHS_HEIGHT, title="Words per text")
        p["token_lengths"] = live_chart(
            None, elem_id="token-lengths-chart", height=_TOKENS_HEIGHT, title="Tokens per text", note="and where the encoder cuts them"
        )
    with gr.Accordion("How the rows are split: training, validation and test", open=False, elem_id="splitting"):
        p["split"] = gr.Radio(
            list(SPLITS),
            value="70 / 10 / 20",
            label="Training / validation / test, in per cent",
            info="Validation rows choose the model that is kept; test rows are kept aside for the final score. Each part has the same mix of "
            "classes. With 80 / 20, a tenth of the 80 % are validation rows. With 5 folds no row is kept aside: five models are each tested on a fifth "
            "of the rows, and one more learns from all, which suits files of a few hundred rows.",
            elem_id="split",
        )
        with gr.Row(visible=False) as p["custom"]:
            p["validation_share"] = gr.Number(10, label="Validation rows (%)", elem_id="validation-share")
            p["test_share"] = gr.Number(20, label="Test rows, kept aside (%)", elem_id="test-share")
            p["folds"] = gr.Number(0, label="Folds, instead of test rows (0: none)", elem_id="folds")
        p["split_line"] = gr.HTML(elem_id="split-line")
        p["validation_file"] = gr.UploadButton("+ Validation file", elem_id="upload-validation", size="sm")
    with gr.Accordion("How the encoder reads a row: its tokens", open=False, elem_id="reading") as p["reading"]:
        p["row"] = gr.Number(1, label="Row", precision=0, minimum=1, elem_id="token-row")
        p["tokens"] = gr.HTML(elem_id="tokens")


def current_draft(studio: Studio, draft: str | None) -> str:
    """The draft that the page shows. If the page has outlived its session (a restart of the server, a night asleep), it is the latest one."""
    draft = draft or current_workspace(studio).drafts.latest_id()
    if draft is None:
        raise FileError("No file is open. Open one in tab 1, Data.", code="no_file")
    return draft


def drafts_html(drafts: Sequence[DraftSummary]) -> str:
    """The files opened before."""
    return no_file_view.drafts_html(drafts, now=time.time())


def show_empty(tab: DataTab, drafts: Sequence[DraftSummary], *, notice: str = "", error: str = "") -> dict:
    """Updates that show that no file is open; ``error`` says in a sentence why the last one is not."""
    p = tab.parts
    return {
        tab.draft: None,
        tab.version: secrets.token_hex(4),
        p["root"]: gr.Column(elem_classes=_FILE_CLOSED),
        p["file"]: None,
        p["notice"]: notice,
        p["drafts"]: drafts_html(drafts),
        tab.footer: page_frame.footer_html(error or tab.storage_notice, is_error=bool(error)),
    }


def show_crashed(tab: DataTab, drafts: Sequence[DraftSummary], crashed: DraftSummary) -> dict:
    """Updates that show that no file is open, since the last one crashed Emotune while it was read."""
    return show_empty(tab, drafts, notice=no_file_view.crashed_file(crashed), error=f"{crashed.name} is not opened automatically.")


def show_draft(tab: DataTab, prepared: PreparedDraft, *split: Any) -> dict:
    """Updates that show a prepared draft; the same for a new file, another choice and a page that was just opened."""
    p = tab.parts
    table, columns, corpus = prepared.table, prepared.columns, prepared.corpus
    names = [(name, f"#{i}") for i, name in enumerate(table.columns)]
    numbers, class_names = numeric_labels(prepared), prepared.draft.class_names
    trainable = corpus is not None and prepared.problem is None
    chosen = prepared.draft.task == "several" or isinstance(prepared.draft.main.label_column, tuple)
    several = chosen if columns is None else columns.several
    texts = () if columns is None else (columns.text, *columns.extra_text_columns)
    return {
        tab.draft: prepared.draft.id,
        # A new value each time: what depends on the encoder is then computed again, even if nothing has changed.
        tab.version: f"{prepared.draft.version} {secrets.token_hex(4)}",
        p["root"]: gr.Column(elem_classes=_FILE_OPEN),
        p["file"]: None,
        p["summary"]: data_view.file_badge(prepared),
        p["parts"]: part_picker.picker_html(prepared),
        p["text"]: gr.Dropdown(choices=names, value=None if columns is None else f"#{columns.text}"),
        p["label"]: gr.Dropdown(
            choices=names, value=None if columns is None else f"#{columns.label}", visible="hidden" if several else True
        ),
        p["labels"]: gr.Dropdown(
            choices=[choice for i, choice in enumerate(names) if i not in texts],
            value=label_choices(prepared),
            multiselect=True,
            allow_custom_value=True,
            visible=True if several else "hidden",
        ),
        p["extra_text_columns"]: gr.Dropdown(
            choices=[(_NO_SECOND_COLUMN, ""), *names],
            value=f"#{columns.extra_text_columns[0]}" if columns is not None and columns.extra_text_columns else "",
        ),
        p["findings"]: findings_view.findings_html(prepared),
        p["preview"]: data_view.preview(prepared),
        p["naming"]: gr.Accordion(visible=bool(numbers)),
        p["pasted_names"]: "",
        p["names"]: [[n, class_names.get(n, n)] for n in numbers] or [["", ""]],
        # A file that cannot be trained on has no charts.
        p["of_classes"]: gr.Column(visible=trainable),
        p["of_corpus"]: gr.Column(visible=trainable),
        p["classes"]: data_view.classes(corpus) if trainable else "",
        p["details"]: data_view.details(prepared),
        p["repaired"]: data_view.downloads(prepared),
        **show_split(tab, prepared, *split),
    }


def label_choices(prepared: PreparedDraft) -> list[str]:
    """What the list of label columns shows as chosen."""
    return [] if prepared.columns is None else [f"#{position}" for position in prepared.columns.label_columns]


def show_split(tab: DataTab, prepared: PreparedDraft, *split: Any) -> dict:
    """Updates for another split: the rows of each part, and the readiness, which may depend on it."""
    p, readiness = tab.parts, assess_readiness(prepared, split_fractions(*split))
    return {
        p["custom"]: gr.Row(visible=split[0] == "Custom"),
        p["split_line"]: split_line(prepared, *split),
        p["split_counts"]: data_view.split_counts(prepared, readiness),
        p["readiness"]: data_view.readiness_html(prepared, readiness),
        p["notice"]: "",
        tab.footer: _footer(readiness),
    }


def _footer(readiness: Readiness) -> str:
    """What has to be fixed, or the next step, with its button."""
    button = Button("train", "Train a model", primary=True, elem_id="to-train") if readiness.ready else readiness.repair
    return page_frame.footer_html(readiness.summary, *([button] if button else []), is_error=readiness.is_error)


def show_advice(studio: Studio, tab: DataTab, draft: str | None, recipe: Recipe) -> dict:
    """Updates of the findings that depend on the encoder and its settings; none if the file cannot be trained on."""
    workspace = current_workspace(studio)
    try:
        draft = current_draft(studio, draft)
        prepared, advice = workspace.drafts.get(draft), workspace.advise(draft, recipe)
    except UserError:
        return gr.skip()
    return {tab.findings: findings_view.findings_html(prepared, advice.checks)}


def show_lengths(studio: Studio, tab: DataTab, draft: str | None, recipe: Recipe) -> dict:
    """Updates of the charts of text lengths; none if the file cannot be trained on."""
    workspace = current_workspace(studio)
    p = tab.parts
    try:
        draft = current_draft(studio, draft)
        corpus, advice = workspace.drafts.get(draft).require_corpus(), workspace.advise(draft, recipe)
    except UserError:
        return gr.skip()
    lengths = np.array([len(t.split()) for t in corpus.texts])
    ids = np.arange(len(corpus.label_names))
    by_class = [lengths[corpus.has_label(ids == i)] for i in ids]
    chart = None if advice.lengths is None else token_lengths_chart(advice.lengths.tokens, advice.max_length)
    return {p["word_lengths"]: to_json(text_lengths_chart(corpus.label_names, by_class)), p["token_lengths"]: to_json(chart)}


def split_line(prepared: PreparedDraft, *split: Any) -> str:
    """The number of rows in each part, or why they cannot be split."""
    try:
        splits = prepared.splits(Recipe.from_dict(split_fractions(*split)))
    except UserError as error:
        # An error of the file itself is shown once, at the top.
        return html_pieces.notice(error.message, "error") if error.setting else ""
    parts = f"{pluralize(len(splits.train), 'training row')}, {pluralize(len(splits.validation), 'validation row')}"
    line = f"{parts} and {pluralize(len(splits.test), 'test row')}. The model never sees the test rows before the final score."
    if not len(splits.test):
        line = f"{parts}."
    return f"<p>{line}</p>" + "".join(html_pieces.notice(n, "info") for n in splits.split_notes)


def show_tokens(studio: Studio, draft: str | None, row: Any, recipe: Recipe) -> str:
    """How the encoder's tokenizer splits a row in a training; rows count from 1."""
    prepared = current_workspace(studio).drafts.get(current_draft(studio, draft))
    corpus = prepared.require_corpus()
    number = int(row) if isinstance(row, int | float) and row == row else 1
    matches = np.flatnonzero(corpus.source_rows == number - 1)
    if not len(matches):
        raise FileError(
            f"Row {number:,} has no text or does not exist. Choose a row from 1 to {len(prepared.table.rows):,}.", code="no_row"
        )
    text = corpus.texts[matches[0]]
    encoder = encoder_in_training(prepared, recipe, studio.encoders.get(recipe.encoder))

    from trainer.training.tokens import tokenize_text

    return data_view.tokens(text, tokenize_text(encoder, text, max_length=recipe.max_length), encoder)
