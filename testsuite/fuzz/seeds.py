"""Writes the seeds of the fuzzers of input: seeds.py DIRECTORY makes one directory for each.

The programs are those of the tree, assembled by visa-as (VISA_AS); command lines are written here.
"""

import os
import subprocess
import sys
from pathlib import Path

SRC = Path(os.environ["VISA_SRC"])
AS = os.environ["VISA_AS"]

# Small programs that show what tour.s does not.
SOURCES = {
    "sections": """#! -c -l list
    .globl _start, f
    .section .text.hot, "ax", @progbits
_start: call f
    la a0, message
    lui a1, %hi(message)
    addi a1, a1, %lo(message)
    beq a0, a1, 1f
1:  j 1b
    .data
message: .asciz "hello\\n"
    .balign 8
    .dword message, f - 4, . - message
    .bss
    .space 64
    .comm shared, 16, 8
""",
    "macros": """#! --base 0x80001000 --entry go -D SIZE=4 -W
    .macro twice reg, n=1
    .rept \\n
    addi \\reg, \\reg, 1
    .endr
    .endm
    .equ LIMIT, (10 * (3 + 4) / 2 - 1) << 1
go: twice a0, 3
    .if (LIMIT > 5) && (SIZE == 4)
    li a1, 0x123456789abcdef
    .else
    .error "no"
    .endif
    .irp x, a2, a3, a4
    mv \\x, a0
    .endr
    amoadd.w.aqrl a0, a1, (a2)
    csrrw a0, mstatus, a1
    fence rw, rw
    .align 4
    .fill 3, 2, 0x1234
""",
    "htif": """    .globl tohost, fromhost
    la a0, tohost
    la a1, call
    sd a1, (a0)
    li a2, 0x0101000000000041
    sd a2, (a0)
    li a2, 3
    sd a2, (a0)
1:  j 1b
    .data
    .balign 64
tohost: .dword 0
fromhost: .dword 0
call: .dword 64, 1, text, 5, 0, 0, 0, 0
text: .ascii "hello"
""",
    "traps": """    la t0, handler
    csrw mtvec, t0
    csrr a0, mhartid
    bnez a0, park
    li t1, 0x10000000
    li t2, 65
    sb t2, (t1)
    lw t3, 0x7fc(t1)
    ecall
    ebreak
    .word 0
park: wfi
    j park
    .balign 4
handler: csrr t4, mepc
    addi t4, t4, 4
    csrw mepc, t4
    mret
""",
}

OPTIONS = """image
--ram 2M --harts 4 --pool 2 image -x --y z
-m 1048576 -p 64 --quantum 64 --ticks-per-time 1 image
--tlb-l1 4 --tlb-l2 16 --tlb-l2-ways 4 --walk-cache 0 --pmp-granule 4 --svadu on image
--set tlb.l1=4 --set latency.div=9 --set time.source=instret --set dcache.bytes=4K --set x image
--switch-at marker:3 image
--switch-at main --sample 1000:10:10 image
-c a.cfg --config b.cfg --print-config
--model functional --raw 0x80000000 image
--load a.elf --load b.bin@0x80010000 --load=c@1 image
--bootargs x --dump-dtb tree.dtb --uart-in - image
--max-insns 100 -n 5 --timeout 3 --stuck warn image
--trace --trace=file -t --trace-events --trace-from 3 --trace-to 0x10 image
--trace-exits --trace-vm 5 --trace-format json image
--explain-exit 3 --walk 0x80000000:x --check-stale image
--stats - -S -q --summary --registers --quiet image
--version
-h
--
-- --ram
--ram
--ram 1X image
--tr image
--nonsense image
--quiet=1 image
--model none image
"""

# Configuration files: every kind of value, and what is refused.
CONFIGS = [
    'machine: { ram = "64M"; harts = 2; }; time: { source = "instret"; ticks = 0x64L; };\n',
    "tlb: { l1 = 8; /* and */ l2 = 64, l2_ways = 4; } # so\nlatency: { div = 9; alu = 2; // 1\n };\n",
    'predictor = { kind = "no" "ne"; entries = 64; };',
    "tlb: { l1 = 0; };", "tlb: { l3 = 8; };", "tlb = 8;", "l1 = 8;", "nothing: { };",
    "tlb: { l1 = [1, 2]; };", "tlb: { l1 = (1, { a = 1.5e3; }); };", "tlb: { l1 = true; l1 = -8; };",
    '@include "x"', "tlb: { l1 = 99999999999; };", 'machine: { ram = "8X"; };', "tlb: {", 'a = "\\x41',
]


def assemble(directory, name, text, *args):
    source, output = directory / f"{name}.s", directory / f"{name}.elf"
    source.write_text(text)
    subprocess.run([AS, *args, "-o", output, source], check=True)
    return output.read_bytes()


def fill(directory):
    """Every seed that there is, below directory."""
    work = directory / "work"
    for name in ("image", "asm", "dump", "options", "config", "work"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    sources = SOURCES | {p.stem: p.read_text() for p in sorted((SRC / "examples").glob("*.s"))}
    for name, text in sources.items():
        (directory / "asm" / name).write_text(text)
        data = assemble(work, name, text, "-D", "SIZE=4", *(["-c"] if name == "sections" else []))
        (directory / "dump" / name).write_bytes(data)
        (directory / "image" / name).write_bytes(data)
    for path in (SRC / "examples").glob("*.cfg"):
        (directory / "config" / path.stem).write_bytes(path.read_bytes())
    for i, text in enumerate(CONFIGS):
        (directory / "config" / str(i)).write_text(text)
    for i, line in enumerate(OPTIONS.splitlines()):
        (directory / "options" / str(i)).write_text(line)


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
