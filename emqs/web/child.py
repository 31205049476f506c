"""Runs a command for a worker and ends with it: when the worker dies, so does what it started.

Called as a script, without the rest of emqs. The worker holds the other end of standard input; when
that is closed, however the worker ended, every process of the group is killed.
"""

import os
import signal
import subprocess
import sys
import threading

NICE = 5  # the server answers first


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command given as arguments; the exit code is its own, or 128 + its signal."""
    os.nice(NICE)
    threading.Thread(target=_watch, daemon=True).start()
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL) as process:
        code = process.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
