"""Which host names and origins belong to this server, and whether it may be served on an address at all.

cross_site.py checks the requests. Somebody else's name may resolve to our address (DNS rebinding).
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from trainer.errors import RecipeError
from trainer.settings import Settings
from trainer.users import Users

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_ALL_ADDRESSES = ("0.0.0.0", "::", "")
_HOST_PATTERN = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_NAME_PATTERN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")


@dataclass(frozen=True)
class AllowedHosts:
    """``served`` are host names of this server, with any port, since ports may be forwarded. ``named`` are those from the settings
    (``example.org``, ``example.org:8443``, ``*.example.org``): pages under them are our own even if a proxy uses another host name."""

    served: frozenset[str]
    named: tuple[str, ...] = ()
    any_address: bool = False
    """A server bound to all addresses allows each of them. An address is not a name, so it cannot be rebound to us."""

    def allows(self, host: str) -> bool:
        """Whether the value of a Host header is allowed."""
        name = _name_of(host)
        if name is None:
            return False
        return (
            name in self.served or (self.any_address and _is_address(name)) or any(_matches(name, _name_of(named)) for named in self.named)
        )

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether an origin (``scheme://host:port``) is our own page, requested from ``host``. Another port is another page."""
        parts = urlsplit(origin.lower())
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
            return False
        return _with_port(parts.netloc, parts.scheme) == _with_port(host.lower(), parts.scheme) or any(
            _matches(parts.netloc, named) for named in self.named
        )


def allowed_hosts(address: str, settings: Settings) -> AllowedHosts:
    """The host names of a server on ``address``. Raises UserError ``setting_out_of_range`` for invalid names in the settings."""
    for named in settings.hosts:
        if _NAME_PATTERN.fullmatch(named.lower()) is None:
            raise RecipeError(
                f"EMOTUNE_HOSTS must be names of hosts with commas between them, such as “emotune.example.org, *.example.net”; found “{named[:60]}”.",
                code="setting_out_of_range",
            )
    address = address.strip("[]").lower()
    served = set(LOOPBACK)
    if address not in LOOPBACK:
        own_name = socket.gethostname().lower()
        served |= {address, own_name, f"{own_name}.local"}
    return AllowedHosts(frozenset(served), tuple(named.lower() for named in settings.hosts), any_address=address in _ALL_ADDRESSES)


def check_protected(address: str, settings: Settings) -> None:
    """Raise UserError ``open_to_all`` if everybody who can reach this address could see and change the work of the one owner, ``no_users`` for
    a team without users."""
    if settings.mode.named:
        if not Users(settings.users_file).names():
            raise RecipeError("Nobody can log in yet. Add a user first: python -m trainer users add NAME", code="no_users")
        return
    if is_loopback(address) or settings.password or settings.mode.separate_visitors:
        return
    raise RecipeError(
        f"With GRADIO_SERVER_NAME={address} everybody who can reach this computer could use this page, see its files and delete its runs. "
        "Choose a password in the environment variable EMOTUNE_PASSWORD, or start with --public: then each visitor sees only what is their own.",
        code="open_to_all",
    )


def is_loopback(address: str) -> bool:
    """Whether an address can only be reached from this computer."""
    address = address.strip("[]").lower()
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _name_of(host: str) -> str | None:
    """A host name or address without port and brackets; None if it is invalid."""
    host = host.lower().rstrip(".")
    if host.startswith("*."):
        return host.partition(":")[0]
    match = _HOST_PATTERN.fullmatch(host)
    return None if match is None else match["name"].strip("[]").rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return False
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _with_port(host: str, scheme: str) -> str:
    """A host with its port, also if it is the default port."""
    match = _HOST_PATTERN.fullmatch(host)
    if match is None:
        return host
    return f"{match['name']}:{match['port'] or {'http': '80', 'https': '443'}[scheme]}"
