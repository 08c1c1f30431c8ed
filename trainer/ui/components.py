"""All components of the page by tab, for event handlers that concern more than one tab."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.ui.audit_tab import AuditTab
from trainer.ui.data_tab import DataTab
from trainer.ui.page_frame import PageFrame
from trainer.ui.results_tab import ResultsTab
from trainer.ui.runs_tab import RunsTab
from trainer.ui.train_tab import TrainTab
from trainer.ui.try_tab import TryTab


@dataclass(frozen=True)
class Page:
    """The frame and the tabs."""

    frame: PageFrame
    timer: gr.Timer
    """Its tick asks for what is new, less often while nothing is under way."""
    last_state: gr.State
    """What the last refresh showed, so that the next one can tell whether anything has changed."""
    running: gr.Textbox
    """The id of the run that is training; empty if none is."""
    tabs: gr.Tabs
    data: DataTab
    train: TrainTab
    results: ResultsTab
    tryit: TryTab
    labels: AuditTab
    runs: RunsTab

    @property
    def form(self) -> list[Any]:
        """Everything the user chooses for a training, on two tabs."""
        return [*self.data.form, *self.train.form]

    @property
    def refresh_inputs(self) -> list[Any]:
        """What a refresh reads from the page: the watched run, the model in use, the hardware badge, the open draft, what Check labels shows."""
        return [self.train.watched, self.frame.model, self.frame.hardware_badge, self.data.draft, self.labels.version]

    @property
    def refresh_outputs(self) -> list[Any]:
        """What a refresh updates."""
        frame = self.frame
        return [
            self.timer,
            frame.hardware_badge,
            frame.status_bar,
            frame.picker,
            frame.model,
            self.last_state,
            self.running,
            self.train.watched,
            self.runs.version,
            self.labels.version,
            *self.train.outputs,
        ]
