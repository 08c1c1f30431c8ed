"""The server that the samples of the attacks share."""

from collections.abc import Iterator

import pytest

from tests.attack.served import Served, serving
from tests.warm import Warm


@pytest.fixture(scope="session")
def served(warm: Warm) -> Iterator[Served]:
    with serving(hasty=True, warm=warm) as started:
        yield started
