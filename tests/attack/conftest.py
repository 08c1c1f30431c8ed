"""The server that the samples of the attacks share."""

from collections.abc import Iterator

import pytest

from tests.attack.target_server import TargetServer, running_server
from tests.warm_interpreter import Warm


@pytest.fixture(scope="session")
def server(warm: Warm) -> Iterator[TargetServer]:
    with running_server(short_timeouts=True, warm=warm) as started:
        yield started
