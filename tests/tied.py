"""Programs that tests start and that end with them, however these end: a test run that is killed leaves no server and no browser behind.

    python tests/tied.py PARENT PROGRAM ARGUMENTS...

becomes that program, which Linux kills when the process PARENT has ended. Elsewhere programs are started as they are.
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
    """Have this process killed when its parent ends; the thread that started it must live as long as that one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it has ended meanwhile


def popen(args: list[str], **how: Any) -> subprocess.Popen:
    """Start a program that ends with this process."""
    if sys.platform == "linux":
        args = [sys.executable, "-IS", __file__, str(os.getpid()), *args]
    return subprocess.Popen(args, **how)


def script(program: str, path: Path) -> str:
    """A program to be started by another program that it is to end with: the path of a script that becomes it."""
    if sys.platform != "linux":
        return program
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" $PPID "{program}" "$@"\n')
    path.chmod(0o700)
    return str(path)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
