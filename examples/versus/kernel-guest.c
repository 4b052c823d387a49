/* The guest's kernel: two processes, each with its address space; page faults give it
 * memory. Nothing here knows of V-ISA or of a hypervisor, but for CALL_*, as an operating
 * system knows its firmware. */
#include "abi.h"

#include "process-guest.h"

enum { LOAD_PAGE_FAULT = 13, STORE_PAGE_FAULT = 15 };
enum { POOL = 1400, UART_LSR = 5, LSR_EMPTY = 0x20 };

extern uint8_t user_image[], user_image_end[];
void user_start(void);

static uint64_t pool[POOL][ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t *freed; /* a list, through the first word of each */
static unsigned used;
static struct kernel_stack stack;

static void panic(void)
{
    for (;;)
        ecall(CALL_PANIC, 0);
}

uint64_t *page_new(void)
{
    uint64_t *page = freed;

    if (page) {
        freed = (uint64_t *)page[0];
        for (unsigned i = 0; i < ENTRIES; i++)
            page[i] = 0;
    } else {
        if (used == POOL)
            panic();
        page = pool[used++];
    }
    return page;
}

static void page_free(uint64_t *page)
{
    page[0] = (uintptr_t)freed;
    freed = page;
}

static void process_new(unsigned i)
{
    struct process *p = &processes[i];
    const uint64_t first = (uintptr_t)user_image;

    p->root = page_new();
    for (uint64_t va = GUEST_RAM; va < GUEST_RAM + KERNEL_BYTES; va += LARGE_PAGE)
        *entry_of(p->root, va, 1) = PA_TO_PTE(va) | PTE_RWX | PTE_G;
    for (uint64_t va = first; va < (uintptr_t)user_image_end; va += PAGE)
        *entry_of(p->root, va, 0) = PA_TO_PTE(va) | PTE_RWX | PTE_U;
    *entry_of(p->root, UART, 0) = PA_TO_PTE((uint64_t)UART) | PTE_RW | PTE_G;
    p->r.pc = (uintptr_t)user_start;
    p->r.x[A0] = i;
    p->r.status = SSTATUS_SPIE;
    p->alive = true;
}

static void uart_put(uint64_t c)
{
    volatile uint8_t *uart = (volatile uint8_t *)UART;

    while (!(uart[UART_LSR] & LSR_EMPTY))
        ;
    *uart = (uint8_t)c;
}

static void unmap_heap(struct process *p)
{
    for (uint64_t va = HEAP; va < HEAP + HEAP_PAGES * PAGE; va += PAGE) {
        uint64_t *e = entry_of(p->root, va, 0);

        if (!*e)
            break;
        page_free((uint64_t *)PTE_TO_PA(*e));
        *e = 0;
        sfence_page(va);
    }
}

/* The other process if it lives, else this one; after the last, the guest ends. */
static void schedule(struct registers *r)
{
    for (unsigned i = 1; i <= PROCESSES; i++) {
        unsigned next = (current + i) % PROCESSES;

        if (processes[next].alive) {
            activate(next);
            copy_registers(r, &processes[next].r);
            return;
        }
    }
    ecall(CALL_END, processes[0].result ^ processes[1].result << 1);
}

static void system_call(struct registers *r)
{
    struct process *p = &processes[current];
    uint64_t n = r->x[A0];

    r->pc += 4;
    switch (r->x[A7]) {
    case SYS_EXIT:
        p->alive = false;
        p->result = n;
        schedule(r);
        break;
    case SYS_YIELD:
        copy_registers(&p->r, r);
        schedule(r);
        break;
    case SYS_WRITE: uart_put(n); break;
    case SYS_UNMAP: unmap_heap(p); break;
    case SYS_CALL:
        for (r->x[A0] = 0; n; n--)
            r->x[A0] = ecall(CALL_ADD, r->x[A0]);
        break;
    case SYS_NULL: break;
    default: panic();
    }
}

void guest_trap(struct registers *r)
{
    uint64_t cause = csr_read(scause), va = csr_read(stval);

    if (cause == USER_ECALL)
        system_call(r);
    else if ((cause == LOAD_PAGE_FAULT || cause == STORE_PAGE_FAULT) && va >= HEAP &&
             va < HEAP + HEAP_PAGES * PAGE)
        *entry_of(processes[current].root, va, 0) =
            PA_TO_PTE((uintptr_t)page_new()) | PTE_RW | PTE_U;
    else
        panic();
}

void kernel_main(void)
{
    csr_write(stvec, guest_vector);
    csr_write(sscratch, 0);
    for (unsigned i = 0; i < PROCESSES; i++)
        process_new(i);
    activate(0);
    copy_registers(&stack.top, &processes[0].r);
    guest_return(&stack.top);
}
