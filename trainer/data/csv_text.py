"""Rows as the bytes of a CSV file: exact, or for spreadsheets, which run some cells as formulas. Only a format."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence

from trainer.data.files.dialect import is_numeric

_HARMLESS = frozenset("+-")
"""Some users label their rows with a lone sign, which is no formula."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Some spreadsheets run cells that begin like this as a formula (OWASP, "CSV Injection")."""


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]], *, spreadsheet: bool) -> bytes:
    """Comma-separated, with a header. By default UTF-8, each cell unchanged.

    ``spreadsheet``: UTF-8 with a byte order mark, which Excel needs, and an apostrophe before each cell that a spreadsheet would run as a formula.
    """
    return (codecs.BOM_UTF8 if spreadsheet else b"") + csv_lines((header, *rows), spreadsheet=spreadsheet)


def csv_lines(rows: Iterable[Sequence[str]], *, spreadsheet: bool) -> bytes:
    """Some rows of ``csv_bytes``, for a file that is written piece by piece."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n" if spreadsheet else "\n")
    for cells in rows:
        writer.writerow([_escape_formula(cell) for cell in cells] if spreadsheet else cells)
    return file.getvalue().encode()


def without_apostrophe(cell: str) -> str:
    """A cell as it was before an apostrophe was put before it for spreadsheets; one that has its own loses it too."""
    return cell[1:] if cell.startswith("'") and _escape_formula(cell[1:]) == cell else cell


def _escape_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) and cell not in _HARMLESS and not is_numeric(cell) else cell
