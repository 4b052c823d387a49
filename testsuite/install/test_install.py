"""What `make install` leaves: a library that an outside program can use, and the rest."""

import os
import shlex

import pytest

from harness.tools import execute, variable

PROGRAM = r"""
#include <machine/machine.h>
#include <platform/loader.h>
#include <report/stats.h>
#include <observe/trace.h>
#include <isa.h>
#include <devices/bus.h>
#include <stdio.h>

int main(void)
{
    struct machine_config c;
    char err[200];
    const unsigned char wfi[] = {0x73, 0x00, 0x50, 0x10};
    unsigned char back[sizeof wfi];

    machine_defaults(&c);
    c.ram_bytes = 1 << 20;
    struct machine *m = machine_new(&c, err, sizeof err);
    if (!m) {
        puts(err);
        return 1;
    }
    machine_reset(m, RAM_BASE, 0);
    if (!machine_write(m, RAM_BASE, wfi, sizeof wfi) || !machine_read(m, RAM_BASE, back, sizeof back))
        return 2;
    machine_run(m, 1);
    printf("%llu %s\n", (unsigned long long)machine_stats(m)->instret, isa_find("wfi")->name);
    machine_free(m);
    return 0;
}
"""


def test_library_serves_an_outside_program(installed, tmp_path):
    source, program = tmp_path / "t.c", tmp_path / "t"
    source.write_text(PROGRAM)
    pc = (installed / "lib" / "pkgconfig" / "visa.pc").read_text()
    assert "Libs: -L${libdir} -lvisa" in pc
    libs = [w for v in ("LIBELF_LIBS", "LIBFDT_LIBS", "LIBMD_LIBS", "JANSSON_LIBS") for w in shlex.split(variable(v))]
    execute([*shlex.split(os.environ.get("CC", "cc")), "-std=c17", "-Wall", "-Wextra", "-Werror",
             *shlex.split(variable("SANITIZE_CFLAGS")), f"-I{installed / 'include' / 'visa'}", source,
             f"-L{installed / 'lib'}", "-lvisa", *libs, "-o", program]).ok()
    assert execute([program]).ok().stdout == "1 wfi\n"


@pytest.mark.parametrize("name", ["visa-as", "visa-objdump", "visa-sim"])
def test_programs_are_there_and_say_their_version(installed, name):
    out = execute([installed / "bin" / name, "--version"]).ok().stdout
    assert name in out and variable("VERSION") in out


def test_guest_header_is_apart_from_the_hosts(installed):
    assert (installed / "share" / "visa" / "include" / "visa.h").exists()
    assert not list((installed / "include").glob("visa.h"))


def test_every_program_has_its_manual_page(installed):
    if variable("build_man") == "no":
        pytest.fail("no manual: install the Debian packages python3-docutils python3-jinja2, configure again")
    for program in (installed / "bin").iterdir():
        page = installed / "share" / "man" / "man1" / f"{program.name}.1"
        assert page.exists(), f"{program.name} has no manual page"
        heading = next(l for l in page.read_text().splitlines() if l.startswith(".TH "))
        assert heading.split()[1].strip('"') == program.name.upper()
