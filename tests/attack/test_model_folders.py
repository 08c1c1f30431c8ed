"""A sample of hostile model folders; ``make attack`` opens all of them."""

from tests.attack.hostile_folders import corruptions
from tests.attack.model_folders import attack
from tests.attack.outcomes import AttackOptions


def test_a_sample_of_hostile_model_folders_is_refused_and_none_of_their_code_runs() -> None:
    outcome = attack(AttackOptions(fraction=0.15))
    assert outcome.effects == []
    assert outcome.tries >= 60


def test_there_are_at_least_46_corruptions() -> None:
    assert len(corruptions()) >= 46
