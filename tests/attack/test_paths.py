"""A sample of the attack."""

from tests.attack import paths
from tests.attack.outcomes import Bounds
from tests.attack.served import Served


def test_paths_and_ids_that_are_not_the_caller_s_lead_nowhere(served: Served) -> None:
    found = paths.attacked(Bounds(share=0.05), served)
    assert found.effects == []
    assert found.tries > 0
