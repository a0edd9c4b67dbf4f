// Linux only, and declared by fcntl.h for _GNU_SOURCE only.
extern int sync_file_range(int descriptor, long offset, long bytes, unsigned int flags);
