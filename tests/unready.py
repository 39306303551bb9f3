"""unready.py INPUT COMMAND...: run it on pipes that never wait (O_NONBLOCK).

INPUT is written when the command sleeps for it, and the command's output is
read when the pipe is full, or either when the command has ended."""

import fcntl
import os
import select
import subprocess
import sys
import threading

from service import until


def pipe():
    """A pipe of a page whose ends for the command never wait."""
    ends = os.pipe()
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    return ends


def never_waits(end):
    """The same end, which from now on gives EAGAIN where it would wait."""
    os.set_blocking(end, False)
    return end


def sleeps(process):
    """Does the process sleep, or has it ended?"""
    try:
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] in "SZ"
    except (FileNotFoundError, ProcessLookupError):
        return True


def feed(process, end, path):
    """Write the file when the process sleeps or has ended."""
    until(lambda: sleeps(process))
    with open(path, "rb") as file, os.fdopen(end, "wb") as out:
        try:
            out.write(file.read())
        except BrokenPipeError:
            pass


def main():
    """Copy the command's output, and end with its status."""
    inputs, outputs = pipe(), pipe()
    process = subprocess.Popen(sys.argv[2:], stdin=never_waits(inputs[0]),
                               stdout=never_waits(outputs[1]))
    os.close(inputs[0])
    threading.Thread(target=feed, args=(process, inputs[1], sys.argv[1])).start()
    until(lambda: process.poll() is not None
          or not select.select([], [outputs[1]], [], 0)[1])
    os.close(outputs[1])
    with os.fdopen(outputs[0], "rb") as out:
        sys.stdout.buffer.write(out.read())
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
