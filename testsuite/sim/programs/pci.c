/* The PCI bus: configuration space through memory and ports, and the doorbell behind its
 * base address register (PCI Local Bus Specification 3.0, chapter 6; visa-platform). */
#include "board.h"
#include "visa.h"

#define ECAM(device, function, offset)                                                             \
    (0x30000000ul + ((device) << 15) + ((function) << 12) + (offset))
#define CFG8(device, offset) REG8(ECAM(device, 0, offset))
#define CFG16(device, offset) REG16(ECAM(device, 0, offset))
#define CFG32(device, offset) REG32(ECAM(device, 0, offset))
#define WINDOW 0x40000000ul
#define BAR (WINDOW + 0x123000)

enum {
    BRIDGE,
    DOORBELL,
    VENDOR = 0,
    COMMAND = 4,
    STATUS = 6,
    CLASS = 8,
    BAR0 = 0x10,
    BAR1 = 0x14,
    INT_LINE = 0x3c,
    INT_PIN = 0x3d,
    MEMORY = 1 << 1,
    INTX_OFF = 1 << 10,
    INTX = 1 << 3,
    SOURCE = 33
};

static void identities(void)
{
    CHECK_EQUAL(CFG32(BRIDGE, VENDOR), 0x56001234);
    CHECK_EQUAL(CFG32(DOORBELL, VENDOR), 0x56011234);
    CHECK_EQUAL(CFG16(DOORBELL, VENDOR + 2), 0x5601);
    CHECK_EQUAL(CFG8(DOORBELL, VENDOR + 1), 0x12);
    CHECK_EQUAL(CFG32(BRIDGE, CLASS) >> 16, 0x0600); /* host bridge */
    CHECK_EQUAL(CFG8(DOORBELL, 0x0e), 0);            /* one function, header type 0 */
    CHECK_EQUAL(CFG8(DOORBELL, INT_PIN), 1);
    CFG32(DOORBELL, VENDOR) = 0; /* read-only */
    CHECK_EQUAL(CFG32(DOORBELL, VENDOR), 0x56011234);
    CFG8(DOORBELL, INT_LINE) = 0x5a;
    CHECK_EQUAL(CFG8(DOORBELL, INT_LINE), 0x5a);
}

static void absent(void)
{
    CHECK_EQUAL(CFG32(2, VENDOR), 0xffffffff);
    CHECK_EQUAL(CFG16(31, VENDOR), 0xffff);
    CHECK_EQUAL(REG32(ECAM(DOORBELL, 1, VENDOR)), 0xffffffff);
    CHECK_EQUAL(REG32(ECAM(DOORBELL, 0, 1ul << 20)), 0xffffffff); /* bus 1 */
    REG32(ECAM(2, 0, COMMAND)) = 0xffffffff;
    CHECK_EQUAL(CFG32(2, COMMAND), 0xffffffff);
    CHECK_EQUAL(traps, 0);
}

static void ports(void)
{
    visa_out_w(0xcf8, 1u << 31 | DOORBELL << 11 | VENDOR);
    CHECK_EQUAL(visa_in_w(0xcf8), 1u << 31 | DOORBELL << 11);
    CHECK_EQUAL(visa_in_w(0xcfc), 0x56011234);
    CHECK_EQUAL(visa_in_h(0xcfe), 0x5601);
    CHECK_EQUAL(visa_in_b(0xcfd), 0x12);
    visa_out_w(0xcf8, 1u << 31 | 5 << 11);
    CHECK_EQUAL(visa_in_w(0xcfc), 0xffffffff);
    visa_out_w(0xcf8, DOORBELL << 11); /* not enabled */
    CHECK_EQUAL(visa_in_w(0xcfc), 0xffffffff);
    visa_out_w(0xcf8, 1u << 31 | DOORBELL << 11 | INT_LINE);
    visa_out_b(0xcfc, 0x3c);
    CHECK_EQUAL(CFG8(DOORBELL, INT_LINE), 0x3c);
}

static unsigned at_port(u64 bus, u64 device, u64 function, u64 offset)
{
    visa_out_w(0xcf8, (unsigned)(1ul << 31 | bus << 16 | device << 11 | function << 8 | offset));
    return (unsigned)visa_in_w(0xcfc);
}

/* Both ways show the same 256 bytes; a field of the address that is wrong finds nothing. */
static void everywhere(void)
{
    for (u64 device = BRIDGE; device <= DOORBELL; device++)
        for (u64 offset = 0; offset < 256; offset += 4)
            CHECK_EQUAL(at_port(0, device, 0, offset), CFG32(device, offset));
    for (u64 bit = 0; bit < 8; bit++) {
        CHECK_EQUAL(at_port(1ul << bit, BRIDGE, 0, VENDOR), 0xffffffff);
        CHECK_EQUAL(REG32(ECAM(BRIDGE, 0, 1ul << (20 + bit))), 0xffffffff);
    }
    for (u64 function = 1; function < 8; function++) {
        CHECK_EQUAL(at_port(0, DOORBELL, function, VENDOR), 0xffffffff);
        CHECK_EQUAL(REG32(ECAM(DOORBELL, function, VENDOR)), 0xffffffff);
    }
    for (u64 device = DOORBELL + 1; device < 32; device++) {
        CHECK_EQUAL(at_port(0, device, 0, VENDOR), 0xffffffff);
        CHECK_EQUAL(CFG32(device, VENDOR), 0xffffffff);
    }
    /* writes there reach nobody */
    CFG8(DOORBELL, INT_LINE) = 0x11;
    CFG8(BRIDGE, INT_LINE) = 0x22;
    REG8(ECAM(DOORBELL, 1, INT_LINE)) = 0x33;
    REG8(ECAM(DOORBELL, 0, 1ul << 20 | INT_LINE)) = 0x44;
    (void)at_port(0, DOORBELL, 1, INT_LINE);
    visa_out_b(0xcfc, 0x55);
    (void)at_port(1, DOORBELL, 0, INT_LINE);
    visa_out_b(0xcfc, 0x66);
    visa_out_w(0xcf8, DOORBELL << 11 | INT_LINE); /* not enabled */
    visa_out_b(0xcfc, 0x77);
    CHECK_EQUAL(CFG8(DOORBELL, INT_LINE), 0x11);
    CHECK_EQUAL(CFG8(BRIDGE, INT_LINE), 0x22);
    CHECK_EQUAL(traps, 0);
}

