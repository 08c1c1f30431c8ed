"""Switches of a running server: files in a folder, read each time they matter, so that no restart is needed.

Turned in the terminal (``python -m trainer switch``) or with ``touch`` and ``rm``.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from trainer.atomic import make_folder, remove_file
from trainer.errors import UnavailableError

SWITCHES: Mapping[str, str] = MappingProxyType(
    {
        "no-uploads": "No file can be opened.",
        "no-trainings": "No training can be started or resumed.",
        "read-only": "Neither: what is there can be looked at, downloaded, used and deleted.",
        "stop-all": "No training can be started, and all jobs end within a minute; trainings keep their best models.",
    }
)
"""Each with what it means."""
_BLOCKED = "blocked-"
_NO_UPLOADS, _NO_TRAININGS = ("no-uploads", "read-only"), ("no-trainings", "read-only", "stop-all")


class Switches:
    """The switches of one runs folder."""

    def __init__(self, runs_dir: Path) -> None:
        self._folder = runs_dir / "switches"

    def is_on(self, name: str) -> bool:
        """Whether a switch is on."""
        return (self._folder / name).exists()

    def turn(self, name: str, *, on: bool) -> None:
        """Turn a switch on or off. Raises OSError."""
        make_folder(self._folder)
        if on:
            (self._folder / name).touch(mode=0o600)
        else:
            remove_file(self._folder / name)

    def on(self) -> tuple[str, ...]:
        """The names of those that are on, of blocked owners too."""
        return tuple(sorted(path.name for path in self._folder.glob("*"))) if self._folder.is_dir() else ()

    def uploads_allowed(self) -> bool:
        """Whether files may be opened."""
        return not any(map(self.is_on, _NO_UPLOADS))

    def check_uploads(self) -> None:
        """Raise UserError ``switched_off`` if no file may be opened."""
        if not self.uploads_allowed():
            raise UnavailableError("Files cannot be opened on this server at the moment. Try again later.", code="switched_off")

    def check_trainings(self) -> None:
        """Raise UserError ``switched_off`` if no training may begin."""
        if any(map(self.is_on, _NO_TRAININGS)):
            raise UnavailableError(
                "Trainings are switched off on this server at the moment. Try again later; what you have prepared stays.",
                code="switched_off",
            )

    def blocks(self, owner: str) -> bool:
        """Whether requests of an owner are refused."""
        return self.is_on(blocked(owner))


def blocked(owner: str) -> str:
    """The name of the switch that blocks an owner."""
    return f"{_BLOCKED}{owner}"
