// A layer between a process and its files, loaded with LD_PRELOAD: makes the n-th call fail, ends the
// process at it, plays a full disk, and notes what a power cut would take back.
//
//     cc -shared -fPIC -O1 -o libfaults.so faults.c -ldl -lpthread
//     ALULA_FAULTS=CONTROL ALULA_FAULTS_UNDER=DIR [ALULA_FAULTS_JOURNAL=FILE ALULA_FAULTS_GRAVES=DIR] LD_PRELOAD=… alula …
//
// Calls on paths under ALULA_FAULTS_UNDER count, nothing else. The journal says, for each write, what
// was there before it, and when each file and each directory was synced; `powercut.py` takes back
// what was not. Files that lose their name get another in the graves, so that the name can be given
// back. Memory mapped for writing is not noted: SQLite's -shm is all there is, and it is made anew.
#define _GNU_SOURCE
#include "faults.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct control *control;
static char under[1024];
static size_t under_bytes;
static char graves[1024];
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, ...) ((__typeof__(&name))real_##name)
#define DECLARE(name) static void *real_##name
DECLARE(open); DECLARE(openat); DECLARE(close); DECLARE(write); DECLARE(pwrite); DECLARE(writev);
DECLARE(pwritev); DECLARE(fsync); DECLARE(fdatasync); DECLARE(sync_file_range); DECLARE(rename);
DECLARE(renameat); DECLARE(unlink); DECLARE(unlinkat); DECLARE(mkdir); DECLARE(mkdirat);
DECLARE(rmdir); DECLARE(ftruncate); DECLARE(fallocate); DECLARE(posix_fallocate);
DECLARE(link); DECLARE(statvfs);

// Files and directories that were opened under the directory, by inode; the path for filters and notes.
struct known { uint64_t ino; bool is_directory; bool is_quiet; char path[256]; };
static struct known *table;
enum { TABLE = 1 << 16 };
// Descriptors that may be of such files; the inode decides.
static unsigned char mine[1 << 16];

static struct known *find(uint64_t ino, bool add) {
    for (uint64_t at = ino * 0x9e3779b97f4a7c15ULL >> 48; ; at = (at + 1) % TABLE) {
        if (table[at].ino == ino) return &table[at];
        if (table[at].ino == 0) {
            if (!add) return NULL;
            table[at].ino = ino;
            return &table[at];
        }
    }
}

__attribute__((constructor)) static void begin(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
    FIND(open); FIND(openat); FIND(close); FIND(write); FIND(pwrite); FIND(writev); FIND(pwritev);
    FIND(fsync); FIND(fdatasync); FIND(sync_file_range); FIND(rename); FIND(renameat); FIND(unlink);
    FIND(unlinkat); FIND(mkdir); FIND(mkdirat); FIND(rmdir); FIND(ftruncate); FIND(fallocate);
    FIND(posix_fallocate); FIND(link); FIND(statvfs);
    const char *path = getenv("ALULA_FAULTS"), *prefix = getenv("ALULA_FAULTS_UNDER");
    if (!path || !prefix || strlen(prefix) >= sizeof under) return;
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (file < 0) return;
    void *page = mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (page == MAP_FAILED || ((struct control *)page)->magic != CONTROL_MAGIC) return;
    table = mmap(NULL, TABLE * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == MAP_FAILED) abort();
    strcpy(under, prefix);
    under_bytes = strlen(under);
    const char *log = getenv("ALULA_FAULTS_JOURNAL"), *place = getenv("ALULA_FAULTS_GRAVES");
    if (log && place && strlen(place) < sizeof graves) {
        strcpy(graves, place);
        journal = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    }
    control = page;
}

static bool is_ours(const char *path) {
    return control && path && !strncmp(path, under, under_bytes)
        && (path[under_bytes] == '/' || path[under_bytes] == 0);
}

// SQLite's shared memory is rebuilt from the WAL by who opens it first.
static bool is_quiet(const char *path) {
    size_t length = strlen(path);
    return length > 4 && !strcmp(path + length - 4, "-shm");
}

static struct known *of_descriptor(int fd, struct stat *facts) {
    if (!control || fd < 0 || fd >= (int)sizeof mine || !mine[fd]) return NULL;
    if (fstat(fd, facts)) return NULL;
    pthread_mutex_lock(&lock);
    struct known *known = find(facts->st_ino, false);
    pthread_mutex_unlock(&lock);
    return known;
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

// What is to happen with this call; 0 is nothing.
static int decide(enum call_kind kind, const char *what, const char *path) {
    __atomic_fetch_add(&control->kinds[__builtin_ctz(kind)], 1, __ATOMIC_RELAXED);
    if (!(control->armed & kind)) return 0;
    if (control->filter[0] && !strstr(path, control->filter)) return 0;
    uint64_t number = __atomic_add_fetch(&control->counted, 1, __ATOMIC_SEQ_CST);
    uint64_t target = control->target;
    if (!target || number < target || number - target >= control->repeat) return 0;
    __atomic_fetch_add(&control->injected, 1, __ATOMIC_SEQ_CST);
    snprintf(control->last, sizeof control->last, "%s %s", what, path);
    int action = control->action;
    if (action == KILL_BEFORE) die();
    if (action == DELAY) {
        usleep(control->delay);
        return 0;
    }
    return action;
}

static void after(int action) {
    if (action == KILL_AFTER || action == KILL_TORN) die();
}

static int error_of(int action) {
    return action == FAIL_EIO || action == WRITE_TORN ? EIO
        : action == FAIL_ENOSPC || action == WRITE_SHORT ? ENOSPC : 0;
}

// MARK: - The journal

static uint64_t next_sequence(void) { return __atomic_add_fetch(&control->sequence, 1, __ATOMIC_SEQ_CST); }

static void note_all(struct record record, const char *name, const void *data, size_t bytes) {
    if (journal < 0) return;
    record.magic = RECORD_MAGIC;
    if (!record.sequence) record.sequence = next_sequence();
    record.name_bytes = name ? strlen(name) : 0;
    record.data_bytes = bytes;
    struct iovec parts[3] = {
        {&record, sizeof record}, {(void *)name, record.name_bytes}, {(void *)data, bytes}};
    size_t whole = sizeof record + record.name_bytes + bytes;
    if ((size_t)syscall(SYS_writev, journal, parts, 3) != whole) abort();
}

static void note(struct record record) { note_all(record, NULL, NULL, 0); }

// What stands in a range of a file before it changes; by a descriptor of our own, as the file's may
// be for writing only.
static void note_before(int fd, uint32_t kind, uint64_t ino, uint64_t from, uint64_t length,
                        uint64_t a, uint64_t b, uint64_t size) {
    if (journal < 0) return;
    uint64_t end = from + length < size ? from + length : size;
    uint64_t bytes = end > from ? end - from : 0;
    char *old = NULL;
    if (bytes) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int reader = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        old = malloc(bytes);
        if (reader < 0 || !old) abort();
        for (uint64_t done = 0; done < bytes; ) {
            long count = syscall(SYS_pread64, reader, old + done, bytes - done, from + done);
            if (count <= 0) abort();
            done += count;
        }
        syscall(SYS_close, reader);
    }
    note_all((struct record){.kind = kind, .ino = ino, .a = a, .b = b, .c = size}, NULL, old, bytes);
    free(old);
}

// The inode of the directory of a path, and the name in it.
static uint64_t parent_of(const char *path, const char **name) {
    char directory[1024];
    const char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) >= sizeof directory) abort();
    memcpy(directory, path, slash - path);
    directory[slash - path] = 0;
    *name = slash + 1;
    struct stat facts;
    return stat(slash == path ? "/" : directory, &facts) ? 0 : facts.st_ino;
}

