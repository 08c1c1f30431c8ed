"""Some requests of many clients at once; nobody looks at a clock."""

from tests.attack import load
from tests.attack.outcomes import Bounds
from tests.attack.served import Served


def test_many_clients_at_once_all_get_their_answers(served: Served) -> None:
    found = load.attacked(Bounds(share=0.005), served, timed=False)
    assert found.effects == []
    assert found.tries == 55
