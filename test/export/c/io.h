/* What the programs of these tests read and write, wherever they run. */
#include <stddef.h>

/* Reads count bytes; 0 at the end of them. */
int get(void *to, size_t count);
void put(const void *from, size_t count);
/* Runs every network on what is read, and writes all values. */
void run_all(void);
