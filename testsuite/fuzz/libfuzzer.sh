#!/bin/sh
# make fuzz: builds the fuzzers of input once more in fuzz/, with clang's libFuzzer in place
# of the driver, and runs each for a time.
#   libfuzzer.sh SECONDS TARGET...        in the build directory, environment from make
# Inputs that reached something new stay in fuzz/corpus/TARGET, findings in fuzz/TARGET-*;
# fuzz-TARGET --replay FILE shows one again.
set -eu

seconds=$1
shift
sanitize="-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
src=$VISA_SRC/testsuite/fuzz
mkdir -p fuzz
cd fuzz

echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d == 0 && n == 1; }' >probe.c
# shellcheck disable=SC2086 # a list of words
$CLANG $sanitize -o probe probe.c 2>probe.log || {
    echo "make fuzz needs clang with libFuzzer: install the Debian packages clang and libclang-rt-dev" >&2
    exit 1
}

[ -f Makefile ] || "$VISA_SRC/configure" CC="$CLANG" CFLAGS="-g -O1" CPPFLAGS=-DFUZZ_LIBFUZZER >configure.log
programs=
for target in "$@"; do
    programs="$programs fuzz-$target"
done
make --no-print-directory -s isa/isa_gen.h isa/csr_gen.h isa/visa.h >make.log
# shellcheck disable=SC2086
make --no-print-directory -s -j"$(nproc)" FUZZ_CFLAGS="$sanitize" $programs >>make.log

"$PYTHON" "$src/seeds.py" seeds
for target in "$@"; do
    mkdir -p "corpus/$target"
    echo "$target: $seconds s, log in fuzz/$target.log"
    "./fuzz-$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$PWD/$target-" "$PWD/corpus/$target" "$PWD/seeds/$target" >"$target.log" 2>&1 || {
        tail -n 40 "$target.log"
        exit 1
    }
    grep -E 'DONE|stat::number_of_executed' "$target.log"
done
