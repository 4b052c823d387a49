"""V-ISA's simulator as a model of riscof, the framework of RISC-V's architecture tests.

The framework makes an object of class `visa`, then calls initialise, build and runTests;
README.md says how to set it up. Each test leaves NAME.signature in its work_dir.
"""

import logging
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from riscof.pluginTemplate import pluginTemplate

logger = logging.getLogger(__name__)

COMPILER = "riscv64-unknown-elf-gcc"
FLAGS = ["-mabi=lp64", "-static", "-mcmodel=medany", "-fvisibility=hidden", "-nostdlib", "-nostartfiles", "-g"]
LIMIT = "100000000"  # instructions: a test that does not end is no reason to wait for ever


class visa(pluginTemplate):
    __model__ = "visa"
    __version__ = "1"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        config = kwargs.get("config")
        if not config:
            raise SystemExit("riscof_visa: config.ini has no section [visa]")
        self.here = os.path.abspath(config["pluginpath"])
        self.isa_spec = os.path.abspath(config["ispec"])
        self.platform_spec = os.path.abspath(config["pspec"])
        self.simulator = os.path.join(config.get("PATH", ""), "visa-sim")
        self.options = config.get("options", "").split()
        self.jobs = int(config.get("jobs", 1))
        self.target_run = config.get("target_run", "1") != "0"

    def initialise(self, suite, work_dir, archtest_env):
        env = os.path.join(self.here, "env")
        self.compile = [COMPILER, *FLAGS, "-T", os.path.join(env, "link.ld"), "-I", env, "-I", archtest_env]

    def build(self, isa_yaml, platform_yaml):
        """There is one model, RV64: nothing to build, but what it is run with must be there."""
        for program in [[COMPILER, "--version"], [self.simulator, "--version"]]:
            try:
                subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError) as e:
                raise SystemExit(f"riscof_visa: {program[0]} cannot be run: {e}") from None

    def runTests(self, testlist):
        with ThreadPoolExecutor(self.jobs) as pool:
            done = list(pool.map(self.run_test, testlist.values()))
        if not self.target_run:
            raise SystemExit("riscof_visa: compiled, and not run (target_run=0)")
        logger.info("%d of %d tests ran to their end", sum(done), len(done))

    def run_test(self, test):
        """Compiles and runs one; False, and the reason in the log, if that fails."""
        march = test["isa"].lower()
        if "zicsr" not in march:  # the framework's own code has CSR instructions
            march += "_zicsr"
        signature = os.path.join(test["work_dir"], self.name[:-1] + ".signature")
        commands = [[*self.compile, f"-march={march}", *(f"-D{m}" for m in test["macros"]), "-o", "test.elf",
                     test["test_path"]]]
        if self.target_run:
            commands.append([self.simulator, *self.options, "-n", LIMIT, "--signature", signature, "test.elf"])
        for command in commands:
            p = subprocess.run(command, cwd=test["work_dir"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
            if p.returncode:
                logger.error("%s: %s\n%s", test["test_path"], " ".join(command), p.stdout)
                return False
        return True
