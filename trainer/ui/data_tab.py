"""Tab 1, Data: three doors for a file, what was found in it, and how it will be split."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from trainer.charts.classes import class_counts_chart, text_lengths_chart
from trainer.charts.lengths import token_lengths_chart
from trainer.data.hub import CATALOGUE, find_dataset
from trainer.errors import UserError
from trainer.preparation import Preparation, numeric_labels
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.training.encoders import find_encoder
from trainer.ui import checklist, data_view, markup, words
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.session import owner, said

SPLITS = {
    "70 / 10 / 20": (0.10, 0.20),
    "70 / 15 / 15": (0.15, 0.15),
    "80 / 20": (0.08, 0.20),
    "Custom": None,
}
"""Shares for validation and test by choice. With 80 / 20, a tenth of the 80 watches the training."""

_CHART_HEIGHT = 240
_TOKENS_HEIGHT = 200
_ALONE = "nothing"
"""Shown where the text is a single column; the value behind it is empty."""


@dataclass(frozen=True)
class DataTab:
    """The components other tabs read or write."""

    advice: gr.HTML
    draft: gr.State
    """The id of the draft that is shown."""
    version: gr.State
    """Changes whenever the draft is shown anew."""
    split: gr.Radio
    validation_share: gr.Number
    test_share: gr.Number
    row: gr.Number
    reading: gr.Accordion
    tokens: gr.HTML
    onward: gr.Button
    shown: list[Any]
    """What ``show`` updates, in no order."""
    parts: Mapping[str, Any]

    @property
    def advised(self) -> list[Any]:
        """What ``show_advice`` updates."""
        return [self.advice, *(self.parts[name] for name in ("findings", "tokens_body", "token_lengths"))]

    @property
    def form(self) -> list[Any]:
        """What a person chooses here for a training."""
        return [self.split, self.validation_share, self.test_share]


def shares(split: str, validation: Any, test: Any) -> dict[str, Any]:
    """The recipe's two shares from the three components."""
    chosen = SPLITS.get(split)
    if chosen is None:
        chosen = tuple(number / 100 if isinstance(number, int | float) else number for number in (validation, test))
    return {"validation_share": chosen[0], "test_share": chosen[1]}


def split_of(recipe: Recipe) -> list[Any]:
    """The three components' values for a recipe's shares."""
    wanted = (recipe.validation_share, recipe.test_share)
    named = next((name for name, each in SPLITS.items() if each == wanted), "Custom")
    return [named, round(100 * wanted[0], 2), round(100 * wanted[1], 2)]


def build(studio: Studio, *, whereabouts: str) -> DataTab:
    """Lay the tab out and wire what concerns it alone; ``whereabouts`` says where an uploaded file goes."""
    draft = gr.State(None)
    version = gr.State("")
    p: dict[str, Any] = {"draft": draft, "version": version}
    with gr.Row(elem_classes=["em-doors"]):
        with gr.Column(elem_classes=["em-door"], min_width=240):
            gr.HTML("<h3>Your file</h3><p>A table with one text and one label in each row: CSV, Excel, Parquet or JSON lines.</p>")
            # Any ending is let in: what the file is, its content says.
            p["file"] = gr.File(label="Drop a file here", height=120, elem_id="upload", show_label=False)
        with gr.Column(elem_classes=["em-door"], min_width=240):
            gr.HTML("<h3>Our sample</h3><p>About 1,000 English sentences with six emotions. Ready at once, works offline.</p>")
            p["sample"] = gr.Button("Open the sample", elem_id="open-sample")
            p["messy"] = gr.Button("Open a messy one, to see repairs", size="sm", variant="link", elem_id="open-messy")
        with gr.Column(elem_classes=["em-door"], min_width=240):
            gr.HTML("<h3>A known data set</h3><p>The tutorials’ ones, fetched from the Hugging Face Hub.</p>")
            p["hub"] = gr.Dropdown(
                [(f"{d.name}: {d.about}", d.name) for d in CATALOGUE], label="Data set", show_label=False, container=False
            )
            p["fetch"] = gr.Button("Fetch it", elem_id="fetch-hub")
    gr.HTML(f'<p class="em-whereabouts">{markup.text(whereabouts, most=600)}</p>')
    p["notice"] = gr.HTML(elem_id="data-notice")
    with gr.Column(visible=False, elem_id="data-body") as p["body"]:
        _build_body(p)
    tab = DataTab(
        advice=p["advice"],
        draft=draft,
        version=version,
        split=p["split"],
        validation_share=p["validation_share"],
        test_share=p["test_share"],
        row=p["row"],
        reading=p["reading"],
        tokens=p["tokens"],
        onward=p["onward"],
        shown=list(p.values()),
        parts=p,
    )
    _wire(studio, tab)
    return tab


