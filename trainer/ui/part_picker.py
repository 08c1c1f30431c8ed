"""Which part of an open file is read, and the list to choose another one from: a sheet, a file of a zip, a list of a JSON file.

Chooses nothing: ``data_events`` handles a choice.
"""

import secrets
from collections.abc import Sequence

import gradio as gr

from trainer.data.files.table import MAX_PARTS, Part, PartKind
from trainer.drafts.preparation import PreparedDraft
from trainer.drafts.store import Role
from trainer.text_format import pluralize
from trainer.ui import html_pieces
from trainer.ui.buttons import html_with_buttons

ROLES_BY_ACTION: dict[str, Role] = {"read_main": "main", "read_test": "test", "read_validation": "validation"}
"""The action of a list's event by the file that it belongs to; the code is the name of the part, "" for what Emotune reads by itself."""

_NAME_START, _NAME_END = 28, 40
"""Of a longer name so many characters are shown; names of files in folders differ at their ends."""
_HOLDERS: dict[PartKind, tuple[str, str, str, str]] = {
    "sheet": ("workbook", "has", "sheet", "sheets"),
    "file": ("zip file", "holds", "file", "files"),
    "list": ("JSON file", "holds", "list", "lists"),
}


def build(*, elem_id: str) -> gr.HTML:
    """Empty as long as every file holds a single table. Its ``click`` event carries an action of ``ROLES_BY_ACTION`` and ``code``."""
    return html_with_buttons("", elem_id=elem_id)


def picker_html(prepared: PreparedDraft, *, is_refused: bool = False) -> str:
    """A sentence and a list for each file that holds several parts.

    ``is_refused``: a choice was refused; the lists are then shown anew, with what is read.
    """
    files = [("main", prepared.table.part, prepared.table.parts, len(prepared.table.rows))]
    files += [(given.role, given.part, given.parts, given.rows) for given in prepared.given]
    lines = "".join(_line(prepared, role, part, parts, rows) for role, part, parts, rows in files if parts)
    return f'<div class="em-parts" data-shown="{secrets.token_hex(4) if is_refused else ""}">{lines}</div>' if lines else ""


def _line(prepared: PreparedDraft, role: Role, part: str | None, parts: Sequence[Part], n_rows: int) -> str:
    holder, verb, singular, plural = _HOLDERS[parts[0].kind]
    source = getattr(prepared.draft, role)
    what = f"This {holder}" if role == "main" else f"The {role} file {html_pieces.isolated(source.name, max_length=60)}"
    count = f"{pluralize(len(parts), singular, plural)}{' or more' if len(parts) == MAX_PARTS else ''}"
    rows, chosen = pluralize(n_rows, "row"), source.part is not None
    if part is None:
        read, ask = f"reads <b>all of them as one table</b>, {rows}", "Choose a single one:"
    else:
        how = "reads, as you chose," if chosen else "reads"
        read, ask = f"{how} <b>“{html_pieces.isolated(short_name(part))}”</b>, {rows}", "Choose another one:"
    options = "".join(_option(label, value, selected=value == (part or "")) for label, value in choices(part, parts, chosen=chosen))
    return (
        f"<p>{what} {verb} {count}: Emotune {read}. "
        f'<label class="em-part">{ask} <select data-action="read_{role}" id="part-{role}">{options}</select></label></p>'
    )


def _option(label: str, value: str, *, selected: bool) -> str:
    name = html_pieces.text(value, max_length=len(value) + 1)
    return f'<option value="{name}" title="{name}"{" selected" if selected else ""}>{html_pieces.text(label)}</option>'


def choices(part: str | None, parts: Sequence[Part], *, chosen: bool) -> list[tuple[str, str]]:
    """The labels and values of the list; ``chosen``: whether the user chose ``part``."""
    listed = [(_part_label(other), other.name) for other in parts]
    if part is not None and part not in {other.name for other in parts}:
        listed = [(short_name(part), part), *listed]
    if chosen:
        return [*listed, ("Let Emotune choose", "")]
    return listed if part else [("all of them, as one table", ""), *listed]


def _part_label(part: Part) -> str:
    facts = [] if part.rows is None else [pluralize(part.rows, "row")]
    return " · ".join([short_name(part.name), *facts, *(["hidden"] if part.hidden else [])])


def short_name(name: str) -> str:
    """A name that is cut in the middle if it is long."""
    return name if len(name) <= _NAME_START + _NAME_END else f"{name[:_NAME_START]}…{name[-_NAME_END + 1 :]}"
