"""A sample of the attack, on a server of its own in public mode and on one of a team."""

import re

from tests.attack import visitors
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import running_server
from tests.warm_interpreter import WarmInterpreter


def test_a_visitor_sees_and_changes_nothing_of_another(warm_interpreter: WarmInterpreter) -> None:
    with running_server(settings=visitors.PUBLIC, short_rounds=True, warm_interpreter=warm_interpreter) as server:
        outcome = visitors.attack_server(AttackOptions(fraction=1 / visitors.ROUNDS), server)
    assert outcome.effects == []
    assert outcome.figures["events reached"] == outcome.figures["events"] > 100


def test_a_user_of_a_team_sees_and_changes_nothing_of_another(warm_interpreter: WarmInterpreter) -> None:
    with running_server(settings=visitors.TEAM, users=visitors.USERS, short_rounds=True, warm_interpreter=warm_interpreter) as server:
        outcome = visitors.attack_server(AttackOptions(fraction=1 / visitors.ROUNDS), server, visitors.USERS)
    assert outcome.effects == []
    assert outcome.figures["events reached"] == outcome.figures["events"] > 100


def test_the_walk_has_every_address_of_ours() -> None:
    fields = {field for address in visitors.addresses() for field in re.findall(r"{(\w+)}", address)}
    assert fields <= {"run", "draft", "job", "upload", "upload_folder", "upload_name", "folder", "token", "along"}
