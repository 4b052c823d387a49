#ifndef DEMAND_H
#define DEMAND_H

#define MEMORY 0x90000000ul /* guest physical: beyond the RAM of the host */

enum { PAGES = 300, STRIDE = 3, USED = (PAGES + STRIDE - 1) / STRIDE, FRESH = 20 };

#endif