static void note_added(const char *path, const struct stat *facts) {
    if (journal < 0 || is_quiet(path)) return;
    const char *name;
    uint64_t parent = parent_of(path, &name);
    note_all((struct record){.kind = EVENT_ADD, .ino = parent, .a = facts->st_ino,
                             .b = S_ISDIR(facts->st_mode)}, name, NULL, 0);
}

// Gives what is about to lose this name another one in the graves.
static void bury(const char *path, const struct stat *facts, char grave[64]) {
    grave[0] = 0;
    if (journal < 0 || !S_ISREG(facts->st_mode) || is_quiet(path)) return;
    snprintf(grave, 64, "%llu", (unsigned long long)next_sequence());
    char place[1200];
    snprintf(place, sizeof place, "%s/%s", graves, grave);
    if (REAL(link)(path, place)) abort();
}

// An empty directory goes to the graves, too: its number is given to nothing else then.
static int bury_directory(const char *path, char grave[64]) {
    snprintf(grave, 64, "%llu", (unsigned long long)next_sequence());
    char place[1200];
    snprintf(place, sizeof place, "%s/%s", graves, grave);
    if (REAL(rename)(path, place)) return -1;
    DIR *directory = opendir(place);
    if (!directory) abort();
    struct dirent *entry;
    bool is_empty = true;
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) is_empty = false;
    closedir(directory);
    if (is_empty) return 0;
    if (REAL(rename)(place, path)) abort();
    errno = ENOTEMPTY;
    return -1;
}

