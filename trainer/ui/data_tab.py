"""Tab 1, Data: a place to drop a file, the verdict on it with what was found, and how it will be split.

What it says is worked out in ``no_file_view``, ``data_view``, ``checklist`` and ``verdict``; what presses do is in ``data_events``.
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
from trainer.drafts.preparation import PreparedDraft, numeric_labels
from trainer.drafts.store import DraftSummary
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.text_format import pluralize
from trainer.training.encoders import find_encoder
from trainer.ui import checklist, data_view, markup, no_file_view, shell
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.live_chart import live_chart, to_json
from trainer.ui.readiness import Readiness, assess_readiness
from trainer.ui.session import owner

SPLITS = {
    "70 / 10 / 20": (0.10, 0.20),
    "70 / 15 / 15": (0.15, 0.15),
    "80 / 20": (0.08, 0.20),
    "Custom": None,
}
"""Shares for validation and test by choice. With 80 / 20, a tenth of the 80 watches the training."""

_LENGTHS_HEIGHT = 240
_TOKENS_HEIGHT = 200
_NO_SECOND_COLUMN = "nothing"
"""Shown where the text is a single column; the value behind it is empty."""
_NO_FILE, _FILE = ["em-data", "em-file-closed"], ["em-data", "em-file-open"]
"""Classes of the whole tab: gradio hides a column only by taking it away, and the place where a file is dropped serves both."""


@dataclass(frozen=True)
class DataTab:
    """The components other tabs read or write."""

    draft: gr.State
    """The id of the draft that is shown; None where no file is open."""
    version: gr.State
    """Changes whenever the draft is shown anew."""
    reopened: gr.State
    """Changes when a draft was opened again: the page then shows it with its form, as after a reload."""
    start_buttons: gr.HTML
    """Its ``click`` event carries ``action``: "quick" (a first model of the sample), "sample", "messy"."""
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "train", or a repair as of the checklist."""
    findings: gr.HTML
    split: gr.Radio
    validation_share: gr.Number
    test_share: gr.Number
    row: gr.Number
    reading: gr.Accordion
    tokens: gr.HTML
    lengths: gr.Accordion
    storage_notice: str
    """Where a file goes, in a sentence."""
    shown: list[Any]
    """What ``show`` updates, in no order."""
    parts: Mapping[str, Any]

    @property
    def advised(self) -> list[Any]:
        """What ``show_advice`` updates."""
        return [self.findings]

    @property
    def measured(self) -> list[Any]:
        """What ``show_lengths`` updates."""
        return [self.parts["word_lengths"], self.parts["token_lengths"]]

    @property
    def resplit(self) -> list[Any]:
        """What ``show_split`` updates."""
        return [self.parts[name] for name in ("custom", "split_line", "split_counts", "verdict", "footer", "notice")]

    @property
    def form(self) -> list[Any]:
        """What a person chooses here for a training."""
        return [self.split, self.validation_share, self.test_share]


def split_fractions(split: str, validation: Any, test: Any) -> dict[str, Any]:
    """The recipe's two shares from the three components."""
    chosen = SPLITS.get(split)
    if chosen is None:
        chosen = tuple(number / 100 if isinstance(number, int | float) else number for number in (validation, test))
    return {"validation_share": chosen[0], "test_share": chosen[1]}


def split_values(recipe: Recipe) -> list[Any]:
    """The three components' values for a recipe's shares."""
    wanted = (recipe.validation_share, recipe.test_share)
    named = next((name for name, each in SPLITS.items() if each == wanted), "Custom")
    return [named, round(100 * wanted[0], 2), round(100 * wanted[1], 2)]


def build(*, storage_notice: str, stays_here: bool) -> DataTab:
    """Lay the tab out. ``storage_notice`` says where an uploaded file goes, ``stays_here`` whether that is the visitor's own computer."""
    p: dict[str, Any] = {"draft": gr.State(None), "version": gr.State(""), "reopened": gr.State("")}
    with gr.Column(elem_id="data-tab", elem_classes=_NO_FILE) as p["root"]:
        with gr.Column(elem_classes=["em-start"]):
            with gr.Column(elem_classes=["em-upload-area"]):
                _build_sources(p, stays_here)
            with gr.Column(elem_classes=["em-promise", "em-no-file"]):
                with gr.Column(elem_classes=["em-card"]):
                    gr.HTML(no_file_view.promise())
                p["drafts"] = html_with_buttons("", elem_id="drafts")
        with gr.Column(elem_classes=["em-body", "em-with-file"], elem_id="data-body"):
            _build_body(p)
        p["footer"] = shell.footer(elem_id="footer-data", value=shell.footer_html(storage_notice))
    return DataTab(
        **{name: p[name] for name in ("draft", "version", "reopened", "start_buttons", "footer", "findings", "split", "validation_share")},
        **{name: p[name] for name in ("test_share", "row", "reading", "tokens", "lengths")},
        storage_notice=storage_notice,
        shown=list(p.values()),
        parts=p,
    )


