// What happens when the program is ended from outside, or a mapped file shrinks.
#ifndef REDIS_BACKUP_SIGNALS_H
#define REDIS_BACKUP_SIGNALS_H

#include <stdbool.h>

// Remembers a file or an empty directory that is removed when a signal ends the program. Returns
// false when 256 are remembered already: then it stays where it is. Any thread.
bool redis_backup_temporary_add(const char *_Nonnull path);

// Forgets a path that was added, and all that begin with it and a slash.
void redis_backup_temporary_forget(const char *_Nonnull path);

// Removes all that is remembered, files before directories. Safe in a signal handler.
void redis_backup_temporaries_remove(void);

// SIGINT, SIGTERM, SIGHUP: remove what is remembered, then end as the signal does. SIGBUS (a
// mapped file became shorter): one line on standard error that names the file, remove what is
// remembered, exit with `io_status`. SIGPIPE and SIGXFSZ are ignored, so that writing says EPIPE or EFBIG.
void redis_backup_signals_install(const char *_Nonnull program, int io_status);

#endif
