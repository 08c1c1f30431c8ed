"""Which host names and origins are this server's own, and whether it may be served on an address at all.

Not the check of a request: ``cross_site.py`` does that. A name that is not ours may have been bound to our address by somebody else's page.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from trainer.errors import UserError
from trainer.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_EVERYWHERE = ("0.0.0.0", "::", "")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")


@dataclass(frozen=True)
class AllowedHosts:
    """``served`` are the names under which this server may be asked, whatever the port: it may be forwarded from another one. ``named`` are those
    that were named for it (``example.org``, ``example.org:8443``, ``*.example.org``): it may be asked under them, and pages under them are its
    own even where a proxy in between asks under another name."""

    served: frozenset[str]
    named: tuple[str, ...] = ()
    any_address: bool = False
    """Bound to all addresses, it may be asked under each of them. That is no name, so nobody can have bound it to us."""

    def allows(self, host: str) -> bool:
        """Whether the value of a Host header is one of ours."""
        name = _name_of(host)
        if name is None:
            return False
        return name in self.served or (self.any_address and _is_address(name)) or any(_fits(name, _name_of(named)) for named in self.named)

    def is_own_origin(self, origin: str, host: str) -> bool:
        """Whether a page of this origin (``scheme://host:port``) is our own, asked under ``host``. Another port is another page."""
        parts = urlsplit(origin.lower())
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
            return False
        return _whole(parts.netloc, parts.scheme) == _whole(host.lower(), parts.scheme) or any(
            _fits(parts.netloc, named) for named in self.named
        )


def allowed_hosts(address: str, settings: Settings) -> AllowedHosts:
    """The names under which a server on ``address`` may be asked. Raises UserError where one of those in the settings is none."""
    for named in settings.hosts:
        if _NAME.fullmatch(named.lower()) is None:
            raise UserError(
                f"EMOTUNE_HOSTS must be names of hosts with commas between them, such as “emotune.example.org, *.example.net”; found “{named[:60]}”.",
                code="setting_out_of_range",
            )
    address = address.strip("[]").lower()
    served = set(LOOPBACK)
    if address not in LOOPBACK:
        mine = socket.gethostname().lower()
        served |= {address, mine, f"{mine}.local"}
    return AllowedHosts(frozenset(served), tuple(named.lower() for named in settings.hosts), any_address=address in _EVERYWHERE)


def check_protected(address: str, settings: Settings, *, public: bool) -> None:
    """Raise UserError ``open_to_all`` where everybody who reaches this address could use the page, and nobody has said that this is meant."""
    if is_loopback(address) or settings.password or settings.space or public:
        return
    raise UserError(
        f"With GRADIO_SERVER_NAME={address} everybody who can reach this computer could use this page, see its files and delete its runs. "
        "Choose a password in the environment variable EMOTUNE_PASSWORD, or start with --public if that is meant.",
        code="open_to_all",
    )


def is_loopback(address: str) -> bool:
    """Whether an address is reached from this computer alone."""
    address = address.strip("[]").lower()
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _name_of(host: str) -> str | None:
    """A host's name or address without its port and brackets; None where it is no host."""
    host = host.lower().rstrip(".")
    if host.startswith("*."):
        return host.partition(":")[0]
    found = _HOST.fullmatch(host)
    return None if found is None else found["name"].strip("[]").rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _fits(name: str, pattern: str | None) -> bool:
    if pattern is None:
        return False
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


def _whole(host: str, scheme: str) -> str:
    """A host with its port, also where that is the usual one."""
    found = _HOST.fullmatch(host)
    if found is None:
        return host
    return f"{found['name']}:{found['port'] or {'http': '80', 'https': '443'}[scheme]}"
