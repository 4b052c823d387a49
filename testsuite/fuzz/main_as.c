/* visa-as as a function (asm.c). */
#define main visa_as_main
#include "../../asm/visa-as.c"
