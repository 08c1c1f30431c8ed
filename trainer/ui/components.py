"""All components of the page, by the tab they stand on: what is wired from one tab to another finds them here."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.ui.data_tab import DataTab
from trainer.ui.results_tab import ResultsTab
from trainer.ui.runs_tab import RunsTab
from trainer.ui.shell import Shell
from trainer.ui.train_tab import TrainTab
from trainer.ui.try_tab import TryTab


@dataclass(frozen=True)
class Page:
    """The shell and the tabs."""

    shell: Shell
    seen: gr.State
    """What the last refresh saw, so that the next one can tell whether anything moved."""
    live: gr.Textbox
    """The id of the run that trains now; empty where none does."""
    tabs: gr.Tabs
    data: DataTab
    train: TrainTab
    results: ResultsTab
    tryit: TryTab
    runs: RunsTab

    @property
    def form(self) -> list[Any]:
        """All that a person chooses for a training, on two tabs."""
        return [*self.data.form, *self.train.form]

    @property
    def refresh_inputs(self) -> list[Any]:
        """What a refresh asks the page: the run that is watched, the model in hand, what it says of the machine."""
        return [self.train.watched, self.shell.model, self.shell.hardware_badge]

    @property
    def refresh_outputs(self) -> list[Any]:
        """What a refresh answers."""
        shell = self.shell
        return [
            shell.hardware_badge,
            shell.status_bar,
            shell.picker,
            shell.model,
            self.seen,
            self.live,
            self.train.watched,
            self.runs.version,
            *self.train.outputs,
        ]