static void note_removed(const char *path, const struct stat *facts, const char *grave) {
    if (journal < 0 || is_quiet(path)) return;
    const char *name;
    uint64_t parent = parent_of(path, &name);
    note_all((struct record){.kind = EVENT_REMOVE, .ino = parent, .a = facts->st_ino,
                             .b = S_ISDIR(facts->st_mode)}, name, grave, strlen(grave));
}

// MARK: - A disk of a size

static void take(int64_t bytes) { __atomic_fetch_add(&control->used, bytes, __ATOMIC_SEQ_CST); }

// How many of `growth` bytes there is room for.
static int64_t room(int64_t growth) {
    if (!control->capacity) return growth;
    int64_t left = (int64_t)control->capacity - control->used;
    return left >= growth ? growth : left > 0 ? left : 0;
}

int statvfs(const char *path, struct statvfs *figures) {
    int result = REAL(statvfs)(path, figures);
    if (result || !control || !control->capacity || control->discreet) return result;
    if (!is_ours(path)) return result;
    int64_t left = (int64_t)control->capacity - control->used;
    figures->f_bavail = figures->f_bfree = left > 0 ? (uint64_t)left / figures->f_frsize : 0;
    figures->f_blocks = control->capacity / figures->f_frsize;
    return 0;
}
int statvfs64(const char *path, struct statvfs64 *figures) { return statvfs(path, (struct statvfs *)figures); }

// MARK: - Names

static int opened(const char *path, int fd, bool is_new) {
    if (fd < 0 || fd >= (int)sizeof mine) return fd;
    struct stat facts;
    if (fstat(fd, &facts) || !(S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))) return fd;
    struct known *known = find(facts.st_ino, true);
    known->is_directory = S_ISDIR(facts.st_mode);
    known->is_quiet = is_quiet(path);
    snprintf(known->path, sizeof known->path, "%s", path);
    mine[fd] = 1;
    if (is_new) note_added(path, &facts);
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode) {
    if (!is_ours(path)) return syscall(SYS_openat, at, path, flags, mode);
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
    int action = writes && !is_quiet(path) ? decide(CALL_OPEN, "open", path) : 0;
    if (error_of(action)) { errno = error_of(action); return -1; }
    pthread_mutex_lock(&lock);
    struct stat before;
    bool is_new = flags & O_CREAT && lstat(path, &before);
    if (is_new && room(4096) < 4096) {
        pthread_mutex_unlock(&lock);
        errno = ENOSPC;
        return -1;
    }
    if (flags & O_TRUNC && !is_new && !lstat(path, &before) && before.st_size > 0) {
        int old = syscall(SYS_openat, at, path, O_RDWR | O_CLOEXEC, 0);
        if (old >= 0) {
            note_before(old, EVENT_TRUNCATE, before.st_ino, 0, before.st_size, 0, 0, before.st_size);
            syscall(SYS_close, old);
        }
    }
    int fd = syscall(SYS_openat, at, path, flags, mode);
    int error = errno;
    opened(path, fd, is_new);
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    return fd;
}

#define MODE_OF(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }
int open(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_any(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags) return open_any(at, path, flags, mode); }

int close(int fd) {
    if (fd >= 0 && fd < (int)sizeof mine) mine[fd] = 0;
    return REAL(close)(fd);
}

int rename(const char *path, const char *target) {
    if (!is_ours(path) && !is_ours(target)) return REAL(rename)(path, target);
    int action = decide(CALL_RENAME, "rename", path);
    if (error_of(action)) { errno = error_of(action); return -1; }
    pthread_mutex_lock(&lock);
    struct stat moved, replaced;
    bool is_there = !lstat(path, &moved), replaces = !lstat(target, &replaced);
    char grave[64] = "", other[64] = "";
    if (is_there) bury(path, &moved, grave);
    if (is_there && replaces) bury(target, &replaced, other);
    int result = REAL(rename)(path, target), error = errno;
    if (!result) {
        if (replaces) note_removed(target, &replaced, other);
        note_removed(path, &moved, grave);
        note_added(target, &moved);
    }
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    return result;
}
int renameat(int from, const char *path, int to, const char *target) {
    return is_ours(path) ? rename(path, target) : REAL(renameat)(from, path, to, target);
}

