"""Programs that tests start and that end with the test run, even if that is killed: no server and no browser is left behind.

    python tests/child_processes.py PARENT PROGRAM ARGUMENTS...

replaces itself with that program, which Linux kills when the process PARENT ends. On other systems programs are started normally.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Have this process killed when its parent ends; the parent's thread that started it must live until then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent has ended already


def popen(args: list[str], **options: Any) -> subprocess.Popen:
    """Start a program that ends with this process."""
    if sys.platform == "linux":
        args = [sys.executable, "-IS", __file__, str(os.getpid()), *args]
    return subprocess.Popen(args, **options)


def script(program: str, path: Path) -> str:
    """The path of a script that runs a program and ends with the process that starts it."""
    if sys.platform != "linux":
        return program
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" $PPID "{program}" "$@"\n')
    path.chmod(0o700)
    return str(path)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