def _build_sources(p: dict[str, Any], stays_here: bool) -> None:
    """The place where a file is dropped, with all that stands around it while none is open; with a file it is one line."""
    gr.HTML(no_file_view.heading(), elem_classes=["em-no-file"])
    with gr.Row(elem_classes=["em-sources"]):
        p["summary"] = html_with_buttons("", elem_id="data-summary", classes=("em-with-file",))
        with gr.Column(elem_classes=["em-drop"]):
            with gr.Column(elem_classes=["em-drop-field"]):
                # Any ending is let in: what the file is, its content says.
                p["file"] = gr.File(label="Your table", elem_id="upload", show_label=False, height=None)
                gr.HTML(no_file_view.drop_words(stays_here=stays_here))
            p["notice"] = html_with_buttons("", elem_id="data-notice")
        p["test_file"] = gr.UploadButton("+ Test file", elem_id="upload-test", elem_classes=["em-with-file"])
    p["start_buttons"] = html_with_buttons(no_file_view.ways_in(), elem_id="ways-in", classes=("em-no-file",))
    with gr.Row(elem_classes=["em-hub"], elem_id="known"):
        choices = [(f"{d.name}: {d.description}", d.name) for d in CATALOGUE]
        p["hub"] = gr.Dropdown(choices, label="Data set", show_label=False, container=False, allow_custom_value=True, elem_id="hub-name")
        p["fetch"] = gr.Button("Fetch it", elem_id="fetch-hub")
    gr.HTML(no_file_view.example_rows(), elem_classes=["em-no-file"])


def _build_body(p: dict[str, Any]) -> None:
    with gr.Column(elem_classes=["em-main"]):
        p["verdict"] = html_with_buttons("", elem_id="verdict")
        with gr.Row(elem_id="columns"):
            p["text"] = gr.Dropdown([], label="Text column", elem_id="text-column", min_width=160, allow_custom_value=True)
            p["extra_text_columns"] = gr.Dropdown(
                [], label="Joined with", elem_id="more-text-column", min_width=160, allow_custom_value=True
            )
            p["label"] = gr.Dropdown([], label="Label column", elem_id="label-column", min_width=160, allow_custom_value=True)
        p["findings"] = checklist.build(elem_id="findings")
    with gr.Column(elem_classes=["em-card", "em-classes"]) as p["of_classes"]:
        p["classes"] = gr.HTML(elem_id="classes")
        p["split_counts"] = gr.HTML(elem_id="split-counts")
    with gr.Column(elem_classes=["em-rest"]):
        p["preview"] = gr.HTML(elem_id="preview")
        _build_names(p)
        with gr.Column(elem_classes=["em-more"]) as p["of_corpus"]:
            _build_corpus(p)
        with gr.Accordion("File details: how it was read, and what can be taken away", open=False, elem_id="file-details"):
            p["details"] = gr.HTML()
            p["repaired"] = gr.HTML(elem_id="repaired")


def _build_names(p: dict[str, Any]) -> None:
    with gr.Accordion("Give the classes names: the labels are numbers", open=True, visible=False, elem_id="class-names") as p["naming"]:
        gr.HTML(
            '<p class="em-quiet em-small">Names make every chart and every answer readable; leave a field as it is to keep the number.</p>'
        )
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
        p["rename"] = gr.Button("Use these names", size="sm", elem_id="use-names")


