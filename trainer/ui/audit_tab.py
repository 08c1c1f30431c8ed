"""Tab 5, Check labels: the components. What they do is in ``audit_events.py``, what they show in ``audit_view.py``."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.ui import assets, audit_view, page_frame
from trainer.ui.buttons import html_with_buttons

_SAVED = """
let shown = "";
watch("value", () => {
  const value = props.value ?? "";
  if (value && value !== shown) document.dispatchEvent(new CustomEvent("emotune:labels-saved", { detail: shown = value }));
});
"""
"""Hands the server's answers to the table, which would draw all its rows again if they were part of its own value."""


@dataclass(frozen=True)
class AuditTab:
    """The components."""

    version: gr.Textbox
    """Changes with what the tab shows; the refresh of the page sets it."""
    head: gr.HTML
    """Its ``click`` event carries ``action`` ("stop", "watch", "results", "compare", "check") and ``code``."""
    table: gr.HTML
    """Its ``click`` event carries the ``action`` "labels", as ``code`` what is decided (JSON), and as ``value`` a label or words."""
    saved: gr.HTML
    """Its value is the answer to such an event."""
    below: gr.HTML
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "check", "to-data", "train-again", "watch"."""
    shown: gr.Textbox
    """The check, and the size of the log of decisions, that the table shows."""

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.head, self.table, self.saved, self.below, self.footer, self.shown]


def build_version() -> gr.Textbox:
    """Outside the tabs, since a tab that was never opened gets no events."""
    return gr.Textbox("", visible="hidden", elem_id="labels-version")


def build(version: gr.Textbox) -> AuditTab:
    """Lay the tab out; ``version`` comes from ``build_version``."""
    head = html_with_buttons(audit_view.no_file_html(), elem_id="labels-status")
    table = gr.HTML(
        "", html_template='<div class="em-labels"></div>', js_on_load=assets.mount_script("check_labels.js"), elem_id="labels-table"
    )
    saved = gr.HTML("", html_template="<i></i>", js_on_load=_SAVED, elem_id="labels-saved")
    below = html_with_buttons("", elem_id="labels-below")
    footer = page_frame.footer(elem_id="footer-labels", value=audit_view.no_file_footer())
    return AuditTab(version, head, table, saved, below, footer, gr.Textbox("", visible="hidden", elem_id="labels-shown"))
