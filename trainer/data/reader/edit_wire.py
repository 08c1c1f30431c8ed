"""The frames in which edits go to the reader's child, and the changed file comes back. As ``wire``: no pickle."""

from dataclasses import replace
from typing import Any, BinaryIO

from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, pack_columns, receive, unpack_columns
from trainer.data.rewrite.edits import AddedColumn, Edits, Rewritten


def pack_edits(edits: Edits) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Edits as JSON and the three frames that ``receive_edits`` reads: new cells with their rows, dropped rows, new columns."""
    rows = sorted(edits.cells)
    n_rows = len(edits.added[0].cells) if edits.added else 0
    frames = (
        pack_columns([[edits.cells[row] for row in rows]], rows),
        pack_columns([], sorted(edits.dropped)),
        pack_columns([column.cells for column in edits.added], list(range(n_rows))),
    )
    return {"column": edits.column, "added": [[column.name, column.kind] for column in edits.added]}, frames


def receive_edits(stream: BinaryIO, about: dict[str, Any]) -> Edits:
    """The edits that were packed, in the child."""
    (cells,), rows = unpack_columns(receive(stream, MAX_CELL_BYTES), 1)
    _, dropped = unpack_columns(receive(stream, MAX_CELL_BYTES), 0)
    columns, _ = unpack_columns(receive(stream, MAX_CELL_BYTES), len(about["added"]))
    added = tuple(AddedColumn(name, column, kind) for (name, kind), column in zip(about["added"], columns, strict=True))
    return Edits(about["column"], dict(zip(rows, cells, strict=True)), frozenset(dropped), added)


def receive_rewritten(stream: BinaryIO, about: dict[str, Any]) -> Rewritten:
    """The changed file. Raises BrokenWireError."""
    return replace(receive_notes(about), data=receive(stream, MAX_CELL_BYTES))


def receive_notes(about: dict[str, Any]) -> Rewritten:
    """What is said of a changed file whose bytes came before. Raises BrokenWireError."""
    notes = about.get("notes")
    if not isinstance(notes, list):
        raise BrokenWireError("no notes")
    return Rewritten(b"", tuple(map(str, notes)))
