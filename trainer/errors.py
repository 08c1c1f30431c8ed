"""The exceptions whose message the user sees.

Not for programming mistakes: those raise Python's own exceptions, and their traceback goes to a log, never to the page.
"""

import traceback
from pathlib import Path


class UserError(Exception):
    """An error that the user can fix.

    The message is complete sentences: what happened, what was found, what to do.
    ``code`` is a short stable name (``empty_file``, ``one_class``, ...) for programs and tests; ``setting`` is the recipe setting that
    the error is about, if there is one.
    """

    def __init__(self, message: str, *, code: str, setting: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.setting = setting

    @property
    def message(self) -> str:
        return str(self.args[0])


class NoMemoryError(UserError):
    """A batch does not fit into memory.

    ``retry_texts_at_a_time`` is the number of texts at a time that may fit, with the same training result; None if not even one does.
    """

    def __init__(self, message: str, *, code: str, retry_texts_at_a_time: int | None) -> None:
        super().__init__(message, code=code)
        self.retry_texts_at_a_time = retry_texts_at_a_time


class MustFixError(UserError):
    """Findings of severity "error" that the user has not dismissed prevent the training.

    ``repair_codes`` are the codes of those that have a repair.
    """

    def __init__(self, message: str, *, repair_codes: tuple[str, ...]) -> None:
        super().__init__(message, code="must_fix")
        self.repair_codes = repair_codes


def error_location(error: BaseException) -> str:
    """The type of an error and its traceback in one line for a log, without its message, which may contain a user's texts."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {' < '.join(reversed(frames[-12:])) or 'an unknown place'}"
