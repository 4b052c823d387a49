"""The virtual interrupt controller under hypothesis: any sequence of what a guest and its hypervisor can do with
it agrees with the model of test_vic.py (VI-1 to VI-12), and one that does not is told in its shortest form.
"""

import random

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from xvisa import script
from xvisa.asm import CSR, EXIT, MASK, csr_ins, li
from xvisa.test_vic import LAST, Run, check_state

OPERATIONS = ["write_register", "read_register", "read_select", "threshold", "send", "ack", "eoi", "stat", "serving",
              "pending", "host"]


def machine(elf):
    class Vic(RuleBasedStateMachine):
        """Rules make the program and move the model; at the end it runs, and all answers are compared."""

        run = None

        @initialize(dice=st.integers(0, 1 << 32))
        def start(self, dice):
            """All vectors enabled, with few priorities, so that equal ones meet."""
            self.run = Run(script.Script(), random.Random(dice))
            for n in range(4, 24):
                value = MASK if n < 8 else self.run.d.getrandbits(64) & 0x3333_3333_3333_3333
                self.run.put(*li(10, n), csr_ins("csrrw", CSR["viselect"], 0, 10), *li(10, value),
                             csr_ins("csrrw", CSR["vireg"], 0, 10))
                self.run.vic.write(n, value)
            self.run.viselect = 23

        @invariant()
        def stack_rises(self):
            """What is in service was above the threshold before it: the thresholds below it rise (VI-2, VI-5)."""
            if self.run and self.run.vic.stack:
                assert self.run.vic.best() is None or \
                    self.run.vic.priority[self.run.vic.best()] > self.run.vic.threshold

        def teardown(self):
            if self.run is None:
                return
            r, answers, info, f, log = self.run.go(0)
            r.s.execute(elf)
            assert [log[f"w{i}"] for i in range(len(r.log))] == r.log
            assert (info.cause, info.qual, f.count_exit) == (EXIT["HYPERCALL"], LAST, len(r.stops) + 1)
            for (kind, _, want), got in zip(r.stops, answers):
                if kind == "stat":
                    assert (got.trap, got.x12) == (0, want)
                elif kind == "state":
                    check_state(*want, got)
            check_state(r.vic.fields(), r.vic.stack, f)

    for name in OPERATIONS:
        def operate(self, name=name):
            getattr(self.run, name)()
        operate.__name__ = name
        setattr(Vic, name, rule()(operate))
    return Vic


def test_any_sequence(workshop):
    run_state_machine_as_test(machine(workshop / "vic-rules.elf"), settings=settings(
        max_examples=40, stateful_step_count=60, deadline=None, database=None,
        suppress_health_check=list(HealthCheck)))
