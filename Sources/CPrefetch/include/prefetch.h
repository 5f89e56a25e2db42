// A hint to the processor that `address` is read soon. Swift has no word for it.
#ifndef REDIS_BACKUP_PREFETCH_H
#define REDIS_BACKUP_PREFETCH_H
static inline void redis_backup_prefetch(const void *_Nullable address) {
  __builtin_prefetch(address, 0, 3);
}
#endif
