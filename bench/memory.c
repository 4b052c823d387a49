/* A mix of what programs do with memory: quicksort, a chase of pointers through half a
 * megabyte, streams, and a matrix product. */
#include "bench.h"

enum { KEYS = 16384, LINKS = 8192, STREAM = 16384, N = 48, STEPS = 4 * LINKS };

struct link {
    struct link *next;
    uint64_t weight[7]; /* a cache line each */
};

static uint32_t keys[KEYS];
static struct link links[LINKS];
static uint64_t from[STREAM], to[STREAM];
static uint64_t a[N][N], b[N][N], c[N][N];

static void sort(uint32_t *first, uint32_t *last)
{
    while (last - first > 0) {
        uint32_t pivot = first[(last - first) / 2], *i = first, *j = last;

        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                uint32_t swapped = *i;

                *i++ = *j;
                *j-- = swapped;
            }
        }
        if (j - first < last - i) { /* the shorter part first: the stack stays small */
            sort(first, j);
            first = i;
        } else {
            sort(i, last);
            last = j;
        }
    }
}

static uint64_t sort_round(uint64_t *state)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < KEYS; i++)
        keys[i] = (uint32_t)(next_random(state) >> 16);
    sort(keys, keys + KEYS - 1);
    for (unsigned i = 1; i < KEYS; i++)
        sum += keys[i - 1] <= keys[i];
    return mix(sum, keys[KEYS / 2]);
}

/* One ring through all links, in no order (Sattolo's shuffle gives a single cycle). */
static void tie_links(uint64_t *state)
{
    for (unsigned i = 0; i < LINKS; i++) {
        keys[i] = i;
        links[i].weight[0] = i * 2654435761u;
    }
    for (unsigned i = LINKS - 1; i > 0; i--) {
        unsigned j = (unsigned)(next_random(state) % i);
        uint32_t swapped = keys[i];

        keys[i] = keys[j];
        keys[j] = swapped;
    }
    for (unsigned i = 0; i < LINKS; i++)
        links[i].next = &links[keys[i]];
}

static uint64_t chase_round(void)
{
    const struct link *at = links;
    uint64_t sum = 0;

    for (unsigned i = 0; i < STEPS; i++) {
        sum += at->weight[0] ^ i;
        at = at->next;
    }
    return sum;
}

static uint64_t stream_round(uint64_t round)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < STREAM; i++)
        from[i] = i + round;
    for (unsigned i = 0; i < STREAM; i++)
        to[i] = from[i];
    for (unsigned i = 0; i < STREAM; i++)
        from[i] += 3 * to[i];
    for (unsigned i = 0; i < STREAM; i++)
        sum += from[i];
    return sum;
}

static uint64_t matrix_round(uint64_t round)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < N * N; i++) {
        a[i / N][i % N] = i + round;
        b[i / N][i % N] = i ^ round;
    }
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            uint64_t dot = 0;

            for (unsigned k = 0; k < N; k++)
                dot += a[i][k] * b[k][j];
            c[i][j] = dot;
        }
    for (unsigned i = 0; i < N; i++)
        sum += c[i][i];
    return sum;
}

uint64_t work(void)
{
    uint64_t state = 0xd1342543de82ef95u, sum = 0;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        sum = mix(sum, sort_round(&state));
        tie_links(&state);
        sum = mix(sum, chase_round());
        sum = mix(sum, stream_round(round));
        sum = mix(sum, matrix_round(round));
    }
    return sum;
}
