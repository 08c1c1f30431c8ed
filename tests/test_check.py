"""One shape for every check: how it is run, counted and listed. A check that is added to a registry is in every list."""

import json
from dataclasses import replace

from tests.data.checks.examples import good
from trainer.check import Check, CheckResult, Example, checks_to_dict, count_checks, findings, found, run_checks, sort_by_severity
from trainer.cli.checks import check_lines
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.registry import FILE_CHECKS
from trainer.ui.checks_view import checks_html


def shouting(file: CheckedFile) -> CheckResult | None:
    rows = [row for row, text in enumerate(file.corpus.texts) if text.isupper()]
    if not rows:
        return None
    shown = tuple(Example(int(file.corpus.lines[row]), file.corpus.texts[row]) for row in rows)
    return CheckResult("shouting", "warning", len(rows), f"{len(rows)} texts are in capitals.", "Write them as others are.", shown)


TOY = Check("shouting", "No texts in capitals", shouting)
"""All that a new check takes besides its function: this entry in a registry, and its two examples."""


N_CHECKS = len(FILE_CHECKS) + 1


def checked(*texts: str) -> tuple[CheckResult, ...]:
    file = good()
    corpus = replace(file.corpus, texts=(*texts, *file.corpus.texts[len(texts) :]))
    return sort_by_severity(run_checks((*FILE_CHECKS, TOY), replace(file, corpus=corpus)))


def test_a_new_check_is_in_every_list() -> None:
    results = checked("HELLO THERE")
    assert [result.code for result in found(results)] == ["shouting"]
    html, values, lines = checks_html(results), checks_to_dict(results), check_lines(results)
    for listed in (html, json.dumps(values), "\n".join(lines)):
        assert "1 texts are in capitals." in listed
        assert f"{N_CHECKS} checks: {N_CHECKS - 7} passed, 1 to look at, 6 not applicable here" in listed
    assert "HELLO THERE" in html
    assert "warning: 1 texts are in capitals. Write them as others are." in lines
    assert values["results"][0] == {
        "code": "shouting",
        "severity": "warning",
        "count": 1,
        "message": "1 texts are in capitals. Write them as others are.",
        "title": "No texts in capitals",
        "outcome": "found",
    }


def test_a_check_that_passes_is_listed_behind_the_summary_by_its_title() -> None:
    results = checked()
    assert found(results) == ()
    shown, folded = checks_html(results).split("<details", maxsplit=1)
    assert "No texts in capitals" not in shown
    assert "No texts in capitals" in folded
    assert f"{N_CHECKS} checks: {N_CHECKS - 6} passed, 6 not applicable here" in folded
    assert "Repeated texts have one label. Only for files with texts that occur more than once." in folded
    assert "No text occurs twice, nor nearly." in {finding.message for finding in findings(results)}


def test_a_check_with_several_results_counts_once_and_as_found_if_one_is() -> None:
    both = (CheckResult("a", "ok", message="Fine."), CheckResult("b", "warning", message="Odd."))
    results = run_checks(
        [Check("a", "A", lambda subject: both), Check("c", "C", lambda subject: (), lambda subject: subject > 1, "more")], 1
    )
    assert [result.title for result in results] == ["A", "A", "C"]
    assert vars(count_checks(results)) == {"passed": 0, "found": 1, "not_applicable": 1}
    assert (results[2].outcome, results[2].message) == ("not_applicable", "Only for more.")
    assert findings(results) == results[:2]


def test_no_list_without_a_check_that_applies() -> None:
    none = run_checks([Check("a", "A", lambda subject: None, lambda subject: False, "others")], None)
    assert checks_html(none) == checks_html(()) == ""
    assert check_lines(none) == check_lines(()) == []
