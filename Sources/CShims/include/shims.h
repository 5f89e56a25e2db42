// What C says and Swift has no word for.
#ifndef REDIS_BACKUP_SHIMS_H
#define REDIS_BACKUP_SHIMS_H

#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A hint to the processor that `address` is read soon.
static inline void redis_backup_prefetch(const void *_Nullable address) {
  __builtin_prefetch(address, 0, 3);
}

// copy_file_range(2) from `offset` of `source` to the position of `target`; -1 and errno ENOSYS
// where the system has no such call, EOPNOTSUPP where the file system can't share bytes, so that it
// would only copy them, and slower than read(2) and write(2) do.
ssize_t redis_backup_copy_range(int source, int64_t offset, int target, size_t count);

// sync_file_range(2) that only begins to write; nothing where the system has no such call.
void redis_backup_start_writeback(int descriptor, int64_t offset, int64_t count);

// fallocate(2) that leaves the size of the file as it is; nothing where the system or the file system
// has no such call.
void redis_backup_reserve(int descriptor, int64_t offset, int64_t count);

// O_DIRECT of a file, on or off; -1 where the system or the file system does not know it.
int redis_backup_set_direct(int descriptor, int on);

// mremap(2): the `size` bytes of a mapping at `address` become `larger` bytes, maybe elsewhere. NULL and
// errno on failure, ENOSYS where the system has no such call.
void *_Nullable redis_backup_move_pages(void *_Nonnull address, size_t size, size_t larger);

// `value` as printf's %.17g at `text`, which has room for `size` bytes; how long it is.
int redis_backup_print17(double value, void *_Nonnull text, size_t size);

// The sum of two long doubles given as text, at `text`, which has room for `size` bytes, as servers
// store it: %.17Lf without the zeros at its end. How long it is; -1 when one text is no number, -2
// when the sum is not finite.
int redis_backup_add_long_doubles(const void *_Nonnull first, size_t first_count,
                                  const void *_Nonnull second, size_t second_count,
                                  void *_Nonnull text, size_t size);

// What DEBUG DIGEST keeps: the five words of a SHA-1, in the order of the machine.
typedef struct {
  uint32_t words[5];
} redis_backup_digest;

// digest XOR SHA1(data)
void redis_backup_digest_xor(redis_backup_digest *_Nonnull digest, const void *_Nullable data,
                             size_t count);

// SHA1(digest XOR SHA1(data))
void redis_backup_digest_mix(redis_backup_digest *_Nonnull digest, const void *_Nullable data,
                             size_t count);

// digest XOR SHA1(other)
void redis_backup_digest_fold(redis_backup_digest *_Nonnull digest,
                              const redis_backup_digest *_Nonnull other);

// Where `wanted` begins in `bytes` for the first time, or null: memmem(3), which is no standard.
const void *_Nullable redis_backup_find(const void *_Nonnull bytes, size_t count,
                                        const void *_Nonnull wanted, size_t length);

// How many words the command line has, the program's name included; 0 where the system does not tell.
int redis_backup_argument_count(void);

// The word `index` of the command line, which stays; NULL behind the last.
const char *_Nullable redis_backup_argument(int index);

#include "signals.h"

// Lets a spawned program close every descriptor from `from` on, where the system can (glibc 2.34 and
// newer); elsewhere nothing is added, and descriptors need their close-on-exec flag.
int redis_backup_spawn_close_from(posix_spawn_file_actions_t *_Nonnull actions, int from);

#endif
