"""A command run as the child of a small process, and what it took, as JSON: `python bench/bill.py FD COMMAND ...`.

Linux gives a new program the peak of memory of the process that started it; this one's is 10 MB.
"""

import json
import os
import sys
import time

_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    """Write the bill to the file descriptor; its names are those of `bench.child.Cost`."""
    told, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(told, False)
    started = time.monotonic()
    _, status, used = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    bill = {
        "status": os.waitstatus_to_exitcode(status),
        "wall_s": time.monotonic() - started,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss * _UNIT / 1e6,
    }
    with os.fdopen(told, "w") as file:
        json.dump(bill, file)


if __name__ == "__main__":
    main()
