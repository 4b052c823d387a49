/* Ordinary code with known answers: CRC-32, SHA-256, sorting, long division, recursion. */
#include "platform.h"

static uint32_t crc32(const char *p, size_t n)
{
    uint32_t c = ~0u;

    while (n--) {
        c ^= (uint8_t)*p++;
        for (int i = 0; i < 8; i++)
            c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
    }
    return ~c;
}

static uint32_t rotate(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* Fractional bits of the square (cube) roots of the first primes, by integer Newton. */
static uint32_t root_bits(u64 prime, int cube)
{
    unsigned __int128 lo = 0, hi = (unsigned __int128)1 << 40;

    while (hi - lo > 1) {
        unsigned __int128 mid = (lo + hi) / 2;
        unsigned __int128 power = cube ? mid * mid * mid : mid * mid;
        unsigned __int128 target = (unsigned __int128)prime << (cube ? 96 : 64);

        if (power <= target)
            lo = mid;
        else
            hi = mid;
    }
    return (uint32_t)lo;
}

static bool is_prime(u64 n)
{
    for (u64 d = 2; d * d <= n; d++) {
        if (n % d == 0)
            return false;
    }
    return n > 1;
}

static void sha256_block(uint32_t *h, const uint8_t *block, const uint32_t *k)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               w[i - 7] + (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 8; i++)
        s[i] = h[i];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

        for (int j = 7; j > 0; j--)
            s[j] = s[j - 1];
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

static void check_sha256(void)
{
    static const uint8_t block[64] = {'a', 'b', 'c', 0x80, [63] = 24};
    static const uint32_t want[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                     0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    uint32_t h[8], k[64];
    u64 prime = 1;

    for (int i = 0; i < 64; i++) {
        while (!is_prime(++prime))
            ;
        k[i] = root_bits(prime, 1);
        if (i < 8)
            h[i] = root_bits(prime, 0);
    }
    sha256_block(h, block, k);
    for (int i = 0; i < 8; i++)
        check_equal(h[i], want[i]);
}

static void check_sort(void)
{
    static int32_t a[500];
    uint32_t x = 1;

    for (int i = 0; i < 500; i++)
        a[i] = (int32_t)(x = x * 1664525 + 1013904223);
    for (int i = 1; i < 500; i++) {
        int32_t v = a[i];
        int j = i;

        for (; j > 0 && a[j - 1] > v; j--)
            a[j] = a[j - 1];
        a[j] = v;
    }
    for (int i = 1; i < 500; i++)
        check(a[i - 1] <= a[i]);
}

static u64 ackermann(u64 m, u64 n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

int main(void)
{
    u64 sum = 0;

    check_equal(crc32("123456789", 9), 0xcbf43926);
    check_sha256();
    check_sort();
    check_equal(ackermann(2, 9), 21);
    for (u64 n = 1; n < 1000; n++)
        sum += is_prime(n) ? n : 0;
    check_equal(sum, 76127); /* sum of the primes below 1000 */
    return 0;
}
