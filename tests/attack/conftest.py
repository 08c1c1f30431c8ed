"""The server that the samples of the attacks share."""

from collections.abc import Iterator

import pytest

from tests.attack.target_server import TargetServer, running_server
from tests.warm_interpreter import WarmInterpreter


@pytest.fixture(scope="session")
def server(warm_interpreter: WarmInterpreter) -> Iterator[TargetServer]:
    with running_server(short_timeouts=True, warm_interpreter=warm_interpreter) as started:
        yield started
