/* visa-objdump as a function (asm.c, dump.c). */
#define main visa_objdump_main
#include "../../asm/visa-objdump.c"
