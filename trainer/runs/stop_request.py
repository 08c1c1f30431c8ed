"""The request that whatever works in a folder stops: a file there, so that any process can ask and a restart does not forget."""

from dataclasses import dataclass
from pathlib import Path

from trainer.atomic import remove_file
from trainer.runs.run_files import STOP


@dataclass(frozen=True)
class StoppableFolder:
    """The folder of a run or a job."""

    path: Path

    def request_stop(self, reason: str = "") -> None:
        """``reason``: a sentence for the user who did not ask for it. Not synced to the disk: a power cut ends the work anyway."""
        (self.path / STOP).write_text(reason, encoding="utf-8")

    def clear_stop(self) -> None:
        """Synced to the disk: a stop request that came back would stop what has been queued since."""
        remove_file(self.path / STOP)

    def is_stop_requested(self) -> bool:
        return (self.path / STOP).exists()

    def stop_reason(self) -> str:
        """Why a stop was requested, as a sentence; empty if the user did so, or if none was."""
        try:
            return (self.path / STOP).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""
