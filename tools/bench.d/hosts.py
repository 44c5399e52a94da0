# SPDX-License-Identifier: GPL-2.0
"""What runs on the host while something is measured."""
import os

import tools

# Programs of a usual host that wait for ever, with the libraries they bring.
WAITING = (
    (60, ["/usr/bin/python3.11", "-c", "import ssl, sqlite3, lzma, ctypes, bz2, time; time.sleep(10000)"]),
    (30, ["/usr/bin/perl", "-MSocket", "-MPOSIX", "-e", "sleep 10000"]),
    (30, ["/usr/bin/bash", "-c", "read line"]),
    (4, ["/usr/bin/node", "-e", "setTimeout(() => 0, 1e8)"]),
    (2, ["/usr/bin/clang", "-x", "c", "-fsyntax-only", "-"]),
    (2, ["/usr/bin/gdb", "-q", "-nx"]),
    (2, ["/usr/bin/redis-server", "--port", "0", "--save", ""]),
    (2, ["/usr/bin/openssl"]),
)


def mixed(cnt):
    """cnt processes, some of each of WAITING that is installed."""
    commands = []
    for number, command in WAITING:
        if os.access(command[0], os.X_OK):
            commands += [command] * number
    return commands[:cnt] + [["/usr/bin/sleep", "10000"]] * max(0, cnt - len(commands))


def cpus():
    return sorted(os.sched_getaffinity(0))


def on_cpu(cpu, command):
    """Pinned, and before strangers: of a sample's ticks all should meet it."""
    return ["nice", "-n", "-19", "taskset", "-c", cpu, *command]


def busy(depth=20, program="depth"):
    """A copy on each CPU that burns below a stack so deep."""
    return [on_cpu(cpu, [tools.work(program), depth, 10000]) for cpu in cpus()]
