"""A child whose parser does what the file says: "odd: abort", "odd: spin" and so on; otherwise like the real child.

python -m tests.data.reader.odd_child PARENT
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trainer.data.files.read_table import Content, open_content
from trainer.data.files.table import Limits
from trainer.data.reader import child_main, resource_limits
from trainer.errors import FileError


def _spin() -> None:
    while True:
        pass


def _hold(path: str) -> None:
    """Wait until the file exists, and tell by another one that this child waits."""
    Path(f"{path}-{os.getpid()}").touch()
    while not Path(path).exists():
        time.sleep(0.01)


def _fail(secret: str) -> None:
    raise IndexError(secret)


def _modules() -> None:
    raise FileError(" ".join(sorted(sys.modules)), code="not_a_table")


def _limits() -> None:
    import resource

    names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_CORE", "RLIMIT_FSIZE")
    raise FileError(" ".join(f"{name}={resource.getrlimit(getattr(resource, name))[0]}" for name in names), code="not_a_table")


ACTIONS: dict[str, Callable[..., object]] = {
    "abort": os.abort,
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "spin": _spin,
    "sleep": lambda: time.sleep(600),
    "memory": lambda: bytearray(resource_limits.memory_bytes(0) + (64 << 20)),
    "grow": lambda: bytearray(150 << 20).count(1),
    "garbage": lambda: os.write(int(os.environ.get("ANSWERS", "4")), b"\xff" * 64),
    "print": lambda: (os.write(1, b"\xff" * 64), print("noise", flush=True)),
    "fail": _fail,
    "hold": _hold,
    "modules": _modules,
    "limits": _limits,
}


def open_odd_content(data: bytes, limits: Limits) -> Content:
    first = data.split(b"\n", 1)[0].decode("utf-8", "replace")
    if first.startswith("odd: "):
        action, *arguments = first.removeprefix("odd: ").split(" ", 1)
        ACTIONS[action](*arguments)
    return open_content(data, limits)


if __name__ == "__main__":
    resource_limits._BASE_CPU_SECONDS = 1.0
    child_main.open_content = open_odd_content
    child_main.main()
