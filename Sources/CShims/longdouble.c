// Sums of long doubles from text to text. Swift has no such type on every platform.
#define _GNU_SOURCE
#include "shims.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The number that `count` bytes at `text` are; 0 when they are none.
static int parse(const void *text, size_t count, long double *value) {
  char copy[5 << 10];
  if (count == 0 || count >= sizeof copy) return 0;
  memcpy(copy, text, count);
  copy[count] = 0;
  if (isspace((unsigned char)copy[0])) return 0;
  char *end;
  errno = 0;
  *value = strtold(copy, &end);
  if ((size_t)(end - copy) != count || isnan(*value)) return 0;
  return !(errno == ERANGE && (isinf(*value) || fpclassify(*value) == FP_ZERO));
}

int redis_backup_add_long_doubles(const void *first, size_t first_count, const void *second,
                                  size_t second_count, void *text, size_t size) {
  long double a, b;
  if (!parse(first, first_count, &a) || !parse(second, second_count, &b)) return -1;
  long double sum = a + b;
  if (isnan(sum) || isinf(sum)) return -2;
  char *out = text;
  int length = snprintf(out, size, "%.17Lf", sum);
  if (length < 0 || (size_t)length >= size) return -2;
  while (out[length - 1] == '0') length--;
  if (out[length - 1] == '.') length--;
  if (length == 2 && out[0] == '-' && out[1] == '0') {
    out[0] = '0';
    length = 1;
  }
  return length;
}
