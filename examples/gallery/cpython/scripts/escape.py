"""Tries to reach what is outside the sandbox, and prints what it gets each time."""

import os
import sys
from pathlib import Path


def attempt(title, action):
    """Calls a function, and prints its result or its exception."""
    try:
        result = repr(action())
    except BaseException as error:
        result = f"{type(error).__name__}: {error}"
    print(f"{title}: {result}"[:96])


def network():
    """Opens a connection."""
    import socket

    return socket.create_connection(("127.0.0.1", 80))


def process():
    """Starts a program."""
    import subprocess

    return subprocess.run(["/bin/sh", "-c", "id"])


def native():
    """Calls a function of C."""
    import ctypes

    return ctypes.CDLL(None)


def thread():
    """Starts a thread."""
    import threading

    threading.Thread(target=print).start()


def fill():
    """Writes more than the directory may hold."""
    Path("/data/large").write_bytes(bytes(2 << 20))


def many_files():
    """Opens more files than it may."""
    for number in range(1000):
        os.open(f"/data/{number}", os.O_CREAT | os.O_WRONLY)


attempt("a file of the host", lambda: Path("/etc/passwd").read_text())
attempt("out of the directory", lambda: Path("/data/../../etc/passwd").read_text())
attempt("the same from inside", lambda: os.chdir("/data") or Path("../etc/passwd").read_text())
attempt("a link to the host", lambda: os.symlink("/etc/passwd", "/data/link"))
attempt("its own script", lambda: Path("/script/main.py").write_text(""))
attempt("other directories", lambda: os.listdir("/proc"))
attempt("environment", lambda: sorted(set(os.environ) - {"PWD"}))
attempt("network", network)
attempt("program", process)
attempt("fork", lambda: os.fork())
attempt("signal", lambda: os.kill(1, 9))
attempt("native code", native)
attempt("thread", thread)
attempt("fill the directory", fill)
attempt("many files", many_files)
attempt("user", lambda: os.getuid())
attempt("a bad descriptor", lambda: os.write(12345, b"x"))
sys.stdout.flush()
