"""A sample of hostile model folders; ``make attack`` opens all of them."""

from tests.attack.hostile_folders import kinds
from tests.attack.model_folders import attack
from tests.attack.outcomes import Bounds


def test_a_sample_of_hostile_model_folders_is_refused_and_nothing_of_them_is_run() -> None:
    outcome = attack(Bounds(share=0.15))
    assert outcome.effects == []
    assert outcome.tries >= 60


def test_there_are_more_kinds_of_hostile_folders_than_the_46_that_were_asked_for() -> None:
    assert len(kinds()) >= 46
