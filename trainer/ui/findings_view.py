"""The findings of a file as HTML, each with example rows, and buttons that repair, undo or dismiss."""

from collections.abc import Sequence

import gradio as gr

from trainer.check import CheckResult, Example, found
from trainer.data.checks.repairs import REPAIRS, describe_repair
from trainer.drafts.preparation import PreparedDraft
from trainer.text_format import pluralize
from trainer.ui import checks_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.readiness import repairable_findings

_MAX_CANDIDATES = 3
_VISIBLE_FINDINGS = 4
"""The others are folded."""
_CHECKING = '<li class="em-check em-waiting"><span class="em-severity">…</span><div role="status"><p>Checking how the encoder reads the texts …</p></div></li>'


def build(*, elem_id: str) -> gr.HTML:
    """An empty list of findings.

    Its ``click`` event carries ``action`` ("repair", "repair_all", "undo", "dismiss_finding", "confirm", "label", "set") and ``code``.
    """
    return html_with_buttons("", elem_id=elem_id)


def findings_html(prepared: PreparedDraft, advice: Sequence[CheckResult] | None = None) -> str:
    """All findings of a file, the repairs made, and the other checks.

    ``advice`` holds the checks that depend on the encoder; None while they are being computed.
    """
    of_file, of_encoder = found(prepared.checks), found(advice or ())
    errors = [f for f in of_file if f.severity == "error"]
    passed = None
    items = [_item(prepared, f) for f in (*errors, *of_encoder, *(f for f in of_file if f.severity != "error"))]
    visible, hidden = items[:_VISIBLE_FINDINGS], items[_VISIBLE_FINDINGS:]
    if len(items) < _VISIBLE_FINDINGS and not of_encoder and prepared.problem is None:
        # A passed check replaces the "checking" line, so that nothing below moves.
        passed = next((result for result in advice or () if result.outcome == "passed" and result.message), None)
        visible += [_CHECKING] if advice is None else [_item(prepared, passed)] if passed else []
    folded = [
        checks_view.fold("warning", f"{len(hidden):,} more", hidden),
        checks_view.fold("ok", f"{pluralize(len(prepared.draft.repairs), 'repair')} made", _repairs_made(prepared)),
        checks_view.summary([*(advice or ()), *prepared.checks], shown=passed) if prepared.checks else "",
    ]
    return f'{_repair_all(prepared)}<ul class="em-checks">{"".join(visible)}{"".join(folded)}</ul>'


def _repair_all(prepared: PreparedDraft) -> str:
    """A button for all repairs, if there are several and the footer has no such button."""
    findings = repairable_findings(prepared)
    if len(findings) < 2 or sum(f.severity == "error" for f in findings) > 1:
        return ""
    return f'<p class="em-repair-all">{Button("repair_all", f"Repair all {len(findings)}", link=True).html}</p>'


def _column_buttons(prepared: PreparedDraft, finding: CheckResult) -> list[Button]:
    """For an uncertain guess of the columns: buttons that confirm it or choose another label column."""
    if finding.code != "columns_unsure" or prepared.columns is None:
        return []
    candidates = prepared.columns.candidates[:_MAX_CANDIDATES]
    alternatives = [Button("label", f"The label is “{prepared.table.columns[i][:30]}”", code=str(i)) for i in candidates]
    return [Button("confirm", "They are right"), *alternatives]


def _item(prepared: PreparedDraft, finding: CheckResult) -> str:
    buttons = _column_buttons(prepared, finding)
    if finding.repairable:
        buttons.append(Button("repair", REPAIRS[finding.code].title, code=finding.code))
    if finding.severity == "error":
        buttons.append(Button("dismiss_finding", "Leave it as it is", code=finding.code, link=True))
    elif finding.code in prepared.draft.dismissed:
        buttons.append(Button("undo", "Ask again", code=finding.code, link=True))
    if finding.setting is not None:
        buttons.append(Button("set", f"Read {finding.setting[1]} tokens", code=f"{finding.setting[0]}={finding.setting[1]}"))
    return checks_view.result_line(finding, buttons)


def _repairs_made(prepared: PreparedDraft) -> list[str]:
    """What each repair changed, with a button that undoes it."""
    if prepared.repaired is None:
        return []
    items = []
    for code in prepared.draft.repairs:
        n_changes = prepared.repaired.counts.get(code, 0)
        changes = [c for c in prepared.repaired.changes if c.repair == code][:20]
        examples = [Example(c.line, c.old, c.new if c.field != "row" else "left out") for c in changes]
        message = (
            f"Repaired. {describe_repair(code, n_changes)}."
            if n_changes
            else f"There was nothing left to repair ({REPAIRS[code].title.lower()})."
        )
        items.append(checks_view.line("ok", message, "", [Button("undo", "Undo", code=code)], examples))
    return items
