"""Checks of a given test or validation split: texts of it that are in the training rows too."""

from functools import partial

from trainer.check import Check, CheckResult
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.example_rows import examples
from trainer.data.duplicates.normalize import duplicate_key
from trainer.errors import FileError
from trainer.text_format import pluralize


def require_training_rows(file: CheckedFile) -> None:
    """Raise UserError ``test_in_training`` or ``validation_in_training`` if no training row would be left.

    Training rows with a text of such a split are not used if all of its texts are among them.
    """
    for part in ("test", "validation"):
        if _is_all_in_training(file, part) and file.given_texts["train"] <= file.given_texts[part]:
            raise FileError(
                f"{_overlap(file, part)}, and nothing else is: nothing would be left to learn from. A score on texts that a model has "
                "learnt from says nothing. Give other rows for it, or none: then some are kept aside.",
                code="test_in_training" if part == "test" else "validation_in_training",
            )


def _is_given(part: str, file: CheckedFile) -> bool:
    return bool(file.given_rows.get(part))


def _is_all_in_training(file: CheckedFile, part: str) -> bool:
    return _is_given(part, file) and file.given_texts[part] <= file.given_texts["train"]


def _overlap(file: CheckedFile, part: str) -> str:
    is_file = part in file.given_files
    number = pluralize(len(file.given_rows[part]), "text")
    return f"All {number} of the {part} {'file' if is_file else 'rows'} are also in {file.name if is_file else 'the training rows'}"


def _check_overlap(part: str, file: CheckedFile) -> CheckResult | None:
    """A split whose texts are all in the training rows too; those training rows are not used then."""
    if not _is_all_in_training(file, part):
        return None
    texts, rows = file.original.texts, file.given_rows
    unused = [row for row in rows["train"] if duplicate_key(texts[row]) in file.given_texts[part]]
    advice = f"{pluralize(len(unused), 'row')} with these texts {'is' if len(unused) == 1 else 'are'} not trained on."
    shown = examples(file.original, unused)
    return CheckResult(f"{part}_in_training", "warning", len(rows[part]), f"{_overlap(file, part)}.", advice, shown)


GIVEN_SPLIT_CHECKS: tuple[Check[CheckedFile], ...] = tuple(
    Check(
        f"{part}_in_training",
        f"{part.capitalize()} rows that are not all training rows",
        partial(_check_overlap, part),
        partial(_is_given, part),
        f"files that come with {part} rows",
    )
    for part in ("test", "validation")
)
