"""Pages that are open: so many of one visitor, so many in all; one that asks no more makes room."""

import pytest

from trainer.errors import UserError
from trainer.open_pages import OpenPages


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def admits(pages: OpenPages, owner: str, page: str, **limits: int) -> bool:
    try:
        pages.admit(owner, page, **{"of_owner": 2, "in_all": 3, **limits})
    except UserError as error:
        return error.code != "too_many_pages"
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_page_too_many_waits_until_another_is_closed(clock: Clock) -> None:
    pages = OpenPages(10.0, clock)
    assert admits(pages, "one", "a")
    assert admits(pages, "one", "b")
    assert not admits(pages, "one", "c")
    # Those that are open go on, and a refused one takes nobody's place.
    clock.now = 6.0
    assert admits(pages, "one", "b")
    assert admits(pages, "two", "a")
    assert not admits(pages, "two", "b")
    clock.now = 12.0  # "a" of the first has not asked for longer than ten seconds
    assert admits(pages, "one", "c")
    assert not admits(pages, "one", "a")


def test_without_limits_every_page_is_admitted(clock: Clock) -> None:
    pages = OpenPages(10.0, clock)
    assert all(admits(pages, "one", str(page), of_owner=0, in_all=0) for page in range(300))


def test_each_refusal_says_what_to_do(clock: Clock) -> None:
    pages = OpenPages(10.0, clock)
    pages.admit("one", "a", of_owner=1, in_all=1)
    with pytest.raises(UserError, match=r"You have 1 other page of this server open.* Close one"):
        pages.admit("one", "b", of_owner=1, in_all=1)
    with pytest.raises(UserError, match="Leave this one open"):
        pages.admit("two", "a", of_owner=1, in_all=1)
