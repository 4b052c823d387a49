/* Unit tests: each a function that is given to main.c by its name. */
#ifndef UNIT_H
#define UNIT_H

#include <inttypes.h>
#include <stdio.h>

extern unsigned failures;

#define check_equal(got, expected)                                                                 \
    do {                                                                                           \
        uint64_t got_ = (uint64_t)(got), expected_ = (uint64_t)(expected);                         \
        if (got_ != expected_) {                                                                   \
            printf("%s:%d: %s is %" PRIu64 ", expected %" PRIu64 "\n", __FILE__, __LINE__, #got,   \
                   got_, expected_);                                                               \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define UNIT_TESTS(X)                                                                              \
    X(tlb_hits_what_was_filled)                                                                    \
    X(tlb_sizes_have_sets_of_their_own)                                                            \
    X(tlb_replaces_first_in_first_out)                                                             \
    X(tlb_uses_free_ways_first)                                                                    \
    X(tlb_global_is_for_every_asid_of_a_vm)                                                        \
    X(tlb_l1_is_a_subset)                                                                          \
    X(tlb_flush_takes_what_matches)                                                                \
    X(walk_cache_replaces_first_in_first_out)                                                      \
    X(walk_cache_flush_is_by_vmid)                                                                 \
    X(walk_cache_of_no_entries)                                                                    \
    X(pool_replaces_what_was_loaded_longest_ago)                                                   \
    X(pool_has_the_valid_copy)                                                                     \
    X(pool_keeps_words_that_are_no_field)                                                          \
    X(pool_refuses_what_is_no_vmcs)                                                                \
    X(pool_refuses_what_another_hart_has)                                                          \
    X(observers_have_their_own_parts)                                                              \
    X(observers_come_and_go)                                                                       \
    X(accesses_of_watched_bytes_are_told)                                                          \
    X(records_tell_csrs_and_both_pages)                                                            \
    X(breaks_are_any_number)                                                                       \
    X(a_follower_has_the_others_time)                                                              \
    X(a_follower_takes_interrupts_when_told)                                                       \
    X(a_follower_has_the_others_devices)                                                           \
    X(devices_are_reset_with_the_machine)                                                          \
    X(registers_are_written_by_name)

#define UNIT_DECLARE(name) void name(void);
UNIT_TESTS(UNIT_DECLARE)
#undef UNIT_DECLARE

#endif
