"""Tests of visa-as and visa-objdump. elf.py reads ELF files independently of libelf."""