int link(const char *path, const char *target) {
    int result = REAL(link)(path, target), error = errno;
    struct stat facts;
    if (!result && is_ours(target) && !lstat(target, &facts)) {
        pthread_mutex_lock(&lock);
        note_added(target, &facts);
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return result;
}

static int remove_name(const char *path, bool is_directory) {
    int action = is_quiet(path) ? 0 : decide(CALL_UNLINK, "unlink", path);
    if (error_of(action)) { errno = error_of(action); return -1; }
    pthread_mutex_lock(&lock);
    struct stat facts;
    bool is_there = !lstat(path, &facts);
    char grave[64] = "";
    if (is_there) bury(path, &facts, grave);
    bool is_buried = is_directory && is_there && journal >= 0 && S_ISDIR(facts.st_mode);
    int result = is_buried ? bury_directory(path, grave)
        : is_directory ? REAL(rmdir)(path) : REAL(unlink)(path), error = errno;
    if (!result && is_there) {
        note_removed(path, &facts, grave);
        take(-(int64_t)facts.st_size);
    }
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    return result;
}
int unlink(const char *path) { return is_ours(path) ? remove_name(path, false) : REAL(unlink)(path); }
int rmdir(const char *path) { return is_ours(path) ? remove_name(path, true) : REAL(rmdir)(path); }
int unlinkat(int at, const char *path, int flags) {
    return is_ours(path) ? remove_name(path, flags & AT_REMOVEDIR) : REAL(unlinkat)(at, path, flags);
}

int mkdir(const char *path, mode_t mode) {
    if (!is_ours(path)) return REAL(mkdir)(path, mode);
    int action = decide(CALL_MAKE, "mkdir", path);
    if (error_of(action)) { errno = error_of(action); return -1; }
    pthread_mutex_lock(&lock);
    int result = REAL(mkdir)(path, mode), error = errno;
    struct stat facts;
    if (!result && !lstat(path, &facts)) note_added(path, &facts);
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    return result;
}
int mkdirat(int at, const char *path, mode_t mode) {
    return is_ours(path) ? mkdir(path, mode) : REAL(mkdirat)(at, path, mode);
}

// MARK: - Bytes

static ssize_t write_any(struct known *known, int fd, const void *bytes, size_t count, off_t at) {
    int action = known->is_quiet ? 0 : decide(CALL_WRITE, "write", known->path);
    if (action == FAIL_EIO || action == FAIL_ENOSPC) { errno = error_of(action); return -1; }
    size_t wanted = count;
    if (action == WRITE_SHORT || action == WRITE_TORN || action == KILL_TORN) wanted = count / 2;
    if (action == WRITE_SHORT && wanted == 0) { errno = ENOSPC; return -1; }
    pthread_mutex_lock(&lock);
    struct stat facts;
    fstat(fd, &facts);
    // A place of its own where the descriptor appends or goes on from where it stands.
    off_t from = at;
    if (at < 0) {
        int flags = fcntl(fd, F_GETFL);
        from = flags & O_APPEND ? facts.st_size : lseek(fd, 0, SEEK_CUR);
    }
    int64_t growth = from + (int64_t)wanted - facts.st_size;
    if (growth > 0) {
        int64_t fits = room(growth);
        if (fits < growth) {
            int64_t less = (int64_t)wanted - (growth - fits);
            if (less <= 0) {
                pthread_mutex_unlock(&lock);
                errno = ENOSPC;
                return -1;
            }
            wanted = less;
            growth = fits;
        }
    }
    if (!known->is_quiet)
        note_before(fd, EVENT_WRITE, facts.st_ino, from, wanted, from, wanted, facts.st_size);
    ssize_t result = at < 0 ? REAL(write)(fd, bytes, wanted) : REAL(pwrite)(fd, bytes, wanted, at);
    int error = errno;
    if (result > 0 && growth > 0) take(growth);
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    if (action == WRITE_TORN) { errno = EIO; return -1; }
    return result;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    return known && count ? write_any(known, fd, bytes, count, -1) : REAL(write)(fd, bytes, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    return known && count ? write_any(known, fd, bytes, count, at) : REAL(pwrite)(fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { return pwrite(fd, bytes, count, at); }

// One piece after the other: a short count is allowed.
static ssize_t writev_any(struct known *known, int fd, const struct iovec *parts, int count, off_t at) {
    ssize_t sum = 0;
    for (int index = 0; index < count; index++) {
        if (!parts[index].iov_len) continue;
        ssize_t done = write_any(known, fd, parts[index].iov_base, parts[index].iov_len, at < 0 ? -1 : at + sum);
        if (done < 0) return sum ? sum : -1;
        sum += done;
        if ((size_t)done < parts[index].iov_len) break;
    }
    return sum;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    return known ? writev_any(known, fd, parts, count, -1) : REAL(writev)(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    return known ? writev_any(known, fd, parts, count, at) : REAL(pwritev)(fd, parts, count, at);
}

int ftruncate(int fd, off_t size) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    if (!known || known->is_quiet) return REAL(ftruncate)(fd, size);
    int action = decide(CALL_TRUNCATE, "ftruncate", known->path);
    if (error_of(action)) { errno = error_of(action); return -1; }
    pthread_mutex_lock(&lock);
    fstat(fd, &facts);
    uint64_t gone = facts.st_size > size ? facts.st_size - size : 0;
    note_before(fd, EVENT_TRUNCATE, facts.st_ino, size, gone, size, 0, facts.st_size);
    int result = REAL(ftruncate)(fd, size), error = errno;
    if (!result) take((int64_t)size - facts.st_size);
    pthread_mutex_unlock(&lock);
    after(action);
    errno = error;
    return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int allocate(struct known *known, int fd, int mode, off_t from, off_t bytes) {
    int action = decide(CALL_TRUNCATE, "fallocate", known->path);
    if (error_of(action)) return error_of(action);
    pthread_mutex_lock(&lock);
    struct stat facts;
    fstat(fd, &facts);
    int error = 0;
    if (from + bytes > facts.st_size && room(from + bytes - facts.st_size) < from + bytes - facts.st_size)
        error = ENOSPC;
    if (!error && !(mode & FALLOC_FL_KEEP_SIZE) && from + bytes > facts.st_size) {
        note((struct record){.kind = EVENT_TRUNCATE, .ino = facts.st_ino, .a = from + bytes, .c = facts.st_size});
        take(from + bytes - facts.st_size);
    }
    if (!error && REAL(fallocate)(fd, mode, from, bytes)) error = errno;
    pthread_mutex_unlock(&lock);
    after(action);
    return error;
}
int fallocate(int fd, int mode, off_t from, off_t bytes) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    if (!known || known->is_quiet) return REAL(fallocate)(fd, mode, from, bytes);
    int error = allocate(known, fd, mode, from, bytes);
    if (error) errno = error;
    return error ? -1 : 0;
}
int fallocate64(int fd, int mode, off64_t from, off64_t bytes) { return fallocate(fd, mode, from, bytes); }
int posix_fallocate(int fd, off_t from, off_t bytes) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    if (!known || known->is_quiet) return REAL(posix_fallocate)(fd, from, bytes);
    return allocate(known, fd, 0, from, bytes);
}

// MARK: - Durability

static int sync_any(int fd, bool whole) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    if (!known || known->is_quiet) return whole ? REAL(fsync)(fd) : REAL(fdatasync)(fd);
    int action = decide(CALL_SYNC, known->is_directory ? "sync directory" : "sync", known->path);
    uint64_t begun = next_sequence();
    if (error_of(action)) {
        __atomic_fetch_add(&control->failed_syncs, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_lock(&lock);
        note((struct record){.kind = EVENT_SYNC_FAILED, .ino = facts.st_ino, .a = begun});
        pthread_mutex_unlock(&lock);
        errno = error_of(action);
        return -1;
    }
    // With a journal the power never really goes, and what is durable is what it says.
    int result = journal >= 0 ? 0 : whole ? REAL(fsync)(fd) : REAL(fdatasync)(fd), error = errno;
    if (!result) {
        pthread_mutex_lock(&lock);
        note((struct record){.kind = EVENT_SYNC, .ino = facts.st_ino, .a = begun});
        pthread_mutex_unlock(&lock);
    }
    after(action);
    errno = error;
    return result;
}
int fsync(int fd) { return sync_any(fd, true); }
int fdatasync(int fd) { return sync_any(fd, false); }

// It makes nothing durable: the size of the file may be lost.
int sync_file_range(int fd, off64_t from, off64_t bytes, unsigned flags) {
    struct stat facts;
    struct known *known = of_descriptor(fd, &facts);
    if (!known) return REAL(sync_file_range)(fd, from, bytes, flags);
    int action = decide(CALL_SYNC, "sync_file_range", known->path);
    if (error_of(action)) { errno = error_of(action); return -1; }
    after(action);
    return 0;
}
