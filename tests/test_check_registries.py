"""Every check of every registry can find something and can pass; a check without examples fails here."""

from collections import Counter

import pytest

from tests.data.checks.examples import ENCODER_EXAMPLES, FILE_EXAMPLES
from tests.evaluation.examples import RESULT_EXAMPLES, TRAINING_EXAMPLES
from trainer.check import Check, run_checks
from trainer.data.checks.encoder import ENCODER_CHECKS
from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.checks.repairs import REPAIRS
from trainer.evaluation.diagnostics import TRAINING_CHECKS
from trainer.evaluation.result_checks import RESULT_CHECKS
from trainer.runs.event_schema import dump_event
from trainer.runs.event_types import Created, RecordedFinding

CHECKS: tuple[Check, ...] = (*FILE_CHECKS, *ENCODER_CHECKS, *TRAINING_CHECKS, *RESULT_CHECKS)
EXAMPLES = FILE_EXAMPLES | ENCODER_EXAMPLES | TRAINING_EXAMPLES | RESULT_EXAMPLES

each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)


@pytest.mark.parametrize("check", [*FILE_CHECKS, *ENCODER_CHECKS], ids=lambda check: check.code)
def test_what_it_finds_can_be_recorded_of_a_run(check: Check) -> None:
    found = [result for result in run_checks([check], EXAMPLES[check.code][0]()) if result.outcome == "found"]
    created = Created(name="brisk otter", owner="local", findings=tuple(RecordedFinding.of(result) for result in found))
    assert [finding["severity"] for finding in dump_event(created)["findings"]] == [result.severity for result in found]


@pytest.mark.parametrize("check", FILE_CHECKS, ids=lambda check: check.code)
def test_no_text_of_a_row_is_in_what_it_says(check: Check) -> None:
    """It is recorded of a run, and goes out with its report and its model card; the examples do not."""
    file = EXAMPLES[check.code][0]()
    starts = {text[:20] for text in file.corpus.texts if len(text) >= 20}
    for result in run_checks([check], file):
        assert not any(start in result.sentence for start in starts)


@each_check
def test_it_can_find_something(check: Check) -> None:
    results = run_checks([check], EXAMPLES[check.code][0]())
    found = [result for result in results if result.outcome == "found"]
    assert found
    assert all(result.message.endswith((".", "…")) and result.title == check.title for result in found)
    if check.code != "reader_warnings":  # it finds what the reader says, under the codes of that
        assert [result.code for result in found] == [check.code]


@each_check
def test_it_can_pass(check: Check) -> None:
    assert {result.outcome for result in run_checks([check], EXAMPLES[check.code][1]())} == {"passed"}


def test_no_check_shares_its_code_or_its_title_with_another() -> None:
    assert Counter(check.code for check in CHECKS).most_common(1)[0][1] == 1
    assert Counter(check.title for check in CHECKS).most_common(1)[0][1] == 1
    assert not EXAMPLES.keys() - {check.code for check in CHECKS}


def test_a_repair_has_the_code_of_a_check() -> None:
    assert REPAIRS.keys() <= {check.code for check in FILE_CHECKS}
