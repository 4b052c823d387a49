/* The guest: a small operating system with fork() and copy-on-write.
 *
 * A process fills its memory, in Ring 3; the kernel forks it, and both have the same pages,
 * read-only. The child stores into some of them; each first store faults into this kernel,
 * in Ring 0, which copies the page. Then both add up what they see. */
#include "cow.h"

#include <stdbool.h>

#include "guest.h"

enum { STORE_PAGE_FAULT = 15, USER_ECALL = 8 };
enum { POOL = 64, ENTRIES = 512, COW = 0x100 /* a bit that is the software's */ };
enum { PROCESSES = 2, CODE = USER - PAGE };

extern uint8_t user_code[];

static uint64_t pool[POOL][ENTRIES] __attribute__((aligned(PAGE)));
static unsigned used;
static uint64_t copies;
static struct kernel_stack stack;

static struct process {
    uint64_t *root;
    struct registers r;
    bool alive;
    uint64_t result;
} processes[PROCESSES];
static unsigned current;

static uint64_t *page_new(void)
{
    if (used == POOL)
        guest_end(0);
    return pool[used++];
}

static uint64_t *leaf(uint64_t *root, uint64_t va)
{
    for (unsigned level = 2; level > 0; level--) {
        uint64_t *e = &root[va >> (12 + 9 * level) & (ENTRIES - 1)];

        if (!*e)
            *e = PA_TO_PTE((uintptr_t)page_new()) | PTE_V;
        root = (uint64_t *)PTE_TO_PA(*e);
    }
    return &root[va >> 12 & (ENTRIES - 1)];
}

/* With the process's code, and the kernel in one leaf of 1 GiB, which is closed to Ring 3. */
static void address_space_new(struct process *p)
{
    p->root = page_new();
    p->root[(uint64_t)RAM >> 30] = PA_TO_PTE((uint64_t)RAM) | PTE_RWX;
    *leaf(p->root, CODE) = PA_TO_PTE((uintptr_t)user_code) | PTE_RX | PTE_U;
}

static void activate(unsigned i)
{
    uint64_t asid = i + 1;

    current = i;
    csr_write(satp, (uint64_t)MODE_SV39 << 60 | asid << 44 | (uintptr_t)processes[i].root >> 12);
}

static void fork_process(struct process *child, struct process *parent)
{
    address_space_new(child);
    for (uint64_t va = USER; va < USER + SHARED_PAGES * PAGE; va += PAGE) {
        uint64_t *e = leaf(parent->root, va);

        *e = (*e & ~(uint64_t)PTE_W) | COW;
        *leaf(child->root, va) = *e;
    }
    sfence_all(); /* the parent has lost permissions */
    copy_registers(&child->r, &parent->r);
    child->r.x[A0] = 1;
    parent->r.x[A0] = 0;
    child->alive = true;
}

static void copy_page(uint64_t va)
{
    uint64_t *e = leaf(processes[current].root, va), *page;

    if (!(*e & COW))
        guest_end(0);
    page = page_new();
    copy_words(page, (uint64_t *)PTE_TO_PA(*e), ENTRIES);
    *e = PA_TO_PTE((uintptr_t)page) | PTE_RW | PTE_U;
    sfence_page(va);
    copies++;
}

/* The youngest process that is alive goes on; after the last one, the VM ends. */
static void schedule(void)
{
    for (unsigned i = PROCESSES; i-- > 0;)
        if (processes[i].alive) {
            activate(i);
            return;
        }
    guest_end(copies << 32 | processes[1].result << 16 | processes[0].result);
}

void guest_trap(struct registers *r)
{
    struct process *p = &processes[current];
    uint64_t cause = csr_read(scause);

    if (cause == STORE_PAGE_FAULT) {
        copy_page(csr_read(stval));
        return;
    }
    if (cause != USER_ECALL)
        guest_end(0);
    copy_registers(&p->r, r);
    p->r.pc += 4;
    if (r->x[A7] == SYS_FORK) {
        fork_process(&processes[1], p);
    } else {
        p->alive = false;
        p->result = r->x[A0];
    }
    schedule();
    copy_registers(r, &processes[current].r);
}

void guest_main(void)
{
    struct process *p = &processes[0];

    csr_write(stvec, guest_vector);
    csr_write(sscratch, 0);
    address_space_new(p);
    for (uint64_t va = USER; va < USER + SHARED_PAGES * PAGE; va += PAGE)
        *leaf(p->root, va) = PA_TO_PTE((uintptr_t)page_new()) | PTE_RW | PTE_U;
    p->alive = true;
    activate(0);
    stack.top.pc = CODE;
    stack.top.status = SSTATUS_SPIE;
    guest_return(&stack.top);
}
