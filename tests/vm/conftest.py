# SPDX-License-Identifier: GPL-2.0
"""Prints at the end what works on which kernel, and leaves it in BUILD/vm/kernels.md."""
import collections
import os


def _properties(report):
    return dict(report.user_properties)


def pytest_terminal_summary(terminalreporter):
    rows, kernels, said = collections.OrderedDict(), [], []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            properties = _properties(report)
            if "what" not in properties:
                continue
            kernel = properties["kernel"]
            if kernel not in kernels:
                kernels.append(kernel)
            rows.setdefault(properties["what"], {})[kernel] = "works" if outcome == "passed" else "FAILS"
            said += [(kernel, properties["what"], line) for line in properties["said"].splitlines()]
    if not rows:
        return
    kernels.sort(key=lambda name: [int(part) for part in name.split("-")[0].split("+")[0].split(".")])
    lines = ["| what | " + " | ".join(kernels) + " |", "| --- |" + " --- |" * len(kernels)]
    lines += [f"| {what} | " + " | ".join(cells.get(kernel, "-") for kernel in kernels) + " |" for what, cells in rows.items()]
    lines += ["", "What bpfprof said there:", ""] + [f"- {kernel}, {what}: `{line}`" for kernel, what, line in said] if said else []
    terminalreporter.section("kernels")
    terminalreporter.write_line("\n".join(lines))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = os.path.abspath(os.environ.get("VM_CACHE", os.path.join(root, "build", "vm")))
    with open(os.path.join(folder, "kernels.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
