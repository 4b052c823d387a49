"""Assembly that the pipeline's tests share.

A test's body stands in one line of the instruction cache, behind instructions that bring the
line and let the pipeline run full, so that cycles behind its first label are those of a warm
cache and a predictor that does not know the body.
"""

from pipeline.model import LINE

FINISH = """
    .p2align 6
finish:
    li    t0, 0x100000
    li    t1, 0x5555
    sw    t1, 0(t0)
"""

DATA = """
    .data
    .p2align 12
data:
    .zero 0x8000
"""


def program(body, before="", after="", data=DATA):
    """body: at most a line, less eight bytes. before: what runs before it. after: other code.
    s0 is the address of a buffer of 32 KiB, whose first line is in the data cache, s1 that of
    the label `handler`, where traps go."""
    handler = "" if "handler:" in body + after else "    .p2align 2\nhandler:\n    j handler\n"
    return f"""
    .globl _start
_start:
    la    s0, data
    la    s1, handler
    csrw  mtvec, s1
    ld    zero, 0(s0)
{before}
    j     body
    .p2align 6
body:
    nop
    nop
{body}
    j     finish
{after}{handler}{FINISH}{data}"""


def table(entries, size=512):
    """A page-table page: {index: value}."""
    lines, at = [], 0
    for index, value in sorted(entries.items()):
        if index > at:
            lines.append(f"    .zero {8 * (index - at)}")
        lines.append(f"    .dword {value:#x}")
        at = index + 1
    if at < size:
        lines.append(f"    .zero {8 * (size - at)}")
    return "\n".join(lines) + "\n"


assert LINE == 64
