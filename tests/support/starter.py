"""Starts commands in processes of their own in a moment: all is imported once, then it forks.

The modules to import are given as arguments. Read from standard input, a line of JSON each:
``{"start": ...}`` answers with the process, ``{"wait": process}`` with its exit code, or minus the
signal that ended it, the seconds of processor time and the bytes of memory that it took;
``{"look": process}`` answers the same at once, or with nothing while it runs.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys


def begin(order: dict) -> int:
    """Start a module; return the number of its process."""
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        os.chdir(order["folder"])
        os.environ.update(order.get("environment", {}))
        for number, name in ((1, "said"), (2, "errors")):
            path = order.get(name, order["said"])
            said = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
            os.dup2(said, number)
        for name, value in order.get("patches", {}).items():
            module, _, attribute = name.partition(":")
            setattr(sys.modules[module], attribute, value)
        sys.argv = [f"{order['module'].rpartition('.')[2]}.py", *order["words"]]
        runpy.run_module(order["module"], run_name="__main__", alter_sys=False)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 70
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def ended(process: int, how: int) -> str:
    """Return how a process ended, or nothing."""
    found, status, used = os.wait4(process, how)
    if not found:
        return ""
    seconds = used.ru_utime + used.ru_stime
    return f"{os.waitstatus_to_exitcode(status)} {seconds} {1024 * used.ru_maxrss}"


def say(answer: object) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def main() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # forks share what is never looked at again
    say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            say(begin(order["start"]))
        elif "look" in order:
            say(ended(order["look"], os.WNOHANG))
        else:
            say(ended(order["wait"], 0))


if __name__ == "__main__":
    main()
