"""Users of a server in team mode: names and hashed passwords in a file, read each time somebody logs in, so that no restart is needed.

Changed in the terminal (``python -m trainer users``). Who is logged in: ``security/password.py``.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer.atomic import make_folder, write_file
from trainer.errors import NotFoundError, RecipeError, UnavailableError

MIN_PASSWORD_CHARS = 8
_OWNER_PREFIX = "user-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
# OWASP's recommendation for scrypt with 32 MB: a tenth of a second or two for each try.
_COST, _BLOCK_SIZE, _PARALLEL = 2**15, 8, 3
_MEMORY = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Hash:
    """A password's scrypt hash (RFC 7914) and its salt, in hexadecimal digits."""

    salt: str
    hash: str


def owner_of_user(name: str) -> str:
    """The owner whose work a user of a team has."""
    return f"{_OWNER_PREFIX}{name}"


def user_of_owner(owner: str) -> str:
    """The name of the user who is this owner; empty for any other owner."""
    return owner.removeprefix(_OWNER_PREFIX) if owner.startswith(_OWNER_PREFIX) else ""


class Users:
    """The users in one file, which only the server's owner can read."""

    named = True

    def __init__(self, file: Path) -> None:
        self._file = file

    def names(self) -> tuple[str, ...]:
        """All names, sorted. Raises UserError ``users_damaged``."""
        return tuple(sorted(self._read()))

    def set_password(self, name: str, password: str) -> None:
        """Add a user, or give one another password, which ends the sessions with the old one. Raises UserError ``bad_user``, and OSError."""
        if _NAME.fullmatch(name) is None:
            raise RecipeError(
                f"A user's name has 1 to 40 small letters, digits, dots, dashes and underscores, and starts with a letter or digit; found “{name[:60]}”.",
                code="bad_user",
            )
        if len(password) < MIN_PASSWORD_CHARS:
            raise RecipeError(
                f"A password has at least {MIN_PASSWORD_CHARS} characters; this one has {len(password)}. Choose a longer one.",
                code="bad_user",
            )
        salt = secrets.token_hex(16)
        self._write(self._read() | {name: _Hash(salt, _scrypt(password, salt))})

    def remove(self, name: str) -> None:
        """Let a user log in no more; what is theirs stays. Raises UserError ``unknown_user``, and OSError."""
        users = self._read()
        if users.pop(name, None) is None:
            raise NotFoundError(f"There is no user “{name[:60]}”. The users are {', '.join(sorted(users)) or 'none'}.", code="unknown_user")
        self._write(users)

    def log_in(self, name: str, password: str) -> tuple[str, str] | None:
        """Who logs in: the name, and what tells this password from a later one; None if they do not fit. Takes as long for an unknown name."""
        name = name.strip().lower()
        known = self._read().get(name)
        found = _scrypt(password, known.salt if known else "00")
        return (name, known.salt) if known is not None and hmac.compare_digest(found, known.hash) else None

    def is_valid(self, session: tuple[str, str]) -> bool:
        """Whether a session from ``log_in`` holds: its user is still there, with the same password."""
        known = self._read().get(session[0])
        return known is not None and known.salt == session[1]

    def _read(self) -> dict[str, _Hash]:
        try:
            return {name: _Hash(**fields) for name, fields in json.loads(self._file.read_text(encoding="utf-8")).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise UnavailableError(
                f"The list of users ({self._file.name}) cannot be read, so nobody can log in. Remove it, and add the users again.",
                code="users_damaged",
            ) from error

    def _write(self, users: dict[str, _Hash]) -> None:
        make_folder(self._file.parent)
        write_file(self._file, json.dumps({name: asdict(known) for name, known in users.items()}, indent=1).encode())


def _scrypt(password: str, salt: str) -> str:
    hashed = hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), n=_COST, r=_BLOCK_SIZE, p=_PARALLEL, maxmem=_MEMORY
    )
    return hashed.hex()
