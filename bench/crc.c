/* Integer work in Ring -1: the CRC-32 of a buffer, bit by bit, again and again. */
#include <stdint.h>

enum { BYTES = 4096, ROUNDS = 4000 };

static uint8_t buffer[BYTES];

static uint32_t crc32(uint32_t crc, const uint8_t *p, unsigned n)
{
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

int main(void)
{
    uint32_t crc = 0;

    for (unsigned i = 0; i < 9; i++)
        buffer[i] = (uint8_t)('1' + i);
    if (crc32(0, buffer, 9) != 0xcbf43926u) /* the check value of CRC-32 */
        return 1;
    for (unsigned i = 0; i < ROUNDS; i++)
        crc = crc32(crc, buffer, BYTES);
    return crc == 0;
}
