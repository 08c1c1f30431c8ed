"""The decisions on labels as a CSV file that people read in a spreadsheet. Only formats."""

from datetime import UTC, datetime

from trainer.audit.decisions import Decision, Decisions
from trainer.data.csv_text import csv_bytes

COLUMNS = ("row", "file", "column", "before", "after", "action", "reason", "time", "text")


def decisions_csv(decisions: Decisions, *, label_column: str) -> bytes:
    """A row for each decision that counts, in the order in which they were made, kept rows included; in the form
    for spreadsheets, which would run texts as formulas, and which ``read_change_log`` reads.

    Where a text may have several labels, ``before`` and ``after`` are JSON lists of them. ``row`` is counted from 0 over the rows of the file, as in the results of a check; ``time`` is in UTC, after ISO 8601. ``after`` is empty for dropped rows.
    Renamed classes and new texts come last, without a row.
    """
    rows = []
    for decision in decisions.rows.values():
        before, time = decisions.present(decision.before), _time(decision)
        rows.append(
            [str(decision.row), decision.file, label_column, before, decision.after, decision.action, decision.reason, time, decision.text]
        )
    for before, after in decisions.renamed.items():
        rows.append(["", "", label_column, before, after, "rename class", "", "", ""])
    for text, label in decisions.texts.items():
        rows.append(["", "", label_column, "", label, "new text", "", "", text])
    return csv_bytes(COLUMNS, rows, spreadsheet=True)


def _time(decision: Decision) -> str:
    return datetime.fromtimestamp(decision.time, UTC).isoformat(timespec="seconds")
