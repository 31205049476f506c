"""Starts commands in processes of their own in a moment: all is imported once, then it forks.

Read from standard input, a line of JSON each: ``{"start": ...}`` answers with the process,
``{"wait": process}`` with its exit code, or minus the signal that ended it, the seconds of
processor time and the bytes of memory that it took.
"""

import json
import os
import runpy
import signal
import sys


def begin(order: dict) -> int:
    """Start a command; return the number of its process."""
    process = os.fork()
    if process:
        return process
    status = 99
    try:
        os.chdir(order["folder"])
        said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(said, 1)
        os.dup2(said, 2)
        for name, value in order.get("patches", {}).items():
            module, _, attribute = name.partition(":")
            setattr(sys.modules[module], attribute, value)
        sys.argv = [f"{order['verb']}.py", *order["words"]]
        runpy.run_module(f"emqs.{order['verb']}", run_name="__main__", alter_sys=False)
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


def say(answer: object) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def main() -> None:
    for name in (
        "numpy", "torch", "tensorstore", "hydra", "zarr", "pyarrow.parquet", "scipy.ndimage",
        "scipy.optimize", "sklearn.linear_model", "emqs.runs.command", "emqs.embedding.build",
        "emqs.embedding.stores.opening", "emqs.embedding.stores.parquet_export", "emqs.runs.model",
        "emqs.retrieval.volume_search", "emqs.labels.convert", "emqs.labels.tasks",
        "emqs.ingestion.ingest", "emqs.prediction.predict", "emqs.training.train",
        "emqs.evaluation.report", "emqs.retrieval.report", "emqs.evaluation.projection",
    ):  # fmt: skip
        __import__(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            say(begin(order["start"]))
        else:
            _, status, used = os.wait4(order["wait"], 0)
            say(
                f"{os.waitstatus_to_exitcode(status)} {used.ru_utime + used.ru_stime} "
                f"{1024 * used.ru_maxrss}"
            )


if __name__ == "__main__":
    main()
