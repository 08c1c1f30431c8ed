"""The text of a file with all its marks and line ends, from which the very same bytes can be made. Knows no rows."""

import codecs
import re
from dataclasses import dataclass

from trainer.data.rewrite.edits import not_rewritable_error
from trainer.errors import FileError

_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


@dataclass(frozen=True)
class ExactText:
    """``mark``: the bytes of a byte order mark; ``text``: what follows, with bytes that are no characters of ``codec`` as lone surrogates."""

    mark: bytes
    text: str
    codec: str

    def encode(self, text: str) -> bytes:
        """The bytes of a changed text."""
        return self.mark + text.encode(self.codec, _handler(self.codec))

    def check(self, values: list[str]) -> None:
        """Raise UserError ``letter_not_in_encoding`` for a value with a letter that the encoding of the file lacks."""
        for value in values:
            try:
                value.encode(self.codec)
            except UnicodeEncodeError as error:
                raise FileError(
                    f"“{value[:60]}” cannot be written into this file: its encoding, {self.codec}, has no “{value[error.start]}”. "
                    "Give the class another name, or take the rows as CSV (UTF-8), which has every letter.",
                    code="letter_not_in_encoding",
                ) from error

    def line_starts(self) -> list[int]:
        """Where each line starts, as the reader counts them; the first number belongs to line 1. A byte order mark belongs to no line."""
        text = self.text
        starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
        return [_after_marks(text, start) for start in starts] if "\ufeff" in text else starts


def exact_text(data: bytes, encoding: str) -> ExactText:
    """The text of ``data`` in the encoding that the reader found. Raises UserError ``not_rewritable`` if it does not give the same bytes."""
    mark, codec = next(((mark, codec) for mark, codec in _MARKS if data.startswith(mark) and _fits(codec, encoding)), (b"", encoding))
    body = data[len(mark) :]
    try:
        text = body.decode(codec, _handler(codec))
        same = text.encode(codec, _handler(codec)) == body
    except (UnicodeError, LookupError):
        same = False
    if not same:
        raise not_rewritable_error(f"its bytes are not those that {encoding} has for its letters")
    return ExactText(mark, text, codec)


def _fits(codec: str, encoding: str) -> bool:
    """Whether a byte order mark belongs to the encoding that was found."""
    return encoding.lower().replace("_", "-").startswith(codec.removesuffix("-le").removesuffix("-be"))


def _handler(codec: str) -> str:
    return "surrogatepass" if codec in _WIDE else "surrogateescape"


def _after_marks(text: str, start: int) -> int:
    while text.startswith("\ufeff", start):
        start += 1
    return start
