"""The server that the samples of the attacks share."""

from collections.abc import Iterator

import pytest

from tests.attack.served import Served, serving


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with serving(hasty=True) as started:
        yield started
