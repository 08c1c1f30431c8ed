"""Users of a team: names and hashed passwords in a file."""

import json
import stat
import sys
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.users import Users, owner_of_user, user_of_owner

PASSWORD = "correct horse"


@pytest.fixture
def users(tmp_path: Path) -> Users:
    known = Users(tmp_path / "users.json")
    known.set_password("ada", PASSWORD)
    return known


def test_only_the_right_name_with_the_right_password_logs_in(users: Users) -> None:
    session = users.log_in(" Ada ", PASSWORD)
    assert session is not None
    assert session[0] == "ada"
    assert users.is_valid(session)
    for name, password in (("ada", "correct horsf"), ("ada", ""), ("bob", PASSWORD), ("", PASSWORD), ("ada", "\ud800")):
        assert users.log_in(name, password) is None


def test_no_password_is_in_the_file_and_equal_ones_look_different(users: Users, tmp_path: Path) -> None:
    users.set_password("bob", PASSWORD)
    file = tmp_path / "users.json"
    assert PASSWORD not in file.read_text()
    hashes = {known["hash"] for known in json.loads(file.read_text()).values()}
    assert len(hashes) == 2
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_another_password_and_a_removal_end_sessions(users: Users) -> None:
    session = users.log_in("ada", PASSWORD)
    users.set_password("ada", "battery staple")
    assert not users.is_valid(session)
    session = users.log_in("ada", "battery staple")
    users.remove("ada")
    assert not users.is_valid(session)
    assert users.names() == ()
    with pytest.raises(UserError, match="There is no user") as refused:
        users.remove("ada")
    assert refused.value.code == "unknown_user"


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("../x", PASSWORD), ("a b", PASSWORD), ("a" * 41, PASSWORD), ("bob", "short")]
)
def test_what_is_no_name_or_too_short_a_password_is_refused(users: Users, name: str, password: str) -> None:
    with pytest.raises(UserError) as refused:
        users.set_password(name, password)
    assert refused.value.code == "bad_user"
    assert users.names() == ("ada",)


@pytest.mark.parametrize("content", ["[", "[]", '{"ada": 1}', '{"ada": {"salt": "00"}}', "\x00"])
def test_a_damaged_list_lets_nobody_in_and_says_so(users: Users, tmp_path: Path, content: str) -> None:
    (tmp_path / "users.json").write_text(content)
    with pytest.raises(UserError) as refused:
        users.log_in("ada", PASSWORD)
    assert refused.value.code == "users_damaged"


def test_the_owner_of_a_user_s_work_tells_the_user() -> None:
    assert user_of_owner(owner_of_user("ada")) == "ada"
    assert user_of_owner("visitor-0123") == user_of_owner("local") == ""
