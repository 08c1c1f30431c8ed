"""The decisions on labels as a CSV file that people read in a spreadsheet. Only formats."""

import csv
import io
from datetime import UTC, datetime

from trainer.audit.decisions import Decision, Decisions

COLUMNS = ("row", "file", "column", "before", "after", "action", "reason", "time", "text")


def decisions_csv(decisions: Decisions, *, label_column: str) -> bytes:
    """A row for each decision that counts, in the order in which they were made, kept rows included; UTF-8.

    ``row`` is counted from 0 over the rows of the file, as in the results of a check; ``time`` is in UTC, after ISO 8601. ``after`` is empty for dropped rows.
    Renamed classes come last, without a row: they concern all rows of the class.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for decision in decisions.rows.values():
        before, time = decisions.present_name(decision.before), _time(decision)
        writer.writerow(
            [decision.row, decision.file, label_column, before, decision.after, decision.action, decision.reason, time, decision.text]
        )
    for before, after in decisions.renamed.items():
        writer.writerow(["", "", label_column, before, after, "rename class", "", "", ""])
    return file.getvalue().encode("utf-8")


def _time(decision: Decision) -> str:
    return datetime.fromtimestamp(decision.time, UTC).isoformat(timespec="seconds")
