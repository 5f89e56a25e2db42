#define _GNU_SOURCE
#include "shims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

void redis_backup_start_writeback(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}

void redis_backup_reserve(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  (void)fallocate(descriptor, FALLOC_FL_KEEP_SIZE, offset, count);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}

int redis_backup_set_direct(int descriptor, int on) {
#if defined(__linux__)
  int flags = fcntl(descriptor, F_GETFL);
  return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT);
#else
  (void)descriptor, (void)on;
  return -1;
#endif
}

ssize_t redis_backup_copy_range(int source, int64_t offset, int target, size_t count) {
#if defined(__linux__)
  struct statfs system;
  if (fstatfs(target, &system) == 0 &&
      (system.f_type == EXT4_SUPER_MAGIC || system.f_type == TMPFS_MAGIC)) {
    errno = EOPNOTSUPP;
    return -1;
  }
  off_t from = (off_t)offset;
  return copy_file_range(source, &from, target, NULL, count, 0);
#else
  (void)source, (void)offset, (void)target, (void)count;
  errno = ENOSYS;
  return -1;
#endif
}

int redis_backup_print17(double value, void *text, size_t size) {
  return snprintf(text, size, "%.17g", value);
}

void *redis_backup_move_pages(void *address, size_t size, size_t larger) {
#if defined(__linux__)
  const size_t huge = (size_t)2 << 20;
  void *moved;
  if (larger >= huge) {
    // In place where there is room behind; otherwise to a multiple of 2 MiB, so that huge pages are
    // moved as such and new ones can follow.
    moved = mremap(address, size, larger, 0);
    if (moved != MAP_FAILED && ((uintptr_t)moved & (huge - 1)) == 0) return moved;
    if (moved != MAP_FAILED) size = larger;
    char *room = mmap(NULL, larger + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room != MAP_FAILED) {
      char *target = (char *)(((uintptr_t)room + huge - 1) & ~(uintptr_t)(huge - 1));
      moved = mremap(address, size, larger, MREMAP_MAYMOVE | MREMAP_FIXED, target);
      if (moved != MAP_FAILED) {
        if (target > room) munmap(room, (size_t)(target - room));
        if (target < room + huge) munmap(target + larger, (size_t)(room + huge - target));
        return moved;
      }
      munmap(room, larger + huge);
    }
  }
  moved = mremap(address, size, larger, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? NULL : moved;
#else
  (void)address, (void)size, (void)larger;
  errno = ENOSYS;
  return NULL;
#endif
}

const void *redis_backup_find(const void *bytes, size_t count, const void *wanted, size_t length) {
  return memmem(bytes, count, wanted, length);
}
