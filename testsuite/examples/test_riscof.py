"""The plug-in for RISC-V's architecture tests, in the manner of their framework.

riscof itself is no Debian package: a stub stands for the class that the plug-in derives from, and
a test written here, in the form of theirs, for the tests. What its signature must be is computed.
"""

import importlib.util
import re
import sys
import types

import pytest

from harness import tools

HERE = tools.SRC / "examples" / "riscof"

# Sums and shifts of two values into the signature, and a software interrupt pending and gone.
TEST = """
#include "model_test.h"
#include "suite.h"
    .section .text.init
    .globl rvtest_entry_point
rvtest_entry_point:
RVMODEL_BOOT
RVMODEL_IO_INIT
    la x4, signature
    li x2, VALUE_A
    li x3, VALUE_B
    add x5, x2, x3
    SREG x5, 0(x4)
    mulw x5, x2, x3
    SREG x5, 8(x4)
    RVMODEL_IO_ASSERT_GPR_EQ(x4, x5, 0)
    RVMODEL_SET_MSW_INT
    csrr x5, mip
    SREG x5, 16(x4)
    RVMODEL_CLEAR_MSW_INT
    csrr x5, mip
    SREG x5, 24(x4)
    RVMODEL_SET_MTIMER_INT
    csrr x5, mip
    SREG x5, 32(x4)
    RVMODEL_CLEAR_MTIMER_INT
    csrr x5, mip
    SREG x5, 40(x4)
RVMODEL_HALT
    .data
    .balign 4
    .word 0xbabecafe
RVMODEL_DATA_BEGIN
signature: .fill 13, 4, 0xdeadbeef
RVMODEL_DATA_END
"""
A, B = 0x123456789ABCDEF0, 0xFEDCBA9876543210
MSIP, MTIP = 1 << 3, 1 << 7


def signature():
    product = (A & 0xFFFFFFFF) * (B & 0xFFFFFFFF) & 0xFFFFFFFF
    doubles = [A + B & 2**64 - 1, product | (0xFFFFFFFF << 32 if product >> 31 else 0), MSIP, 0, MTIP, 0]
    words = [w for d in doubles for w in (d & 0xFFFFFFFF, d >> 32)] + [0xDEADBEEF, 0, 0, 0]
    return "".join(f"{w:08x}\n" for w in words[:16])


class pluginTemplate:
    """As riscof's: `name` is set to a role and read as the role and the model's name."""

    def __init__(self, *args, **kwargs):
        self.role = kwargs["name"]

    @property
    def name(self):
        return f"{self.role}-{self.__model__}:"


@pytest.fixture
def plugin(monkeypatch):
    stub = types.ModuleType("riscof.pluginTemplate")
    stub.pluginTemplate = pluginTemplate
    monkeypatch.setitem(sys.modules, "riscof", types.ModuleType("riscof"))
    monkeypatch.setitem(sys.modules, "riscof.pluginTemplate", stub)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("riscof_visa", HERE / "riscof_visa.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def suite(tmp_path):
    """The framework's test list with two tests, which differ in their macros."""
    tools.tool("riscv64-unknown-elf-gcc")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "suite.h").write_text("#if XLEN == 64\n#define SREG sd\n#else\n#define SREG sw\n#endif\n")
    (tmp_path / "add.S").write_text(TEST)
    tests = {}
    for name in "one", "two":
        (tmp_path / name).mkdir()
        tests[name] = {"test_path": str(tmp_path / "add.S"), "work_dir": str(tmp_path / name), "isa": "RV64IM",
                       "macros": ["TEST_CASE_1=True", "XLEN=64", f"VALUE_A={A:#x}", f"VALUE_B={B:#x}"]}
    return tests


def model(plugin, **config):
    paths = {"pluginpath": str(HERE), "ispec": str(HERE / "visa_isa.yaml"), "pspec": str(HERE / "visa_platform.yaml"),
             "PATH": str(tools.tool("visa-sim").parent)}
    return plugin.visa(name="DUT", config={**paths, **config})


