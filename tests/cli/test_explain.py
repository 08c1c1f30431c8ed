"""``explain``: the words of a text for the predicted class or another, as lines and as JSON."""

from tests.cli.commands import CommandResult, InProcessCommand


def test_words_for_the_predicted_class_and_for_another(run_command: InProcessCommand, trained_run: CommandResult) -> None:
    run = trained_run.last["run"]
    predicted = run_command("explain", run, "happy laugh today", "--json")
    assert predicted.status == 0, predicted.err
    assert predicted.last["class"] == predicted.last["label"] == "joy"
    words = {word["word"]: word["influence"] for word in predicted.last["words"]}
    assert list(words) == ["happy", "laugh", "today"]
    lines = run_command("explain", run, "happy laugh today", "--class", "anger").out.splitlines()
    assert lines[0] == "happy laugh today"
    assert lines[1].startswith("  predicted: joy (")
    assert lines[2].startswith("  explained: anger (")
    influences = [abs(float(line.split()[0])) for line in lines[3:]]
    assert sorted(influences, reverse=True) == influences
    assert {line.split()[1] for line in lines[3:]} == set(words)


def test_what_cannot_be_explained(run_command: InProcessCommand, trained_run: CommandResult) -> None:
    run = trained_run.last["run"]
    assert run_command("explain", run, "happy", "--class", "awe").status == 2
    empty = run_command("explain", run, " ", "--json")
    assert (empty.status, empty.last["words"], empty.last["class"]) == (0, None, None)
    assert "empty" in run_command("explain", run, "").out
    assert run_command("explain", "nothing", "happy").status == 2
