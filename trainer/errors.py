"""The one exception whose words a person sees.

Not for programming mistakes: those raise what Python raises, and their traceback goes to a log, never to the page.
"""

import traceback
from pathlib import Path


class UserError(Exception):
    """Something a person can put right.

    The message is whole sentences: what happened, what was found, what to do.
    ``code`` is a short stable name (``empty_file``, ``one_class``, ...) for programs and tests; ``setting`` names the setting of a recipe
    that it is about, if it is about one.
    """

    def __init__(self, message: str, *, code: str, setting: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.setting = setting

    @property
    def message(self) -> str:
        return str(self.args[0])


class NoMemoryError(UserError):
    """A batch does not fit into the memory.

    ``fewer_texts`` is how many texts at a time may fit and make the same training; None where even one does not.
    """

    def __init__(self, message: str, *, code: str, fewer_texts: int | None) -> None:
        super().__init__(message, code=code)
        self.fewer_texts = fewer_texts


class MustFixError(UserError):
    """Findings stand in the way of a training, and a person has not said that it shall be trained all the same.

    ``repairs`` are the codes of those that a repair would put right.
    """

    def __init__(self, message: str, *, repairs: tuple[str, ...]) -> None:
        super().__init__(message, code="must_fix")
        self.repairs = repairs


def error_location(error: BaseException) -> str:
    """What kind of error it is and through which lines it came, in one line for a log. Its words are left out: they may hold somebody's texts."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {' < '.join(reversed(frames[-12:])) or 'an unknown place'}"
