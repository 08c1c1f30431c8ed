"""A fixed sample of the bombs; all of them are ``make attack``."""

import sys

import pytest

from tests.attack.bombs import SAMPLE, attack
from tests.attack.outcomes import Bounds


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_bombs_cost_little_and_hurt_nobody() -> None:
    outcome = attack(Bounds(share=0.1))
    assert (outcome.tries, outcome.effects) == (len(SAMPLE), [])
