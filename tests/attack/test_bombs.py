"""A fixed sample of the bombs; ``make attack`` runs all of them."""

import sys

import pytest

from tests.attack.bombs import SAMPLE, attack
from tests.attack.outcomes import AttackOptions


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_bombs_cost_little_and_have_no_effect() -> None:
    outcome = attack(AttackOptions(fraction=0.1))
    assert (outcome.tries, outcome.effects) == (len(SAMPLE), [])