/* The size is what ones leave zero; what is not there takes nothing. */
static void address_register(void)
{
    CFG32(DOORBELL, BAR0) = 0xffffffff;
    CHECK_EQUAL(CFG32(DOORBELL, BAR0), 0xfffff000);
    CFG32(DOORBELL, BAR1) = 0xffffffff;
    CHECK_EQUAL(CFG32(DOORBELL, BAR1), 0);
    CFG32(DOORBELL, BAR0) = BAR;
    (void)REG64(BAR); /* memory space is off */
    CHECK_EQUAL(traps, 1);
    CHECK_EQUAL(trap_cause, 5);
    CFG16(DOORBELL, COMMAND) = MEMORY;
    CHECK_EQUAL(REG64(BAR), 0x41534956);
    CHECK_EQUAL(REG32(BAR), 0x41534956);
    CHECK_EQUAL(traps, 1);
    (void)REG64(BAR + 0x1000);
    (void)REG64(BAR - 8);
    CHECK_EQUAL(traps, 3);
}

static u64 pending(void)
{
    return PLIC_PENDING(SOURCE) << 1 | !!(CFG16(DOORBELL, STATUS) & INTX);
}

static void doorbell(void)
{
    REG64(BAR + 0x08) = 0x1122334455667788;
    CHECK_EQUAL(REG64(BAR + 0x08), 0x1122334455667788);
    CHECK_EQUAL(REG64(BAR + 0x20), 0);
    CHECK_EQUAL(pending(), 0);
    REG64(BAR + 0x10) = 42;
    CHECK_EQUAL(pending(), 3);
    CHECK_EQUAL(REG64(BAR + 0x10), 42);
    CHECK_EQUAL(REG64(BAR + 0x20), 1);
    REG64(BAR + 0x18) = 0;
    CHECK_EQUAL(pending(), 0);
    REG64(BAR + 0x10) = 43;
    CFG16(DOORBELL, COMMAND) = MEMORY | INTX_OFF; /* the status stays */
    CHECK_EQUAL(pending(), 1);
    CFG16(DOORBELL, COMMAND) = MEMORY;
    CHECK_EQUAL(pending(), 3);
    CHECK_EQUAL(REG64(BAR + 0x20), 2);
    PLIC_PRIORITY(SOURCE) = 1;
    PLIC_ENABLE(0, 1) = 1 << SOURCE % 32;
    CHECK_EQUAL(read_csr(mip) & MIP_MEIP, MIP_MEIP);
    CHECK_EQUAL(PLIC_CLAIM(0), SOURCE);
    REG64(BAR + 0x18) = 0;
    PLIC_CLAIM(0) = SOURCE;
    CHECK_EQUAL(read_csr(mip) & MIP_MEIP, 0);
}

/* Registers that keep no writes, what 0x18 is written, and accesses of other widths. */
static void registers(void)
{
    u64 before = traps;

    REG64(BAR + 0x00) = 1;
    CHECK_EQUAL(REG64(BAR + 0x00), 0x41534956);
    REG64(BAR + 0x20) = 77;
    CHECK_EQUAL(REG64(BAR + 0x20), 2);
    CHECK_EQUAL(REG64(BAR + 0x18), 0);
    REG64(BAR + 0x10) = 0xfedcba9876543210; /* of any value, and again before it is lowered */
    REG64(BAR + 0x10) = 0;
    CHECK_EQUAL(REG64(BAR + 0x10), 0);
    CHECK_EQUAL(REG64(BAR + 0x20), 4);
    CHECK_EQUAL(pending(), 3);
    (void)REG64(BAR + 0x18); /* a read lowers nothing */
    CHECK_EQUAL(pending(), 3);
    REG64(BAR + 0x18) = ~0ul;
    CHECK_EQUAL(pending(), 0);
    REG64(BAR + 0x08) = 0x1122334455667788;
    CHECK_EQUAL(REG32(BAR + 0x0c), 0x11223344);
    CHECK_EQUAL(REG16(BAR + 0x0a), 0x5566);
    CHECK_EQUAL(REG8(BAR + 0x0f), 0x11);
    REG32(BAR + 0x08) = 0x99aabbcc;
    CHECK_EQUAL(REG64(BAR + 0x08), 0x99aabbcc);
    REG64(BAR + 0x28) = 5;
    CHECK_EQUAL(REG64(BAR + 0x28), 0);
    CHECK_EQUAL(REG64(BAR + 0xff8), 0);
    CHECK_EQUAL(traps, before);
    REG32(BAR + 0x0c) = 1;
    CHECK_EQUAL(trap_cause, 7);
    REG16(BAR + 0x08) = 1;
    REG8(BAR + 0x08) = 1;
    CHECK_EQUAL(traps, before + 3);
    CHECK_EQUAL(REG64(BAR + 0x08), 0x99aabbcc);
}

int main(u64 hart, u64 tree)
{
    (void)hart;
    (void)tree;
    identities();
    absent();
    ports();
    everywhere();
    address_register();
    doorbell();
    registers();
    return 0;
}
