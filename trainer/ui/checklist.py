"""The checklist of a file: what was found, rows to look at, buttons that repair, take back or leave as it is.

Buttons carry what they do in ``data-do`` and ``data-code``; ``pressable`` hands a press to the page.
"""

from collections.abc import Sequence

import gradio as gr

from trainer.data.findings import Example, Finding
from trainer.data.repairs import REPAIRS, done_in_words
from trainer.preparation import Preparation
from trainer.ui import markup, words
from trainer.ui.pressable import pressable

_MOST_RIVALS = 3
STILL_LOOKING = '<p class="em-quiet" role="status">Still looking at how the encoder reads the texts …</p>'
"""What stands in the place of ``of_encoder`` until that is known."""
_SIGNS = {"good": "✓", "look": "!", "must_fix": "✕"}
_SAID = {"good": "Fine", "look": "Worth a look", "must_fix": "Must be fixed"}


def live_checklist(*, elem_id: str) -> gr.HTML:
    """An empty checklist.

    Its ``click`` event carries ``action`` ("repair", "repair_all", "undo", "accept", "confirm", "label", "set") and ``code``.
    """
    return pressable("", elem_id=elem_id)


def of_file(preparation: Preparation, advice: Sequence[Finding] | None = None) -> str:
    """Everything found in a file, and what was already done about it.

    ``advice`` is what stands in ``of_encoder``, which the headline counts too; None while it is not known yet.
    """
    findings, draft = preparation.findings, preparation.draft
    open_ones = [f for f in findings if f.severity != "good"]
    good = [f for f in findings if f.severity == "good"]
    repaired = _repaired(preparation)
    items = "".join(_item(f, accepted=f.code in draft.accepted, more=_column_buttons(preparation, f)) for f in open_ones)
    repairable = [f for f in open_ones if f.repairable]
    all_at_once = _button("repair_all", "", f"Repair all {len(repairable)}", primary=True) if len(repairable) > 1 else ""
    fine = _folded(f"{words.count(len(good), 'check')} passed", "".join(_item(f) for f in good)) if good else ""
    return (
        f'<div class="em-list-head"><h3 tabindex="-1">What was found</h3><p>{_headline(preparation, advice)}</p>{all_at_once}</div>'
        f"{_list(items + repaired)}{fine}"
    )


def _list(items: str) -> str:
    return f'<ul class="em-checks">{items}</ul>' if items else ""


def of_encoder(name: str, findings: Sequence[Finding]) -> str:
    """What depends on the encoder and on this machine."""
    if not findings:
        return ""
    items = "".join(_item(f) for f in findings)
    return f'<div class="em-list-head"><h3 tabindex="-1">With {markup.text(name)}</h3></div><ul class="em-checks">{items}</ul>'


def _headline(preparation: Preparation, advice: Sequence[Finding] | None) -> str:
    fix, look = len(preparation.must_fix), sum(f.severity == "look" for f in (*preparation.findings, *(advice or ())))
    if preparation.problem is not None:
        return "This cannot be trained on yet."
    if fix:
        return f"{words.count(fix, 'thing')} must be fixed before training." + (f" {look} worth a look." if look else "")
    if look:
        return f"Ready to train. {words.count(look, 'thing')} worth a look."
    # Before the encoder has had its say, nothing can be promised.
    return "Ready to train. Still looking at how the encoder reads the texts." if advice is None else "Ready to train. Nothing is odd."


def _column_buttons(preparation: Preparation, finding: Finding) -> list[str]:
    """For columns that nobody is sure of: the other labels there could be, and a word that these are right."""
    if finding.code != "columns_unsure" or preparation.columns is None:
        return []
    rivals = preparation.columns.rivals[:_MOST_RIVALS]
    offered = [_button("label", str(at), f"The label is “{preparation.table.columns[at][:30]}”") for at in rivals]
    return [_button("confirm", "", "They are right"), *offered]


def _item(finding: Finding, *, accepted: bool = False, more: Sequence[str] = ()) -> str:
    buttons = [*more]
    if finding.repairable:
        buttons.append(_button("repair", finding.code, REPAIRS[finding.code].title))
    if finding.severity == "must_fix":
        buttons.append(_button("accept", finding.code, "Leave it as it is"))
    elif accepted:
        buttons.append(_button("undo", finding.code, "Ask again"))
    if finding.setting is not None:
        buttons.append(_button("set", f"{finding.setting[0]}={finding.setting[1]}", f"Read {finding.setting[1]} tokens"))
    said = f"<p>{markup.text(finding.more, most=1200)}</p>" if finding.more else ""
    shown = _rows(finding.examples) if finding.examples else ""
    rows = _folded("Show rows" if shown else "More", said + shown) if said or shown else ""
    return _line(finding.severity, markup.text(finding.message, most=1200), "".join(buttons), rows)


def _repaired(preparation: Preparation) -> str:
    """What the repairs did, each with a way back."""
    if preparation.repaired is None:
        return ""
    lines = []
    for code in preparation.draft.repairs:
        count = preparation.repaired.counts.get(code, 0)
        changed = [c for c in preparation.repaired.changes if c.repair == code][:20]
        shown = [Example(c.line, c.before, c.after if c.what != "row" else "left out") for c in changed]
        what = f"Repaired. {done_in_words(code, count)}." if count else f"Nothing was left to repair ({REPAIRS[code].title.lower()})."
        lines.append(_line("good", markup.text(what), _button("undo", code, "Undo"), _folded("Show rows", _rows(shown)) if shown else ""))
    return "".join(lines)


def _line(severity: str, message: str, buttons: str, more: str) -> str:
    sign = f'<span class="em-sign" role="img" aria-label="{_SAID[severity]}">{_SIGNS[severity]}</span>'
    does = f'<span class="em-does">{buttons}</span>' if buttons else ""
    return f'<li class="em-check em-{severity}">{sign}<div><p>{message}</p>{more}</div>{does}</li>'


def _rows(examples: Sequence[Example]) -> str:
    noted = any(e.note for e in examples)
    told = any(e.text for e in examples)
    head = ["line", *(["row"] if told else []), *([""] if noted else [])]
    rows = [[f"{e.line:,}", *([e.text] if told else []), *([e.note] if noted else [])] for e in examples]
    return markup.table(head, rows, numbers=[0], caption="Rows of this finding")


def _folded(title: str, inside: str) -> str:
    return f'<details class="em-folded"><summary>{title}</summary>{inside}</details>'


def _button(action: str, code: str, title: str, *, primary: bool = False) -> str:
    kind = " em-primary" if primary else ""
    return f'<button type="button" class="em-do{kind}" data-do="{action}" data-code="{markup.text(code)}">{markup.text(title)}</button>'
