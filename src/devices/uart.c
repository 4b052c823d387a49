/* 16550A UART, as far as drivers can tell (uart.h).
 *
 * Manual: chapter "The platform". The line at its far end is ideal: a transmitted
 * byte is gone at once, and the sender keeps a byte until software takes it, so the
 * receiver never overruns, and resetting its FIFO loses nothing that software has
 * not seen. The sender obeys RTS once software has programmed MCR. The FIFO proper
 * is only ever filled by loopback. */
#include "uart.h"

#include <stdlib.h>

#include "tree.h"

enum reg { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

enum {
    IER_RX = 0x01,
    IER_THRE = 0x02,
    IER_LINE = 0x04,
    IER_MODEM = 0x08,
    IER_MASK = 0x0f,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_MODEM = 0x00,
    IIR_FIFO = 0xc0,
    FCR_ENABLE = 0x01,
    FCR_CLEAR_RX = 0x02,
    FCR_TRIGGER_SHIFT = 6,
    LCR_DLAB = 0x80,
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_MASK = 0x1f,
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
    MSR_DELTAS = 0x0f,
    FIFO_BYTES = 16,
};

struct uart {
    struct console console;
    struct device_env env;
    uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    uint8_t deltas;    /* low half of MSR: what changed since it was read */
    bool overrun;      /* LSR.OE */
    bool thre_pending; /* a transmitter-empty interrupt nobody has seen yet */
    bool flow;         /* software uses MCR: RTS counts */
    bool level;
    int line; /* byte that the sender offers, -1 none */
    uint8_t fifo[FIFO_BYTES];
    unsigned head, n; /* of the FIFO */
};

static uint8_t modem_status(const struct uart *u)
{
    if (!(u->mcr & MCR_LOOP))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                     (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* Asks the sender for a byte if the line is open and none waits. */
static bool line_ready(struct uart *u)
{
    if (u->mcr & MCR_LOOP || (u->flow && !(u->mcr & MCR_RTS)))
        return false;
    if (u->line < 0)
        u->line = console_get(&u->console);
    return u->line >= 0;
}

static unsigned fifo_depth(const struct uart *u)
{
    return u->fcr & FCR_ENABLE ? FIFO_BYTES : 1;
}

static unsigned trigger_level(const struct uart *u)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    return u->fcr & FCR_ENABLE ? levels[u->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* The interrupt of the highest priority, as IIR[3:0] tells it. */
static uint8_t interrupt_id(struct uart *u)
{
    if (u->ier & IER_LINE && u->overrun)
        return IIR_LINE;
    if (u->ier & IER_RX) {
        unsigned waiting = u->n + line_ready(u);

        if (waiting >= trigger_level(u))
            return IIR_RX;
        if (waiting)
            return IIR_TIMEOUT;
    }
    if (u->ier & IER_THRE && u->thre_pending)
        return IIR_THRE;
    return u->ier & IER_MODEM && u->deltas ? IIR_MODEM : IIR_NONE;
}

static void update(struct uart *u)
{
    bool level = interrupt_id(u) != IIR_NONE;

    if (level != u->level)
        u->env.set_line(u->env.user, u->env.at.source, level);
    u->level = level;
}

static uint8_t receive(struct uart *u)
{
    uint8_t byte = 0;

    if (u->n) {
        byte = u->fifo[u->head];
        u->head = (u->head + 1) % FIFO_BYTES;
        u->n--;
    } else if (line_ready(u)) {
        byte = (uint8_t)u->line;
        u->line = -1;
    }
    return byte;
}

static void loop_back(struct uart *u, uint8_t byte)
{
    if (u->n < fifo_depth(u))
        u->fifo[(u->head + u->n++) % FIFO_BYTES] = byte;
    else
        u->overrun = true;
}

static uint8_t line_status(struct uart *u)
{
    bool ready = u->n || line_ready(u);
    uint8_t value =
        (uint8_t)(LSR_THRE | LSR_TEMT | (ready ? LSR_DR : 0) | (u->overrun ? LSR_OE : 0));

    u->overrun = false;
    return value;
}

static uint8_t interrupt_identification(struct uart *u)
{
    uint8_t id = interrupt_id(u);

    if (id == IIR_THRE)
        u->thre_pending = false;
    return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static uint8_t read_register(struct uart *u, enum reg reg)
{
    uint8_t value;

    switch (reg) {
    case REG_DATA: return u->lcr & LCR_DLAB ? u->dll : receive(u);
    case REG_IER: return u->lcr & LCR_DLAB ? u->dlm : u->ier;
    case REG_IIR_FCR: return interrupt_identification(u);
    case REG_LCR: return u->lcr;
    case REG_MCR: return u->mcr;
    case REG_LSR: return line_status(u);
    case REG_MSR:
        value = modem_status(u) | u->deltas;
        u->deltas = 0;
        return value;
    default: return u->scr;
    }
}

static void transmit(struct uart *u, uint8_t byte)
{
    if (u->mcr & MCR_LOOP)
        loop_back(u, byte);
    else
        console_put(&u->console, byte);
    u->thre_pending = true;
}

static void write_ier(struct uart *u, uint8_t value)
{
    if (value & ~u->ier & IER_THRE)
        u->thre_pending = true; /* the transmitter is empty: say so again */
    u->ier = value & IER_MASK;
}

static void write_fcr(struct uart *u, uint8_t value)
{
    if (value & FCR_CLEAR_RX || (value ^ u->fcr) & FCR_ENABLE)
        u->n = 0;
    u->fcr = value;
}

static void write_mcr(struct uart *u, uint8_t value)
{
    uint8_t before = modem_status(u), changed;

    u->mcr = value & MCR_MASK;
    u->flow = true;
    changed = before ^ modem_status(u);
    if (changed & MSR_RI && !(before & MSR_RI))
        changed &= (uint8_t)~MSR_RI; /* only its trailing edge counts */
    u->deltas |= changed >> 4 & MSR_DELTAS;
}

static void write_register(struct uart *u, enum reg reg, uint8_t value)
{
    bool latch = u->lcr & LCR_DLAB;

    switch (reg) {
    case REG_DATA:
        if (latch)
            u->dll = value;
        else
            transmit(u, value);
        break;
    case REG_IER:
        if (latch)
            u->dlm = value;
        else
            write_ier(u, value);
        break;
    case REG_IIR_FCR: write_fcr(u, value); break;
    case REG_LCR: u->lcr = value; break;
    case REG_MCR: write_mcr(u, value); break;
    case REG_SCR: u->scr = value; break;
    default: break; /* LSR and MSR are read-only */
    }
}

static bool uart_read(void *dev, uint64_t offset, unsigned width, uint64_t *value)
{
    struct uart *u = dev;

    (void)width;
    *value = read_register(u, (enum reg)offset);
    update(u);
    return true;
}

static bool uart_write(void *dev, uint64_t offset, unsigned width, uint64_t value)
{
    struct uart *u = dev;

    (void)width;
    write_register(u, (enum reg)offset, (uint8_t)value);
    update(u);
    return true;
}

static void uart_poll(void *dev, uint64_t time)
{
    struct uart *u = dev;

    (void)time;
    console_flush(&u->console);
    update(u);
}

static void describe(struct tree *t, const struct device_place *at)
{
    tree_begin_at(t, "serial", at->base);
    tree_text(t, "compatible", "ns16550a");
    tree_reg(t, at);
    tree_cell(t, "clock-frequency", UART_HZ);
    tree_interrupt(t, at->source);
    tree_end(t);
}

static void *state(void *dev, size_t *bytes)
{
    struct uart *u = dev;

    *bytes = sizeof *u - offsetof(struct uart, ier);
    return &u->ier;
}

static void *make(const struct device_env *env)
{
    struct uart *u = calloc(1, sizeof *u);

    if (!u)
        return NULL;
    u->console = *env->console;
    u->env = *env;
    u->line = -1;
    u->mcr = MCR_OUT2;
    return u;
}

const struct device_ops uart_ops = {
    .name = "uart",
    .make = make,
    .describe = describe,
    .state = state,
    .regs = {{0, UART_BYTES - 1, 1, 1, 1}},
    .read = uart_read,
    .write = uart_write,
    .poll = uart_poll,
    .free = free,
};
