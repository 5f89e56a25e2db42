#include "shims.h"

// The words of the command line, as the system handed them over. Swift reads them from /proc, which a chroot
// or the first minutes of a rescue system need not have; the program would see none of them.

static int count;
static char **words;

#if defined(__GLIBC__)
// glibc hands the arguments of main() to every constructor (dl_init, __libc_csu_init).
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
  count = argc;
  words = argv;
}
#endif

int redis_backup_argument_count(void) { return count; }

const char *redis_backup_argument(int index) { return index < count ? words[index] : 0; }
