#pragma once
/* Calls of malloc and its kin by this thread since it began; always 0 under the address sanitizer. */
unsigned long allocations_of_this_thread(void);
