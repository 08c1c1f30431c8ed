"""A fixed sample of the attack with damaged files; all of it is ``make attack``."""

import sys

import pytest

from tests.attack.files import attack
from tests.attack.outcomes import Bounds


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_damaged_files_have_no_effect() -> None:
    outcome = attack(Bounds(share=0.005))
    assert (outcome.tries, outcome.effects) == (100, [])
