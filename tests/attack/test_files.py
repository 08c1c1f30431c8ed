"""A fixed sample of the attack with damaged files; ``make attack`` runs all of it."""

import sys

import pytest

from tests.attack.files import attack
from tests.attack.outcomes import AttackOptions


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_damaged_files_have_no_effect() -> None:
    outcome = attack(AttackOptions(fraction=0.005))
    assert (outcome.tries, outcome.effects) == (100, [])
