// Nothing but the header.
#include "prefetch.h"
