#define _GNU_SOURCE
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A slot is taken by swapping a path in and freed by swapping null in, so that a handler may look
// at any time. Paths are never freed: a handler on another thread may still be reading one, and what
// it would find in freed memory it would remove. They are few and short.
enum { slots = 256 };
static _Atomic(char *) paths[slots];

bool redis_backup_temporary_add(const char *path) {
  char *copy = strdup(path);
  if (!copy) return false;
  for (int i = 0; i < slots; i++) {
    char *expected = NULL;
    if (atomic_compare_exchange_strong(&paths[i], &expected, copy)) return true;
  }
  free(copy);
  return false;
}

void redis_backup_temporary_forget(const char *path) {
  size_t length = strlen(path);
  for (int i = 0; i < slots; i++) {
    char *here = atomic_load(&paths[i]);
    if (!here || strncmp(here, path, length) != 0) continue;
    if (here[length] != 0 && here[length] != '/') continue;
    // Only the one who added a path forgets it, so it is still there.
    atomic_store(&paths[i], NULL);
  }
}

void redis_backup_temporaries_remove(void) {
  for (int i = 0; i < slots; i++) {
    char *here = atomic_load(&paths[i]);
    if (here) (void)unlink(here);
  }
  for (int i = 0; i < slots; i++) {
    char *here = atomic_load(&paths[i]);
    if (here) (void)rmdir(here);
  }
}

static const char *program = "redis-backup";
static int exit_for_io = 74;

static void say(const char *text, size_t length) {
  while (length > 0) {
    ssize_t count = write(2, text, length);
    if (count <= 0) return;
    text += count;
    length -= (size_t)count;
  }
}

static void say_word(const char *text) { say(text, strlen(text)); }

#if defined(__linux__)
// Finds in /proc/self/maps the file that is mapped at `address`; its path is written to `path`,
// "" when there is none. Only calls that are safe in a handler.
static void file_mapped_at(uintptr_t address, char *path, size_t capacity) {
  path[0] = 0;
  int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char chunk[4096], line[4608];
  size_t used = 0;
  ssize_t count;
  while ((count = read(file, chunk, sizeof chunk)) > 0) {
    for (ssize_t i = 0; i < count; i++) {
      if (chunk[i] != '\n') {
        if (used + 1 < sizeof line) line[used++] = chunk[i];
        continue;
      }
      line[used] = 0;
      used = 0;
      // START-END perms offset dev inode   PATH
      uintptr_t bounds[2] = {0, 0};
      int bound = 0;
      char *at = line;
      for (; *at && *at != ' '; at++) {
        if (*at == '-') bound = 1;
        else bounds[bound] = bounds[bound] << 4 | (uintptr_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
      }
      if (address < bounds[0] || address >= bounds[1]) continue;
      char *slash = strchr(at, '/');
      if (slash && strlen(slash) < capacity) strcpy(path, slash);
      close(file);
      return;
    }
  }
  close(file);
}
#else
static void file_mapped_at(uintptr_t address, char *path, size_t capacity) {
  (void)address, (void)capacity;
  path[0] = 0;
}
#endif

static void file_shrank(int number, siginfo_t *info, void *context) {
  (void)number, (void)context;
  char path[4096];
  file_mapped_at((uintptr_t)info->si_addr, path, sizeof path);
  if (path[0] == 0) {
    // No file is mapped there: a fault of the program itself. Let it be seen as one.
    signal(SIGBUS, SIG_DFL);
    raise(SIGBUS);
    return;
  }
  say_word(program);
  say_word(": ");
  for (char *at = path; *at; at++) {
    char shown = (unsigned char)*at < 0x20 || *at == 0x7F ? '?' : *at;
    say(&shown, 1);
  }
  say_word(": became shorter while it was read, or its disk failed; nothing was put in place. Try: a "
           "copy of the file, or `cat FILE | ");
  say_word(program);
  say_word(" COMMAND -`\n");
  redis_backup_temporaries_remove();
  _exit(exit_for_io);
}

static void ended(int number) {
  redis_backup_temporaries_remove();
  // The handler was reset on entry; the signal is delivered again when it returns.
  raise(number);
}

void redis_backup_signals_install(const char *name, int io_status) {
  program = name;
  exit_for_io = io_status;

  // The stack of the thread may be small or in use up to its end.
  static char stack[65536];
  stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);

  struct sigaction shrank = {0};
  shrank.sa_sigaction = file_shrank;
  shrank.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
  sigemptyset(&shrank.sa_mask);
  sigaction(SIGBUS, &shrank, NULL);

  const int ending[] = {SIGINT, SIGTERM, SIGHUP};
  for (unsigned i = 0; i < sizeof ending / sizeof *ending; i++) {
    struct sigaction old;
    // What the parent wants ignored (nohup) stays ignored.
    if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    struct sigaction action = {0};
    action.sa_handler = ended;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    sigaction(ending[i], &action, NULL);
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}
