"""Column names in the middle of a table, in another order: files put together whose columns stood differently.

Names in the same order are left to ``widths.py``, which drops them.
"""

from operator import itemgetter

from trainer.data.files.table import ReaderWarning, Record


def align_parts(header: Record, numbers: list[int], records: list[Record]) -> tuple[list[Record], tuple[ReaderWarning, ...]]:
    """The records with the cells of each part in the order of ``header``, and a warning that says which lines changed."""
    names = [_simplified(name) for name in header]
    if len(names) < 2 or len(set(names)) < len(names) or "" in names:
        return records, ()
    spellings = {
        spelling for name in header for spelling in (name, name.strip(), name.lower(), name.upper(), name.title(), name.capitalize())
    }
    if spellings.isdisjoint(map(itemgetter(0), records)):
        return records, ()
    places = [row for row, cells in enumerate(records) if cells[0].strip().casefold() in names and _names_columns(cells, names)]
    orders = {place: _positions(records[place], names) for place in places}
    own_order = list(range(len(names)))
    swapped = [place for place in places if orders[place] != own_order or len(records[place]) != len(names)]
    if not swapped:
        return records, ()
    aligned, n_rows = list(records), 0
    for place, end in zip(places, [*places[1:], len(records)], strict=True):
        if place in swapped:
            order, width = orders[place], len(records[place])
            aligned[place:end] = [
                tuple("" if position is None else cells[position] for position in order) if len(cells) == width else cells
                for cells in records[place:end]
            ]
            aligned[place] = header  # which is then dropped as a repetition
            n_rows += end - place - 1
    where = f"On line {numbers[swapped[0]]:,} the columns are named again, in another order or with others beside them"
    more = f", and {len(swapped) - 1} times more below" if len(swapped) > 1 else ""
    message = f"{where} ({', '.join(records[swapped[0]])[:80]}){more}: the {n_rows:,} rows below were put in the order of the first line."
    return aligned, (ReaderWarning("columns_reordered", "warning", n_rows, message, line=numbers[swapped[0]]),)


def _simplified(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _names_columns(cells: Record, names: list[str]) -> bool:
    """Whether a row holds each name, perhaps among others, or nothing but two or more of the names."""
    found = [_simplified(cell) for cell in cells if cell.strip()]
    if len(set(found)) < len(found):
        return False
    return set(names) <= set(found) or (len(found) > 1 and set(found) <= set(names))


def _positions(cells: Record, names: list[str]) -> list[int | None]:
    """Where each name stands in a row of names."""
    found = [_simplified(cell) for cell in cells]
    return [found.index(name) if name in found else None for name in names]