def _build_body(p: dict[str, Any]) -> None:
    p["summary"] = gr.HTML(elem_id="data-summary")
    with gr.Row():
        p["text"] = gr.Dropdown([], label="Text column", elem_id="text-column", min_width=240, allow_custom_value=True)
        p["more_text"] = gr.Dropdown([], label="Joined with (optional)", elem_id="more-text-column", min_width=240, allow_custom_value=True)
        p["label"] = gr.Dropdown([], label="Label column", elem_id="label-column", min_width=240, allow_custom_value=True)
    p["reasons"] = gr.HTML()
    p["findings"] = checklist.live_checklist(elem_id="findings")
    p["advice"] = checklist.live_checklist(elem_id="advice")
    p["repaired"] = gr.HTML(elem_id="repaired")
    p["preview"] = gr.HTML(elem_id="preview")
    with gr.Accordion("Give the classes names", open=True, visible=False, elem_id="class-names") as p["naming"]:
        gr.HTML(
            "<p>The labels are numbers. Names make every chart and every answer readable; leave a field as it is to keep the number.</p>"
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
    with gr.Column() as p["of_corpus"]:
        _build_corpus(p)
    p["onward"] = gr.Button("Continue: train a model", variant="primary", elem_id="to-train")


def _build_corpus(p: dict[str, Any]) -> None:
    """What there is to see once texts and labels are known."""
    with gr.Row(elem_classes=["em-charts"]):
        with gr.Column(min_width=320):
            p["counts"] = live_chart(None, elem_id="counts-chart", height=_CHART_HEIGHT, title="Rows per class")
        with gr.Column(min_width=320):
            p["lengths"] = live_chart(None, elem_id="lengths-chart", height=_CHART_HEIGHT, title="Words per text")
    with gr.Column(visible=False) as p["tokens_body"]:
        p["token_lengths"] = live_chart(
            None,
            elem_id="token-lengths-chart",
            height=_TOKENS_HEIGHT,
            title="Tokens per text",
            note="and where the encoder stops reading",
        )
    p["split"] = gr.Radio(
        list(SPLITS),
        value="70 / 10 / 20",
        label="How the rows are split",
        info="To learn from / to watch the training / kept aside for the final score, in per cent, with the same mix of classes in each. "
        "With 80 / 20, a tenth of the 80 watches the training.",
        elem_id="split",
    )
    with gr.Row(visible=False) as p["custom"]:
        p["validation_share"] = gr.Number(10, label="To watch the training (%)", elem_id="validation-share")
        p["test_share"] = gr.Number(20, label="Kept aside for the final score (%)", elem_id="test-share")
    p["split_line"] = gr.HTML(elem_id="split-line")
    with gr.Accordion("How the encoder reads a row", open=False, elem_id="reading") as p["reading"]:
        p["row"] = gr.Number(1, label="Row", precision=0, minimum=1, elem_id="token-row")
        p["tokens"] = gr.HTML(elem_id="tokens")


def _wire(studio: Studio, tab: DataTab) -> None:
    p, out = tab.parts, tab.shown
    split = [p["split"], p["validation_share"], p["test_share"]]
    refuse = said(lambda message: {p["notice"]: markup.notice(message, "must_fix")})

    @refuse
    def upload(path: str | None, *split: Any) -> dict:
        if not path:
            return {p["notice"]: markup.notice("No file was chosen. Choose a table, or open the sample.", "info")}
        return _show_new(tab, studio.open_files(owner(), {"main": (Path(path).name, Path(path))}), *split)

    @refuse
    def sample(*split: Any) -> dict:
        return _show_new(tab, studio.open_sample(owner()), *split)

    @refuse
    def fetch(name: str | None, *split: Any) -> dict:
        if not name:
            raise UserError("Choose a data set from the list first.", code="no_dataset")
        return _show_new(tab, studio.open_hub(owner(), find_dataset(name)), *split)

    @refuse
    def messy(*split: Any) -> dict:
        return _show_new(tab, studio.open_sample(owner(), messy=True), *split)

    @refuse
    def choose_text(draft: str | None, text: str, more: str | None, *split: Any) -> dict:
        columns = [_position(chosen) for chosen in (text, more) if chosen]
        return show(tab, studio.choose(owner(), current(studio, draft), text=tuple(dict.fromkeys(columns))), *split)

    @refuse
    def choose_label(draft: str | None, label: str, *split: Any) -> dict:
        return show(tab, studio.choose(owner(), current(studio, draft), label=_position(label)), *split)

    @refuse
    def rename(draft: str | None, rows: list, *split: Any) -> dict:
        given = {str(label): str(name).strip() for label, name in rows or [] if str(name).strip() and label != name}
        return show(tab, studio.name_classes(owner(), current(studio, draft), given), *split)

    @refuse
    def act(press: gr.EventData, draft: str | None, *split: Any) -> dict:
        return show(tab, _done(studio, current(studio, draft), press.action, press.code), *split)

    @refuse
    def resplit(draft: str | None, *split: Any) -> dict:
        line = split_line(studio.preparation(owner(), current(studio, draft)), *split)
        return {p["custom"]: gr.Row(visible=split[0] == "Custom"), p["split_line"]: line}

    quiet = {"api_visibility": "private", "show_progress": "minimal", "show_progress_on": p["notice"]}
    p["file"].upload(upload, [p["file"], *split], out, **quiet)
    p["sample"].click(sample, split, out, **quiet)
    p["fetch"].click(fetch, [p["hub"], *split], out, **quiet)
    p["messy"].click(messy, split, out, **quiet)
    p["findings"].click(act, [tab.draft, *split], out, **quiet)
    for column in (p["text"], p["more_text"]):
        column.input(choose_text, [tab.draft, p["text"], p["more_text"], *split], out, **quiet)
    p["label"].input(choose_label, [tab.draft, p["label"], *split], out, **quiet)
    p["rename"].click(rename, [tab.draft, p["names"], *split], out, **quiet)
    for component in split:
        component.input(resplit, [tab.draft, *split], [p["custom"], p["split_line"], p["notice"]], **quiet)


def _done(studio: Studio, draft: str, action: str, code: str) -> Preparation:
    """The preparation after a press in the checklist. A page may be older than its server: what it does not know changes nothing."""
    if action == "repair_all":
        findings = studio.preparation(owner(), draft).findings
        return studio.repair(owner(), draft, [f.code for f in findings if f.repairable])
    if action == "repair":
        return studio.repair(owner(), draft, [code])
    if action == "accept":
        return studio.accept(owner(), draft, code)
    if action in ("confirm", "label"):
        columns = studio.preparation(owner(), draft).columns
        if columns is None:
            raise UserError("Choose the columns from the lists above.", code="no_columns")
        label = int(code) if action == "label" and code.isdecimal() else columns.label
        return studio.choose(owner(), draft, text=(columns.text, *columns.more_text), label=label)
    return studio.undo(owner(), draft, [code])


def current(studio: Studio, draft: str | None) -> str:
    """The draft that the page shows. A page outlives its session (a server's restart, a night asleep): then it is the latest one."""
    draft = draft or studio.latest_draft(owner())
    if draft is None:
        raise UserError("There is no file yet. Open one in tab 1, Data.", code="no_file")
    return draft


def _position(chosen: str) -> int | str:
    """A column as the list of columns names it: "#3" by position. What somebody typed there is a name."""
    return int(chosen[1:]) if chosen[:1] == "#" and chosen[1:].isdecimal() else chosen


def _show_new(tab: DataTab, preparation: Preparation, *split: Any) -> dict:
    """Updates that show another file; what was said of the one before with its encoder must not stand under it meanwhile."""
    still_looking = {tab.parts["advice"]: checklist.STILL_LOOKING, tab.parts["tokens_body"]: gr.Column(visible=False)}
    return {**(still_looking if preparation.problem is None else {}), **show(tab, preparation, *split)}


def show(tab: DataTab, preparation: Preparation | None, *split: Any) -> dict:
    """Updates that make the tab show a preparation; the same for a new file, another choice and a page just opened."""
    p = tab.parts
    if preparation is None:
        return {p["body"]: gr.Column(visible=False)}
    table, columns, corpus = preparation.table, preparation.columns, preparation.corpus
    names = [(name, f"#{i}") for i, name in enumerate(table.columns)]
    problem = preparation.problem
    updates = {
        tab.draft: preparation.draft.id,
        # Another one each time: what depends on the encoder is then said anew, also where nothing was changed after all.
        tab.version: f"{preparation.draft.version} {secrets.token_hex(4)}",
        p["body"]: gr.Column(visible=True),
        p["notice"]: markup.notice(problem.message, "must_fix") if problem else "",
        p["summary"]: data_view.summary(preparation),
        p["text"]: gr.Dropdown(choices=names, value=None if columns is None else f"#{columns.text}"),
        p["label"]: gr.Dropdown(choices=names, value=None if columns is None else f"#{columns.label}"),
        p["more_text"]: gr.Dropdown(
            choices=[(_ALONE, ""), *names], value=f"#{columns.more_text[0]}" if columns is not None and columns.more_text else ""
        ),
        p["reasons"]: "" if columns is None else data_view.reasons(columns),
        p["findings"]: "" if corpus is None else checklist.of_file(preparation),
        p["repaired"]: data_view.downloads(preparation),
        p["preview"]: data_view.preview(preparation),
        p["of_corpus"]: gr.Column(visible=corpus is not None),
        p["onward"]: gr.Button(interactive=preparation.ready),
        p["custom"]: gr.Row(visible=split[0] == "Custom"),
    }
    numbers = numeric_labels(preparation)
    given = preparation.draft.class_names
    updates[p["naming"]] = gr.Accordion(visible=bool(numbers))
    updates[p["names"]] = [[n, given.get(n, n)] for n in numbers] or [["", ""]]
    if corpus is None:
        return {
            **updates,
            p["counts"]: None,
            p["lengths"]: None,
            p["split_line"]: "",
            p["advice"]: "",
            p["tokens_body"]: gr.Column(visible=False),
        }
    lengths = np.array([len(t.split()) for t in corpus.texts])
    by_class = [lengths[corpus.label_ids == i] for i in range(len(corpus.label_names))]
    updates[p["counts"]] = drawn(class_counts_chart(corpus.label_names, [len(of) for of in by_class]))
    updates[p["lengths"]] = drawn(text_lengths_chart(corpus.label_names, by_class))
    updates[p["split_line"]] = split_line(preparation, *split)
    return updates


def show_advice(studio: Studio, tab: DataTab, draft: str | None, recipe: Recipe) -> dict:
    """Updates for what depends on the encoder and its settings; empty while the file cannot be trained on."""
    p = tab.parts
    try:
        draft = current(studio, draft)
        preparation, advice = studio.preparation(owner(), draft), studio.advise(owner(), draft, recipe)
    except UserError:
        return {p["advice"]: "", p["tokens_body"]: gr.Column(visible=False)}
    chart = None if advice.lengths is None else token_lengths_chart(advice.lengths.tokens, advice.max_length)
    return {
        p["findings"]: checklist.of_file(preparation, advice.findings),
        p["advice"]: checklist.of_encoder(recipe.encoder, advice.findings),
        p["tokens_body"]: gr.Column(visible=chart is not None),
        p["token_lengths"]: drawn(chart),
    }


def split_line(preparation: Preparation, *split: Any) -> str:
    """How many rows go where, or why they cannot."""
    try:
        splits = preparation.splits(Recipe.from_dict(shares(*split)))
    except UserError as error:
        return markup.notice(error.message, "must_fix")
    line = (
        f"{words.count(len(splits.train), 'row')} to learn from, {len(splits.validation):,} to watch the training, "
        f"and {len(splits.test):,} kept aside for the final score: the model never sees them before."
    )
    return f'<p class="em-split">{line}</p>' + "".join(markup.notice(n, "info") for n in splits.notices)


def show_tokens(studio: Studio, draft: str | None, row: Any, encoder: str, max_length: Any) -> str:
    """How the encoder's tokenizer splits the chosen row, counted from 1."""
    preparation = studio.preparation(owner(), current(studio, draft))
    corpus = preparation.require_corpus()
    number = int(row) if isinstance(row, int | float) and row == row else 1
    found_rows = np.flatnonzero(corpus.source_rows == number - 1)
    if not len(found_rows):
        raise UserError(
            f"Row {number:,} has no text, or there is none. Choose one from 1 to {len(preparation.table.rows):,}.", code="no_row"
        )
    text = corpus.texts[found_rows[0]]
    recipe = Recipe.from_dict({"encoder": encoder, "max_length": max_length})

    from trainer.training.tokens import tokenise_text

    found = tokenise_text(find_encoder(recipe.encoder, studio.encoders), text, max_length=recipe.max_length)
    cut = sum(t.cut for t in found.tokens)
    chips = "".join(
        f'<span class="em-token{" em-special" if t.special else ""}{" em-cut" if t.cut else ""}"><b>{markup.text(t.text, most=40)}</b><i>{t.id}</i></span>'
        for t in found.tokens[:600]
    )
    about = markup.facts(
        [
            ("Encoder", encoder),
            ("Tokens in this row", f"{len(found.tokens):,}" + (f", {cut:,} cut off" if cut else "")),
            ("Read at most", f"{found.max_length:,} tokens"),
            ("The encoder’s own limit", f"{found.longest:,} tokens"),
            ("Vocabulary", f"{found.vocabulary:,} tokens"),
            ("Special tokens", ", ".join(found.special)),
        ]
    )
    return f'<p class="em-quote">{markup.text(text, most=1500)}</p><div class="em-tokens">{chips}</div>{about}'
