"""The Hugging Face Hub: whether it can be reached, and the names and addresses of its repositories.

Fetches nothing: data/ fetches data sets, training/ fetches encoders. A name that a user typed reaches the Hub only if it is a valid repository id.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_TIMEOUT = 5.0  # seconds until the Hub must respond
_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_NAME_PART = re.compile(r"[a-z0-9](?:[\w.-]{0,94}\w)?", re.ASCII | re.IGNORECASE)
_RESERVED_OWNERS = frozenset(
    "api blog chat collections datasets docs join learn login models new organizations papers pricing settings spaces tasks".split()
)


@dataclass(frozen=True)
class HubRepository:
    """A repository of the Hub. ``config``: the configuration (subset) of a data set that was named after it, else ""."""

    repo: str
    config: str = ""
    is_dataset: bool | None = None
    """None for a bare "owner/name", which may be a model or a data set."""


def parse_repository(text: str) -> HubRepository | None:
    """The repository named by "owner/name", "owner/name/config" or an https address of the Hub; None for anything else."""
    text = text.strip()
    if "://" not in text:
        return _repository(text.split("/"), None)
    try:
        address = urlsplit(text)
    except ValueError:
        return None
    if address.scheme.lower() != "https" or address.netloc.lower() not in _HOSTS:
        return None
    first, *rest = names = unquote(address.path).strip("/").split("/")
    if first != "datasets":
        return _repository(names[:2], False)
    # The data set viewer has the config in its path: /datasets/owner/name/viewer/config/split
    return _repository([*rest[:2], *rest[3:4]] if rest[2:3] == ["viewer"] else rest[:2], True)


def _repository(names: Sequence[str], is_dataset: bool | None) -> HubRepository | None:
    valid = all(_NAME_PART.fullmatch(name) and "--" not in name and ".." not in name and not name.endswith(".git") for name in names)
    if not valid or not 2 <= len(names) <= 3 or names[0].lower() in _RESERVED_OWNERS:
        return None
    return HubRepository("/".join(names[:2]), "".join(names[2:]), is_dataset)


def hub_is_reachable() -> bool:
    """Whether the Hub can be reached now. Call this first: the Hub's own client retries for half a minute before it gives up."""
    import httpx
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return False
    try:
        httpx.head(constants.ENDPOINT, timeout=_TIMEOUT, follow_redirects=False)
    except httpx.HTTPError:
        return False
    return True