def _build_corpus(p: dict[str, Any]) -> None:
    """What there is to see once texts and labels are known."""
    about = "Words and tokens per text: how long the texts are, and where the encoder stops reading"
    with gr.Accordion(about, open=False, elem_id="lengths") as p["lengths"]:
        p["word_lengths"] = live_chart(None, elem_id="lengths-chart", height=_LENGTHS_HEIGHT, title="Words per text")
        p["token_lengths"] = live_chart(
            None, elem_id="token-lengths-chart", height=_TOKENS_HEIGHT, title="Tokens per text", note="and where the encoder stops reading"
        )
    with gr.Accordion("How the rows are split: to learn, to watch, and for the final score", open=False, elem_id="splitting"):
        p["split"] = gr.Radio(
            list(SPLITS),
            value="70 / 10 / 20",
            label="Shares in per cent",
            info="To learn from / to watch the training / kept aside for the final score, with the same mix of classes in each. "
            "With 80 / 20, a tenth of the 80 watches the training.",
            elem_id="split",
        )
        with gr.Row(visible=False) as p["custom"]:
            p["validation_share"] = gr.Number(10, label="To watch the training (%)", elem_id="validation-share")
            p["test_share"] = gr.Number(20, label="Kept aside for the final score (%)", elem_id="test-share")
        p["split_line"] = gr.HTML(elem_id="split-line")
        p["validation_file"] = gr.UploadButton("+ Validation file", elem_id="upload-validation", size="sm")
    with gr.Accordion("How the encoder reads a row: the pieces it sees", open=False, elem_id="reading") as p["reading"]:
        p["row"] = gr.Number(1, label="Row", precision=0, minimum=1, elem_id="token-row")
        p["tokens"] = gr.HTML(elem_id="tokens")


def current_draft(studio: Studio, draft: str | None) -> str:
    """The draft that the page shows. A page outlives its session (a server's restart, a night asleep): then it is the latest one."""
    draft = draft or studio.latest_draft(owner())
    if draft is None:
        raise UserError("There is no file yet. Open one in tab 1, Data.", code="no_file")
    return draft


def drafts_html(drafts: Sequence[DraftSummary]) -> str:
    """The files opened before."""
    return no_file_view.drafts(drafts, now=time.time())


def show_empty(tab: DataTab, drafts: Sequence[DraftSummary], *, notice: str = "", wrong: str = "") -> dict:
    """Updates that show that no file is open; ``wrong`` says in a sentence why the last one is not."""
    p = tab.parts
    return {
        tab.draft: None,
        tab.version: secrets.token_hex(4),
        p["root"]: gr.Column(elem_classes=_NO_FILE),
        p["file"]: None,
        p["notice"]: notice,
        p["drafts"]: drafts_html(drafts),
        tab.footer: shell.footer_html(wrong or tab.storage_notice, wrong=bool(wrong)),
    }


def show_unopened(tab: DataTab, drafts: Sequence[DraftSummary], withheld: DraftSummary) -> dict:
    """Updates that show that no file is open, since the last one ended Emotune while it was read."""
    return show_empty(tab, drafts, notice=no_file_view.withheld(withheld), wrong=f"{withheld.name} is not opened by itself.")


def show(tab: DataTab, prepared: PreparedDraft, *split: Any) -> dict:
    """Updates that make the tab show a prepared; the same for a new file, another choice and a page just opened."""
    p = tab.parts
    table, columns, corpus = prepared.table, prepared.columns, prepared.corpus
    names = [(name, f"#{i}") for i, name in enumerate(table.columns)]
    numbers, given = numeric_labels(prepared), prepared.draft.class_names
    usable = corpus is not None and prepared.problem is None
    return {
        tab.draft: prepared.draft.id,
        # Another one each time: what depends on the encoder is then said anew, also where nothing was changed after all.
        tab.version: f"{prepared.draft.version} {secrets.token_hex(4)}",
        p["root"]: gr.Column(elem_classes=_FILE),
        p["file"]: None,
        p["summary"]: data_view.file_badge(prepared),
        p["text"]: gr.Dropdown(choices=names, value=None if columns is None else f"#{columns.text}"),
        p["label"]: gr.Dropdown(choices=names, value=None if columns is None else f"#{columns.label}"),
        p["extra_text_columns"]: gr.Dropdown(
            choices=[(_NO_SECOND_COLUMN, ""), *names],
            value=f"#{columns.extra_text_columns[0]}" if columns is not None and columns.extra_text_columns else "",
        ),
        p["findings"]: checklist.checklist_html(prepared),
        p["preview"]: data_view.preview(prepared),
        p["naming"]: gr.Accordion(visible=bool(numbers)),
        p["names"]: [[n, given.get(n, n)] for n in numbers] or [["", ""]],
        # Nothing is drawn of a file that cannot be trained on.
        p["of_classes"]: gr.Column(visible=usable),
        p["of_corpus"]: gr.Column(visible=usable),
        p["classes"]: data_view.classes(corpus) if usable else "",
        p["details"]: data_view.details(prepared),
        p["repaired"]: data_view.downloads(prepared),
        **show_split(tab, prepared, *split),
    }