def run(m, tests, tmp_path):
    m.initialise(str(tmp_path), str(tmp_path), str(tmp_path / "env"))
    m.build(str(HERE / "visa_isa.yaml"), str(HERE / "visa_platform.yaml"))
    m.runTests(tests)


@pytest.mark.parametrize("config", [{}, {"jobs": "2", "target_run": "1"}, {"options": "--model pipeline --time instret"}])
def test_signatures(config, plugin, suite, tmp_path):
    if "options" in config:
        tools.need_pipeline()
    run(model(plugin, **config), suite, tmp_path)
    for name in suite:
        assert (tmp_path / name / "DUT-visa.signature").read_text() == signature()


def test_compile_only(plugin, suite, tmp_path):
    with pytest.raises(SystemExit):
        run(model(plugin, target_run="0"), suite, tmp_path)
    for name in suite:
        assert (tmp_path / name / "test.elf").exists() and not (tmp_path / name / "DUT-visa.signature").exists()


def test_broken_test_is_told(plugin, suite, tmp_path, caplog):
    """The others run; the log has the command and what the compiler or the simulator said."""
    (tmp_path / "bad.S").write_text("nonsense\n")
    (tmp_path / "endless.S").write_text(TEST.replace("    li x2", "1: j 1b\n    li x2"))
    suite["one"]["test_path"] = str(tmp_path / "bad.S")
    suite["three"] = {**suite["two"], "test_path": str(tmp_path / "endless.S"), "work_dir": str(tmp_path / "one")}
    plugin.LIMIT = "1000"
    run(model(plugin), suite, tmp_path)
    assert "nonsense" in caplog.text and "bad.S" in caplog.text and "stopped after 1000 instructions" in caplog.text
    assert (tmp_path / "two" / "DUT-visa.signature").read_text() == signature()


def test_missing_simulator(plugin, suite, tmp_path):
    with pytest.raises(SystemExit, match="visa-sim cannot be run"):
        run(model(plugin, PATH=str(tmp_path)), suite, tmp_path)
    with pytest.raises(SystemExit, match="section"):
        plugin.visa(name="DUT", config=None)


def test_all_macros_of_the_format():
    """Those that the tests' format asks of a model's header (TestFormatSpec, version 1.3 on)."""
    text = (HERE / "env" / "model_test.h").read_text()
    for macro in ["BOOT", "HALT", "DATA_BEGIN", "DATA_END", "IO_INIT", "IO_WRITE_STR", "IO_CHECK", "IO_ASSERT_GPR_EQ",
                  "IO_ASSERT_SFPR_EQ", "IO_ASSERT_DFPR_EQ", "SET_MSW_INT", "CLEAR_MSW_INT", "SET_MTIMER_INT",
                  "CLEAR_MTIMER_INT", "SET_MEXT_INT", "CLEAR_MEXT_INT"]:
        assert re.search(rf"^#define RVMODEL_{macro}\b", text, re.M), macro


def test_isa_is_the_machines(assemble, isa):
    """The letters in the YAML are those of misa (without X, which is V-ISA's own), and XLEN is 64."""
    named = re.search(r"^  ISA: RV64([A-Z]+?)Zicsr_Zifencei$", (HERE / "visa_isa.yaml").read_text(), re.M)[1]
    elf = assemble("_start: csrr a0, misa\n srli a1, a0, 62\n slli a0, a0, 38\n srli a0, a0, 38\n slli a0, a0, 1\n"
                   " ori a0, a0, 1\n la t0, word\n sw a0, (t0)\n sw a1, 4(t0)\n li t0, 0x100000\n li t1, 0x5555\n"
                   " sw t1, (t0)\n1: j 1b\n.data\nbegin_signature:\nword: .word 0, 0\nend_signature:\n")
    lines = tools.execute([tools.tool("visa-sim"), "--signature", "-", elf]).ok().stdout.split()
    letters = {chr(ord("A") + i) for i in range(26) if int(lines[0], 16) >> 1 >> i & 1}
    assert letters - {"X"} == set(named) and int(lines[1], 16) == 2
