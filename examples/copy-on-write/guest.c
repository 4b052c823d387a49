/* The guest: a small operating system with fork() and copy-on-write.
 *
 * A process fills its memory, in Ring 3; the kernel forks it, and both have the same pages,
 * read-only. The child stores into some of them; each first store faults into this kernel,
 * in Ring 0, which copies the page. Then both add up what they see. */
#include "cow.h"

#include "process-guest.h"

enum { STORE_PAGE_FAULT = 15, POOL = 64, CODE = USER - PAGE };
enum { COW = 0x100 }; /* a bit that is the software's */

extern uint8_t user_code[];

static uint64_t pool[POOL][ENTRIES] __attribute__((aligned(PAGE)));
static unsigned used;
static uint64_t copies;
static struct kernel_stack stack;

uint64_t *page_new(void)
{
    if (used == POOL)
        guest_end(0);
    return pool[used++];
}

/* With the process's code, and the kernel in one leaf of 1 GiB, which is closed to Ring 3. */
static void address_space_new(struct process *p)
{
    p->root = page_new();
    p->root[(uint64_t)RAM >> 30] = PA_TO_PTE((uint64_t)RAM) | PTE_RWX;
    *entry_of(p->root, CODE, 0) = PA_TO_PTE((uintptr_t)user_code) | PTE_RX | PTE_U;
}

static void fork_process(struct process *child, struct process *parent)
{
    address_space_new(child);
    for (uint64_t va = USER; va < USER + SHARED_PAGES * PAGE; va += PAGE) {
        uint64_t *e = entry_of(parent->root, va, 0);

        *e = (*e & ~(uint64_t)PTE_W) | COW;
        *entry_of(child->root, va, 0) = *e;
    }
    sfence_all(); /* the parent has lost permissions */
    copy_registers(&child->r, &parent->r);
    child->r.x[A0] = 1;
    parent->r.x[A0] = 0;
    child->alive = true;
}

static void copy_page(uint64_t va)
{
    uint64_t *e = entry_of(processes[current].root, va, 0), *page;

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
        *entry_of(p->root, va, 0) = PA_TO_PTE((uintptr_t)page_new()) | PTE_RW | PTE_U;
    p->alive = true;
    activate(0);
    stack.top.pc = CODE;
    stack.top.status = SSTATUS_SPIE;
    guest_return(&stack.top);
}
