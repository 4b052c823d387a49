/* An integer loop in the spirit of Dhrystone: what ordinary programs are made of. Each
 * round books one order in a small shop: records are found, copied and linked, names
 * compared and built, cases distinguished, prices worked out. */
#include "bench.h"

enum { SHELVES = 64, NAME = 24, BUCKETS = 32, JOURNAL = 16 };

enum kind { BOOK, TOOL, FOOD, TOY, KINDS };

struct item {
    struct item *next; /* of the same bucket */
    enum kind kind;
    int32_t price, stock;
    uint8_t name[NAME];
};

struct entry {
    struct item item;
    int64_t total;
    uint32_t count;
};

static struct item items[SHELVES];
static struct item *buckets[BUCKETS];
static struct entry journal[JOURNAL];
static int64_t sold[KINDS];

static size_t length(const uint8_t *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

static int compare(const uint8_t *a, const uint8_t *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a - *b;
}

static void append(uint8_t *to, const uint8_t *from)
{
    to += length(to);
    while ((*to++ = *from++))
        ;
}

/* A name such as "toy-37": the number is what tells items apart. */
static void make_name(uint8_t *name, enum kind kind, uint32_t number)
{
    static const uint8_t prefix[KINDS][8] = {"book-", "tool-", "food-", "toy-"};
    uint8_t digits[12];
    unsigned at = sizeof digits - 1;

    digits[at] = 0;
    do {
        digits[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number);
    name[0] = 0;
    append(name, prefix[kind]);
    append(name, digits + at);
}

static uint32_t hash(const uint8_t *name)
{
    uint32_t h = 5381;

    while (*name)
        h = h * 33 + *name++;
    return h;
}

__attribute__((noinline)) static struct item *find(const uint8_t *name)
{
    struct item *item = buckets[hash(name) % BUCKETS];

    while (item && compare(item->name, name) != 0)
        item = item->next;
    return item;
}

static void stock_shop(void)
{
    for (uint32_t i = 0; i < SHELVES; i++) {
        struct item *item = &items[i], **bucket;

        item->kind = (enum kind)(i % KINDS);
        item->price = (int32_t)(100 + 37 * i % 911);
        item->stock = (int32_t)(10 + i % 7);
        make_name(item->name, item->kind, i * 13);
        bucket = &buckets[hash(item->name) % BUCKETS];
        item->next = *bucket;
        *bucket = item;
    }
}

/* What `count` of them cost: each kind of goods has its own rule. */
__attribute__((noinline)) static int64_t price_of(const struct item *item, uint32_t count)
{
    int64_t total = (int64_t)item->price * count;

    switch (item->kind) {
    case BOOK: return total;
    case TOOL: return count > 4 ? total * 9 / 10 : total;
    case FOOD: return total + total / 14;
    case TOY: return total - (total >> 5);
    default: return -1;
    }
}

__attribute__((noinline)) static void refill(struct item *item)
{
    item->stock += 20;
    item->price += item->price > 900 ? -450 : 7;
}

static void book(struct item *item, uint32_t count, uint64_t round)
{
    struct entry *entry = &journal[round % JOURNAL];

    while (item->stock < (int32_t)count)
        refill(item);
    item->stock -= (int32_t)count;
    entry->item = *item;
    entry->count = count;
    entry->total = price_of(item, count);
    sold[item->kind] += entry->total;
}

uint64_t work(void)
{
    uint64_t state = 0x9e3779b97f4a7c15u, sum = 0;
    uint8_t name[NAME];

    stock_shop();
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint32_t wanted = (uint32_t)(next_random(&state) >> 20) % (SHELVES + 4);
        struct item *item;

        make_name(name, (enum kind)(wanted % KINDS), wanted * 13);
        item = find(name);
        if (item)
            book(item, 1 + (uint32_t)(round % 6), round);
        else
            sum = mix(sum, wanted);
    }
    for (unsigned i = 0; i < JOURNAL; i++)
        sum = mix(sum, (uint64_t)journal[i].total + hash(journal[i].item.name));
    for (unsigned k = 0; k < KINDS; k++)
        sum = mix(sum, (uint64_t)sold[k]);
    return sum;
}
