"""Hosts: a server answers under its own names alone, and another port's page is another page."""

import socket
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.security.hosts import allowed_hosts, check_protected
from trainer.settings import PUBLIC, Settings

LOCAL = Settings(runs_dir=Path("unused"))


def settings(**values: object) -> Settings:
    return Settings(runs_dir=Path("unused"), **values)


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "localhost:9999", "localhost.:7860"])
def test_a_server_on_loopback_answers_under_its_own_names_through_any_forwarded_port(host: str) -> None:
    assert allowed_hosts("127.0.0.1", LOCAL).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            "evil.test",
            "evil.test:7860",
            "127.0.0.1.evil.test",
            "localhost.evil.test",
            "evil-localhost",
            "192.168.1.5",
            "127.0.0.2",
            "0.0.0.0",
        ),
        *(
            "localhost:7860@evil.test",
            "localhost:port",
            "localhost evil.test",
            "[::1",
            "127.0.0.1, evil.test",
            "127.0.0.1:7860:7860",
            "*.localhost",
        ),
    ],
)
def test_a_name_that_is_not_ours_is_not_answered(host: str) -> None:
    assert not allowed_hosts("127.0.0.1", LOCAL).allows(host)


def test_a_server_in_a_network_answers_under_its_address_and_the_computer_s_name() -> None:
    hosts = allowed_hosts("192.168.1.5", LOCAL)
    assert hosts.allows("192.168.1.5:7860")
    assert hosts.allows(f"{socket.gethostname()}:7860")
    assert not hosts.allows("192.168.1.6:7860")
    assert not hosts.allows("evil.test:7860")


def test_a_server_on_all_addresses_answers_under_each_of_them_and_under_no_strange_name() -> None:
    hosts = allowed_hosts("0.0.0.0", LOCAL)
    assert hosts.allows("192.168.1.6:7860")
    assert hosts.allows("[fe80::1]:7860")
    assert not hosts.allows("evil.test:7860")
    assert not hosts.allows("192.168.1.6.evil.test")


def test_names_from_the_settings_are_served_with_all_below_a_star() -> None:
    hosts = allowed_hosts("127.0.0.1", settings(hosts=("emotune.example.org", "*.example.net")))
    assert hosts.allows("emotune.example.org")
    assert hosts.allows("Emotune.example.org:443")
    assert hosts.allows("a.b.example.net")
    assert not hosts.allows("example.net")
    assert not hosts.allows("evilexample.net")
    assert not hosts.allows("example.org")


@pytest.mark.parametrize("named", ["*", "https://example.org", "example.org/path", "a b", "*.*.org", "example.org:port", ""])
def test_a_setting_that_names_no_host_is_a_sentence(named: str) -> None:
    with pytest.raises(UserError, match="EMOTUNE_HOSTS"):
        allowed_hosts("127.0.0.1", settings(hosts=(named,)))


def test_an_own_page_has_the_same_host_and_port() -> None:
    hosts = allowed_hosts("127.0.0.1", settings(hosts=("emotune.example.org",)))
    assert hosts.is_own_origin("http://127.0.0.1:7860", "127.0.0.1:7860")
    assert hosts.is_own_origin("http://localhost", "localhost:80")
    assert hosts.is_own_origin("https://localhost", "localhost")
    # A proxy in between may ask under another name.
    assert hosts.is_own_origin("https://emotune.example.org", "127.0.0.1:7860")
    for origin in (
        "http://localhost:9999",
        "http://localhost:7860",
        "http://evil.test",
        "null",
        "",
        "file://",
        "http://",
        "https://emotune.example.org:8443",
    ):
        assert not hosts.is_own_origin(origin, "127.0.0.1:7860"), origin


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.2"])
def test_loopback_is_open_to_nobody(address: str) -> None:
    check_protected(address, LOCAL)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "myhost", ""])
def test_other_addresses_need_a_password_a_space_or_somebody_s_word(address: str) -> None:
    with pytest.raises(UserError, match="EMOTUNE_PASSWORD") as refused:
        check_protected(address, LOCAL)
    assert refused.value.code == "open_to_all"
    check_protected(address, settings(mode=PUBLIC))
    check_protected(address, settings(password="secret"))
