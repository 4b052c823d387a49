/* What the guest does, in numbers. For C and assembly. */
#ifndef COW_H
#define COW_H

#define SHARED_PAGES 24 /* the processes' memory: page i begins with the word i + 1 */
#define WRITTEN 9       /* pages that the child writes, each twice; VALUE is what it leaves */
#define VALUE 100

#define USER 0x40000000 /* where a process has its memory; its code is in the page before */
#define SYS_FORK 0
#define SYS_EXIT 1

#endif
