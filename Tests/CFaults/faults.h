// What the fault layer shares with whoever steers it: one page of memory, mapped from a file outside
// the directory under test. `clients/python/tests/torture/faults.py` knows the same offsets.
#pragma once
#include <stdint.h>

enum call_kind {
    CALL_WRITE = 1 << 0,
    CALL_SYNC = 1 << 1,
    CALL_RENAME = 1 << 2,
    CALL_OPEN = 1 << 3,
    CALL_TRUNCATE = 1 << 4,
    CALL_UNLINK = 1 << 5,
    CALL_MAKE = 1 << 6,
};
enum { CALL_KINDS = 7 };

enum action {
    FAIL_EIO = 1,
    FAIL_ENOSPC = 2,
    // A part is written and said so; other calls fail with ENOSPC.
    WRITE_SHORT = 3,
    // A part is written, then EIO.
    WRITE_TORN = 4,
    KILL_BEFORE = 5,
    KILL_AFTER = 6,
    // A part is written, then the process dies; with other calls, after them.
    KILL_TORN = 7,
    // The call is made after a while.
    DELAY = 8,
};

struct control {
    uint64_t magic;      //   0
    uint64_t armed;      //   8  call_kind bits that count; 0 is none
    uint64_t target;     //  16  the first call that fails, from 1; 0 is none
    uint64_t repeat;     //  24  how many fail
    uint64_t action;     //  32
    uint64_t counted;    //  40  calls counted since armed
    uint64_t injected;   //  48
    uint64_t sequence;   //  56  of the journal
    uint64_t capacity;   //  64  bytes of the disk; 0 is any number
    int64_t used;        //  72  bytes taken of it
    uint64_t discreet;   //  80  1: statvfs does not tell of the capacity
    uint64_t failed_syncs; // 88
    uint64_t kinds[CALL_KINDS]; // 96  calls of each kind, counted or not
    char filter[64];     // 152  only calls on paths that contain this count
    char last[256];      // 216  the last call that was made to fail
    uint64_t delay;      // 472  microseconds
};
#define CONTROL_MAGIC 0x31544c5541464c41ULL
#define CONTROL_BYTES 4096

// The journal: of every change whose loss a power cut could bring, what was there before.
enum event {
    EVENT_WRITE = 1,     // ino, offset a, length b, size before c, data: what was there
    EVENT_TRUNCATE = 2,  // ino, new size a, size before c, data: the tail that went
    EVENT_SYNC = 3,      // ino, everything before sequence a is durable
    EVENT_SYNC_FAILED = 4, // ino, what was not durable before sequence a never becomes so by a sync
    EVENT_ADD = 5,       // directory ino, name, child a, b: 1 where it is a directory
    EVENT_REMOVE = 6,    // directory ino, name, child a, data: name in the graves
};

struct record {
    uint32_t magic;
    uint32_t kind;
    uint64_t sequence;
    uint64_t ino;
    uint64_t a;
    uint64_t b;
    uint64_t c;
    uint32_t name_bytes;
    uint32_t data_bytes;
};
#define RECORD_MAGIC 0x314a4641u
