"""FILE_CHECKS: every check of a file before a training, in the order in which they are listed.

Those that depend on the encoder are ENCODER_CHECKS of encoder.py. To add a check, write its function and its entry in the module that it
belongs to, and its examples in tests/data/checks/test_registry.py.
"""

from trainer.check import Check
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.columns import COLUMN_CHECKS
from trainer.data.checks.duplicates import DUPLICATE_CHECKS
from trainer.data.checks.file_reading import READING_CHECKS
from trainer.data.checks.given_split import GIVEN_SPLIT_CHECKS
from trainer.data.checks.labels import LABEL_CHECKS
from trainer.data.checks.texts import TEXT_CHECKS

FILE_CHECKS: tuple[Check[CheckedFile], ...] = (
    *READING_CHECKS,
    *COLUMN_CHECKS,
    *LABEL_CHECKS,
    *DUPLICATE_CHECKS,
    *TEXT_CHECKS,
    *GIVEN_SPLIT_CHECKS,
)