def show_split(tab: DataTab, prepared: PreparedDraft, *split: Any) -> dict:
    """Updates for another split: the rows of each part, and the verdict, which may turn on it."""
    p, found = tab.parts, assess_readiness(prepared, split_fractions(*split))
    return {
        p["custom"]: gr.Row(visible=split[0] == "Custom"),
        p["split_line"]: split_line(prepared, *split),
        p["split_counts"]: data_view.split_counts(prepared, found),
        p["verdict"]: data_view.verdict(prepared, found),
        p["notice"]: "",
        tab.footer: _footer(found),
    }


def _footer(found: Readiness) -> str:
    """What stands in the way with what puts it right, or what comes next."""
    press = Button("train", "Train a model", primary=True, elem_id="to-train") if found.ready else found.repair
    return shell.footer_html(found.said, *([press] if press else []), wrong=found.wrong)


def show_advice(studio: Studio, tab: DataTab, draft: str | None, recipe: Recipe) -> dict:
    """Updates for what depends on the encoder and its settings; none while the file cannot be trained on."""
    try:
        draft = current_draft(studio, draft)
        prepared, advice = studio.prepared_draft(owner(), draft), studio.advise(owner(), draft, recipe)
    except UserError:
        return gr.skip()
    return {tab.findings: checklist.checklist_html(prepared, advice.findings)}


def show_lengths(studio: Studio, tab: DataTab, draft: str | None, recipe: Recipe) -> dict:
    """Updates that draw how long the texts are; none while the file cannot be trained on."""
    p = tab.parts
    try:
        draft = current_draft(studio, draft)
        corpus, advice = studio.prepared_draft(owner(), draft).require_corpus(), studio.advise(owner(), draft, recipe)
    except UserError:
        return gr.skip()
    lengths = np.array([len(t.split()) for t in corpus.texts])
    by_class = [lengths[corpus.label_ids == i] for i in range(len(corpus.label_names))]
    chart = None if advice.lengths is None else token_lengths_chart(advice.lengths.tokens, advice.max_length)
    return {p["word_lengths"]: to_json(text_lengths_chart(corpus.label_names, by_class)), p["token_lengths"]: to_json(chart)}


def split_line(prepared: PreparedDraft, *split: Any) -> str:
    """How many rows go where, or why they cannot."""
    try:
        splits = prepared.splits(Recipe.from_dict(split_fractions(*split)))
    except UserError as error:
        # What is wrong with the file itself is said once, at the top.
        return markup.notice(error.message, "error") if error.setting else ""
    line = (
        f"{pluralize(len(splits.train), 'row')} to learn from, {len(splits.validation):,} to watch the training, "
        f"and {len(splits.test):,} kept aside for the final score: the model never sees them before."
    )
    return f"<p>{line}</p>" + "".join(markup.notice(n, "info") for n in splits.split_notes)


def show_tokens(studio: Studio, draft: str | None, row: Any, encoder: str, max_length: Any) -> str:
    """How the encoder's tokenizer splits the chosen row, counted from 1."""
    prepared = studio.prepared_draft(owner(), current_draft(studio, draft))
    corpus = prepared.require_corpus()
    number = int(row) if isinstance(row, int | float) and row == row else 1
    found_rows = np.flatnonzero(corpus.source_rows == number - 1)
    if not len(found_rows):
        raise UserError(f"Row {number:,} has no text, or there is none. Choose one from 1 to {len(prepared.table.rows):,}.", code="no_row")
    text = corpus.texts[found_rows[0]]
    recipe = Recipe.from_dict({"encoder": encoder, "max_length": max_length})

    from trainer.training.tokens import tokenize_text

    found = tokenize_text(find_encoder(recipe.encoder, studio.encoders), text, max_length=recipe.max_length)
    return data_view.tokens(text, found, encoder)
