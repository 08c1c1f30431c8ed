"""The exceptions whose message the user sees.

Not for programming mistakes: those raise Python's own exceptions, and their traceback goes to a log, never to the page.
"""

import traceback
from pathlib import Path
from typing import ClassVar, Self


class UserError(Exception):
    """An error that the user can fix; raised as one of the classes below, by what it is about.

    The message is complete sentences: what happened, what was found, what to do.
    ``code`` is a short stable name (``empty_file``, ``one_class``, ...) for programs and tests, described in error_codes.py; ``setting`` is
    the recipe setting that the error is about, if there is one.
    """

    status: ClassVar[int] = 422
    """Of an HTTP response."""
    exit_status: ClassVar[int] = 2
    """Of the terminal's commands: 2 if something that was given is refused, 1 if something else is in the way."""

    def __init__(self, message: str, *, code: str, setting: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.setting = setting

    @property
    def message(self) -> str:
        return str(self.args[0])

    def with_message(self, message: str) -> Self:
        """The same error in other words."""
        error = type(self).__new__(type(self), message)
        vars(error).update(vars(self))
        return error


class FileError(UserError):
    """A file, its columns, its rows or a draft."""


class MustFixError(FileError):
    """Findings of severity "error" that the user has not dismissed prevent the training.

    ``repair_codes`` are the codes of those that have a repair.
    """

    def __init__(self, message: str, *, repair_codes: tuple[str, ...]) -> None:
        super().__init__(message, code="must_fix")
        self.repair_codes = repair_codes


class RecipeError(UserError):
    """A recipe, a setting of the server or another value that was given."""


class ModelError(UserError):
    """An encoder, a model, or the texts that it is to predict."""


class RunError(UserError):
    """A run, or another job, whose state does not allow it."""

    status = 409


class NotFoundError(UserError):
    """A run, a job or a draft that does not exist, or belongs to somebody else."""

    status = 404


class UnavailableError(UserError):
    """Something that the work needs is not to be had now: the disk, the network, a port, a place in the queue."""

    status, exit_status = 503, 1


class NoMemoryError(UnavailableError):
    """A batch does not fit into memory.

    ``retry_texts_at_a_time`` is the number of texts at a time that may fit, with the same training result; None if not even one does.
    """

    def __init__(self, message: str, *, code: str, retry_texts_at_a_time: int | None) -> None:
        super().__init__(message, code=code)
        self.retry_texts_at_a_time = retry_texts_at_a_time


def is_failure(error: BaseException) -> bool:
    """Whether an exception is a failure, and no request to end: a panic of a library in Rust is no ``Exception``, and would end its thread."""
    return isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime"


def error_location(error: BaseException) -> str:
    """The type of an error and its traceback in one line for a log, without its message, which may contain a user's texts."""
    frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {' < '.join(reversed(frames[-12:])) or 'an unknown place'}"


def traceback_without_texts(error: BaseException) -> str:
    """The traceback of an error and of what caused it, as Python prints it, but without messages, which may contain a user's texts.

    What the operating system and torch say stays: it names no texts, and only it tells a full disk or a broken GPU.
    """
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    parts = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(each.__traceback__))}{_described(each)}\n" for each in causes
    ]
    return "\nWhich led to:\n\n".join(reversed(parts))


def _described(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, OSError):
        return f"{name}: {error.strerror}" if error.strerror else name
    return f"{name}: {error}" if type(error).__module__.partition(".")[0] == "torch" else name
