// Counts what is asked of the heap, for the tests that say how often that may be.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// How often the calling thread has asked for memory so far: malloc, calloc, realloc and their kin.
uint64_t redis_backup_test_allocations(void);

/// Whether this system can be counted at all.
bool redis_backup_test_counts_allocations(void);
