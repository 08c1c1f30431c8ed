"""The footer of the Runs tab: the actions that the selection allows."""

import dataclasses
import re

from tests.ui.test_runs_list import EVIL, RUN, TRAINING
from trainer.runs.view import BaselineScores, Metrics
from trainer.ui import runs_footer

TITLES = {RUN.id: "my moods, quick look", TRAINING.id: "my moods, balanced"}


def actions(html: str) -> list[str]:
    return re.findall(r'data-action="([^"]+)"', html)


def test_without_runs_it_leads_to_the_data() -> None:
    assert actions(runs_footer.footer([], {}, any_runs=False)) == ["to-data"]


def test_without_a_selection_it_says_what_can_be_selected() -> None:
    html = runs_footer.footer([], {}, any_runs=True)
    assert "Select runs to" in html
    assert actions(html) == []


def test_one_finished_run_can_be_opened_first_of_all() -> None:
    html = runs_footer.footer([RUN], TITLES, any_runs=True)
    assert "my moods, quick look is selected." in html
    assert actions(html) == ["deselect", "delete", "rename", "more-epochs", "again", "more", "open"]
    assert html.count("em-primary") == 1
    assert html.index("em-primary") > html.index('data-action="more"')


def test_a_linear_model_has_no_more_epochs() -> None:
    linear = BaselineScores(100, Metrics(0.8, 0.8), Metrics(0.8, 0.8))
    frozen = dataclasses.replace(RUN, linear=linear, total_steps=0)
    assert "more-epochs" not in actions(runs_footer.footer([frozen], TITLES, any_runs=True))


def test_one_that_broke_off_can_be_resumed_and_one_that_trains_can_not() -> None:
    broken = dataclasses.replace(RUN, status="interrupted")
    assert "resume" in actions(runs_footer.footer([broken], TITLES, any_runs=True))
    assert not {"resume", "more-epochs"} & set(actions(runs_footer.footer([TRAINING], TITLES, any_runs=True)))


def test_two_to_six_are_compared_and_more_are_not() -> None:
    two = runs_footer.footer([RUN, TRAINING], TITLES, any_runs=True)
    assert "2 runs are selected." in two
    assert actions(two) == ["deselect", "delete", "more", "compare"]
    assert f'data-code="{RUN.id} {TRAINING.id}"' in two
    seven = runs_footer.footer([RUN] * 7, TITLES, any_runs=True)
    assert "7 runs are selected. At most 6 can be compared." in seven
    assert "compare" not in actions(seven)


def test_a_damaged_run_is_called_so_and_is_not_repeated() -> None:
    lost = dataclasses.replace(RUN, status="damaged", damage=("Its log is damaged.",))
    html = runs_footer.footer([lost], TITLES, any_runs=True)
    assert "It is damaged" in html
    assert "again" not in actions(html)


def test_a_title_is_not_markup() -> None:
    assert "<img" not in runs_footer.footer([RUN], {RUN.id: EVIL}, any_runs=True)
