/* A mix of four small kernels, as embedded code has them: a linked list that is searched,
 * turned and sorted, small matrices, a state machine that reads numbers, and a CRC over
 * what they give. */
#include "bench.h"

/* CRC-16 (polynomial 0x1021, most significant bit first), bit by bit ------------------- */

static uint16_t crc16(uint16_t crc, uint8_t byte)
{
    crc ^= (uint16_t)(byte << 8);
    for (unsigned bit = 0; bit < 8; bit++)
        crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    return crc;
}

static uint16_t crc_word(uint16_t crc, uint32_t word)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        crc = crc16(crc, (uint8_t)(word >> shift));
    return crc;
}

/* List -------------------------------------------------------------------------------- */

enum { NODES = 96 };

struct node {
    struct node *next;
    int32_t key, value;
};

static struct node nodes[NODES];

static struct node *list_make(uint64_t *state)
{
    for (unsigned i = 0; i < NODES; i++) {
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
        nodes[i].key = (int32_t)(next_random(state) >> 33 & 1023);
        nodes[i].value = (int32_t)i;
    }
    return nodes;
}

static struct node *list_turn(struct node *list)
{
    struct node *turned = NULL;

    while (list) {
        struct node *next = list->next;

        list->next = turned;
        turned = list;
        list = next;
    }
    return turned;
}

static const struct node *list_find(const struct node *list, int32_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static int by_key(const struct node *a, const struct node *b)
{
    return a->key - b->key;
}

static int by_value(const struct node *a, const struct node *b)
{
    return a->value - b->value;
}

/* Merge sort: runs of 1, 2, 4, ... nodes are merged until there is one. */
static struct node *list_sort(struct node *list,
                              int (*order)(const struct node *, const struct node *))
{
    unsigned merges = 2;

    for (unsigned run = 1; merges > 1; run *= 2) {
        struct node *left = list, *sorted = NULL, **end = &sorted;

        for (merges = 0; left; merges++) {
            struct node *right = left;
            unsigned nleft = 0, nright = run;

            while (nleft < run && right) {
                nleft++;
                right = right->next;
            }
            while (nleft || (nright && right)) {
                bool from_left = nleft && (!nright || !right || order(left, right) <= 0);
                struct node **from = from_left ? &left : &right;

                *(from_left ? &nleft : &nright) -= 1;
                *end = *from;
                end = &(*from)->next;
                *from = (*from)->next;
            }
            left = right;
        }
        *end = NULL;
        list = sorted;
    }
    return list;
}

static uint16_t list_round(uint64_t *state, uint16_t crc)
{
    struct node *list = list_turn(list_make(state));

    for (int32_t key = 0; key < 24; key++) {
        const struct node *found = list_find(list, key * 41);

        crc = crc_word(crc, found ? (uint32_t)found->value : 0xffff);
    }
    list = list_sort(list, by_key);
    crc = crc_word(crc, (uint32_t)list->key);
    list = list_sort(list, by_value);
    return crc_word(crc, (uint32_t)list->next->key);
}

/* Matrix ------------------------------------------------------------------------------ */

enum { N = 12 };

static int16_t a[N][N], b[N][N];
static int32_t c[N][N];

static uint16_t matrix_round(uint64_t *state, uint16_t crc)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < N * N; i++) {
        uint64_t r = next_random(state);

        a[i / N][i % N] = (int16_t)(r >> 17 & 0xff);
        b[i / N][i % N] = (int16_t)(r >> 41 & 0xff);
    }
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            int32_t dot = 0;

            for (unsigned k = 0; k < N; k++)
                dot += a[i][k] * b[k][j];
            c[i][j] = dot;
        }
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            uint32_t v = (uint32_t)(c[i][j] + 3 * a[j][i]);

            sum += (v >> 2 & 15) * (v >> 5 & 127);
        }
    return crc_word(crc, sum);
}

/* State machine: what kind of number each word of a text is ---------------------------- */

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCALED, BAD, STATES };

enum { TEXT = 192 };

static uint8_t text[TEXT + 1];

static void make_text(uint64_t *state)
{
    static const uint8_t letters[32] = "0123456789012345+-..ee5x,,,7,3,1";

    for (unsigned i = 0; i < TEXT; i++)
        text[i] = letters[next_random(state) >> 29 & 31];
}

static bool digit(uint8_t ch)
{
    return ch >= '0' && ch <= '9';
}

static enum state step(enum state s, uint8_t ch)
{
    switch (s) {
    case START:
        return digit(ch) ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? POINT : BAD;
    case SIGN: return digit(ch) ? INTEGER : ch == '.' ? POINT : BAD;
    case INTEGER: return digit(ch) ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : BAD;
    case POINT: return digit(ch) ? FRACTION : BAD;
    case FRACTION: return digit(ch) ? FRACTION : ch == 'e' ? EXPONENT : BAD;
    case EXPONENT: return digit(ch) ? SCALED : ch == '+' || ch == '-' ? EXPONENT_SIGN : BAD;
    case EXPONENT_SIGN: return digit(ch) ? SCALED : BAD;
    case SCALED: return digit(ch) ? SCALED : BAD;
    default: return BAD;
    }
}

static uint16_t text_round(uint64_t *random, uint16_t crc)
{
    uint32_t ends[STATES] = {0};
    enum state s = START;

    make_text(random);
    for (const uint8_t *p = text; *p; p++) {
        if (*p != ',') {
            s = step(s, *p);
            continue;
        }
        ends[s]++;
        s = START;
    }
    for (unsigned i = 0; i < STATES; i++)
        crc = crc16(crc, (uint8_t)ends[i]);
    return crc;
}

uint64_t work(void)
{
    uint64_t state = 0x2545f4914f6cdd1du;
    uint16_t crc = 0xffff;

    for (uint64_t round = 0; round < ROUNDS; round++) {
        crc = list_round(&state, crc);
        crc = matrix_round(&state, crc);
        crc = text_round(&state, crc);
    }
    return crc;
}
