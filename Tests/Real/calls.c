// Put before the C library by LD_PRELOAD, it sees each system call of one program that changes something, writes the calls
// down, and makes one of them fail, or the last that the process ever made. Threads do not matter: matching calls are
// counted over all of them, so that the n-th is the n-th. Children, and other programs, are left alone.
//
//   CALLS_PROGRAM  whose calls; by default holdfast
//   CALLS_LOG      a file that gets a line for each call: OP <tab> PATH <tab> OTHER PATH <tab> TEXT
//   CALLS_READS    set: reads are written down too
//   CALLS_RULE     which calls are meant, lines of OP,OP,… <tab> PATH PATTERN <tab> TEXT PATTERN (fnmatch, * matches slashes)
//   CALLS_AT       the how manieth of them, from 1; with a + behind: that one and all later ones
//   CALLS_DEED     kill, kill-group, stop, error=NUMBER, short (half of what is to be written or read)
//   CALLS_AFTER    set: the deed comes after the call was done, not instead of it or before it
//   CALLS_HIT      a file that gets a line for each call that met the deed
//
// OP is one of: open create read write sync syncfs writeback truncate rename exchange unlink rmdir mkdir link symlink mknod
// close chmod chown utimes xattr connect send lock spawn. PATH is absolute where it can be known; of a socket it is
// unix:PATH. TEXT is the beginning of what is written or sent, unprintable bytes as dots.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT = 2000, RULES = 16 };

struct call {
    const char *op;
    char path[PATH_MAX], other[PATH_MAX], text[TEXT];
    int is_meant;
};

struct rule {
    char *ops, *path, *text;
};

static pid_t us;
static int is_reading, log_file = -1, hit_file = -1, rules;
static struct rule rule[RULES];
static long at;
static int is_lasting, is_after, error_number;
static enum { NOTHING, KILL, KILL_GROUP, STOP, ERROR, SHORT } deed;
static atomic_long count;
static long (*real_syscall)(long, ...);

static int open_log(const char *path) {
    int raw = (int)real_syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (raw < 0) return raw;
    // Out of the way of those who count descriptors.
    int high = (int)real_syscall(SYS_fcntl, raw, F_DUPFD_CLOEXEC, 900);
    if (high < 0) return raw;
    real_syscall(SYS_close, raw);
    return high;
}

static void read_rules(char *text) {
    char *line, *rest = text;
    while (rules < RULES && (line = strsep(&rest, "\n"))) {
        if (!*line) continue;
        char *fields = line;
        rule[rules].ops = strsep(&fields, "\t");
        rule[rules].path = fields ? strsep(&fields, "\t") : "*";
        rule[rules].text = fields ? strsep(&fields, "\t") : "*";
        rules++;
    }
}

__attribute__((constructor)) static void begin(void) {
    real_syscall = dlsym(RTLD_NEXT, "syscall");
    const char *program = getenv("CALLS_PROGRAM"), *value;
    if (strcmp(program_invocation_short_name, program ? program : "holdfast") != 0) return;
    is_reading = getenv("CALLS_READS") != NULL;
    if ((value = getenv("CALLS_LOG"))) log_file = open_log(value);
    if ((value = getenv("CALLS_HIT"))) hit_file = open_log(value);
    if ((value = getenv("CALLS_RULE"))) read_rules(strdup(value));
    if ((value = getenv("CALLS_AT"))) {
        char *end;
        at = strtol(value, &end, 10);
        is_lasting = *end == '+';
    }
    is_after = getenv("CALLS_AFTER") != NULL;
    if ((value = getenv("CALLS_DEED"))) {
        if (!strcmp(value, "kill")) deed = KILL;
        if (!strcmp(value, "kill-group")) deed = KILL_GROUP;
        if (!strcmp(value, "stop")) deed = STOP;
        if (!strcmp(value, "short")) deed = SHORT;
        if (!strncmp(value, "error=", 6)) deed = ERROR, error_number = atoi(value + 6);
    }
    us = getpid();
}

// Whether calls of this process are looked at; a child between fork and exec is not this process.
static int is_on(void) { return us && getpid() == us; }

static int has_op(const char *ops, const char *op) {
    size_t length = strlen(op);
    for (const char *found = ops; (found = strstr(found, op)); found += length)
        if ((found == ops || found[-1] == ',') && (!found[length] || found[length] == ',')) return 1;
    return !strcmp(ops, "*");
}

static int is_looked_at(const char *op) {
    if (!is_on()) return 0;
    if (log_file >= 0 && (is_reading || strcmp(op, "read"))) return 1;
    for (int i = 0; i < rules; i++)
        if (has_op(rule[i].ops, op)) return 1;
    return 0;
}

static void path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    if (strncmp(path, "socket:", 7)) return;
    struct sockaddr_un peer = {0};
    socklen_t size = sizeof peer;
    if (getpeername(file, (struct sockaddr *)&peer, &size) == 0 && peer.sun_family == AF_UNIX)
        snprintf(path, PATH_MAX, "unix:%s", peer.sun_path);
}

static void path_at(int folder, const char *name, char *path) {
    if (!name || *name == '/') {
        snprintf(path, PATH_MAX, "%s", name ? name : "");
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(path, PATH_MAX)) *path = 0;
    } else {
        path_of(folder, path);
    }
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
}

static void set_text(struct call *call, const void *bytes, size_t length) {
    const unsigned char *byte = bytes;
    size_t most = length < TEXT - 1 ? length : TEXT - 1;
    for (size_t i = 0; i < most; i++) call->text[i] = byte[i] >= ' ' && byte[i] < 127 ? (char)byte[i] : '.';
    call->text[most] = 0;
}

static void note(int file, const struct call *call) {
    char line[2 * PATH_MAX + TEXT + 64];
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%s\n", call->op, call->path, call->other, call->text);
    real_syscall(SYS_write, file, line, (long)length);
}

static int is_meant(const struct call *call) {
    for (int i = 0; i < rules; i++) {
        if (!has_op(rule[i].ops, call->op)) continue;
        int is_there = fnmatch(rule[i].path, call->path, 0) == 0 || (*call->other && fnmatch(rule[i].path, call->other, 0) == 0);
        if (is_there && fnmatch(rule[i].text, call->text, 0) == 0) return 1;
    }
    return 0;
}

static void act(void) {
    if (deed == KILL) kill(us, SIGKILL);
    if (deed == KILL_GROUP) kill(0, SIGKILL);
    if (deed == STOP) raise(SIGSTOP);
}

// What is to become of a call: 0 it goes on, 1 half of it, −1 it fails, with errno.
static int before(struct call *call) {
    if (log_file >= 0 && (is_reading || strcmp(call->op, "read"))) note(log_file, call);
    if (deed == NOTHING || !is_meant(call)) return 0;
    long number = atomic_fetch_add(&count, 1) + 1;
    if (number != at && !(is_lasting && number > at)) return 0;
    if (hit_file >= 0) note(hit_file, call);
    call->is_meant = 1;
    if (deed == SHORT) return 1;
    if (is_after) return 0;
    if (deed == ERROR) {
        errno = error_number;
        return -1;
    }
    act();
    return 0;
}

static long after(const struct call *call, long result) {
    if (!call->is_meant || !is_after) return result;
    if (deed == ERROR) {
        errno = error_number;
        return -1;
    }
    int saved = errno;
    act();
    errno = saved;
    return result;
}

#define REAL(name)                                      \
    static __typeof__(&name) real;                      \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// A call that FILL describes and GO makes; N is how much of it where it can be done by halves.
#define SEEN(OP, FILL, GO)                              \
    const char *op_ = OP;                               \
    if (!is_looked_at(op_)) return GO;                  \
    struct call call;                                   \
    call.op = op_;                                      \
    call.path[0] = call.other[0] = call.text[0] = 0;    \
    call.is_meant = 0;                                  \
    int saved_ = errno;                                 \
    FILL;                                               \
    errno = saved_;                                     \
    int part_ = before(&call);                          \
    if (part_ < 0) return -1;                           \
    errno = saved_;                                     \
    (void)part_;                                        \
    return (__typeof__(GO))after(&call, (long)(GO))

// The same for what moves bytes.
#define MOVED(OP, FILE, BYTES, LENGTH, GO)              \
    size_t n = (LENGTH);                                \
    const char *op_ = OP;                               \
    if (!is_looked_at(op_)) return GO;                  \
    struct call call;                                   \
    call.op = op_;                                      \
    call.path[0] = call.other[0] = call.text[0] = 0;    \
    call.is_meant = 0;                                  \
    int saved_ = errno;                                 \
    path_of(FILE, call.path);                           \
    if (BYTES) set_text(&call, BYTES, n);               \
    errno = saved_;                                     \
    int part_ = before(&call);                          \
    if (part_ < 0) return -1;                           \
    if (part_ && n > 1) n /= 2;                         \
    errno = saved_;                                     \
    return (__typeof__(GO))after(&call, (long)(GO))

static mode_t mode_of(int flags, va_list list) {
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

static const char *opening(int flags) { return flags & O_CREAT ? "create" : "open"; }

#define OPEN(name)                                                                      \
    int name(const char *path, int flags, ...) {                                        \
        va_list list;                                                                   \
        va_start(list, flags);                                                          \
        mode_t mode = mode_of(flags, list);                                             \
        va_end(list);                                                                   \
        REAL(name);                                                                     \
        SEEN(opening(flags), path_at(AT_FDCWD, path, call.path), real(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                    \
    int name(int folder, const char *path, int flags, ...) {                            \
        va_list list;                                                                   \
        va_start(list, flags);                                                          \
        mode_t mode = mode_of(flags, list);                                             \
        va_end(list);                                                                   \
        REAL(name);                                                                     \
        SEEN(opening(flags), path_at(folder, path, call.path), real(folder, path, flags, mode)); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *bytes, size_t length) {
    REAL(write);
    MOVED("write", file, bytes, length, real(file, bytes, n));
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t offset) {
    REAL(pwrite);
    MOVED("write", file, bytes, length, real(file, bytes, n, offset));
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t offset) {
    REAL(pwrite64);
    MOVED("write", file, bytes, length, real(file, bytes, n, offset));
}
ssize_t writev(int file, const struct iovec *parts, int many) {
    REAL(writev);
    SEEN("write", (path_of(file, call.path), many ? set_text(&call, parts[0].iov_base, parts[0].iov_len) : (void)0),
         real(file, parts, many));
}
ssize_t read(int file, void *bytes, size_t length) {
    REAL(read);
    MOVED("read", file, (void *)0, length, real(file, bytes, n));
}
ssize_t pread(int file, void *bytes, size_t length, off_t offset) {
    REAL(pread);
    MOVED("read", file, (void *)0, length, real(file, bytes, n, offset));
}
ssize_t pread64(int file, void *bytes, size_t length, off64_t offset) {
    REAL(pread64);
    MOVED("read", file, (void *)0, length, real(file, bytes, n, offset));
}
ssize_t send(int file, const void *bytes, size_t length, int flags) {
    REAL(send);
    MOVED("send", file, bytes, length, real(file, bytes, n, flags));
}
ssize_t sendto(int file, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
    REAL(sendto);
    MOVED("send", file, bytes, length, real(file, bytes, n, flags, to, size));
}
int connect(int file, const struct sockaddr *to, socklen_t size) {
    REAL(connect);
    SEEN("connect",
         to->sa_family == AF_UNIX ? (void)snprintf(call.path, PATH_MAX, "unix:%s", ((const struct sockaddr_un *)to)->sun_path)
                                  : (void)0,
         real(file, to, size));
}

#define BY_FILE(name, op)                               \
    int name(int file) {                                \
        REAL(name);                                     \
        SEEN(op, path_of(file, call.path), real(file)); \
    }
BY_FILE(fsync, "sync")
BY_FILE(fdatasync, "sync")
BY_FILE(syncfs, "syncfs")
BY_FILE(close, "close")

int ftruncate(int file, off_t length) {
    REAL(ftruncate);
    SEEN("truncate", path_of(file, call.path), real(file, length));
}
int ftruncate64(int file, off64_t length) {
    REAL(ftruncate64);
    SEEN("truncate", path_of(file, call.path), real(file, length));
}

int rename(const char *old, const char *new) {
    REAL(rename);
    SEEN("rename", (path_at(AT_FDCWD, old, call.path), path_at(AT_FDCWD, new, call.other)), real(old, new));
}
int renameat(int old_folder, const char *old, int new_folder, const char *new) {
    REAL(renameat);
    SEEN("rename", (path_at(old_folder, old, call.path), path_at(new_folder, new, call.other)),
         real(old_folder, old, new_folder, new));
}
int unlink(const char *path) {
    REAL(unlink);
    SEEN("unlink", path_at(AT_FDCWD, path, call.path), real(path));
}
int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    SEEN(flags & AT_REMOVEDIR ? "rmdir" : "unlink", path_at(folder, path, call.path), real(folder, path, flags));
}
int rmdir(const char *path) {
    REAL(rmdir);
    SEEN("rmdir", path_at(AT_FDCWD, path, call.path), real(path));
}
int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    SEEN("mkdir", path_at(AT_FDCWD, path, call.path), real(path, mode));
}
int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    SEEN("mkdir", path_at(folder, path, call.path), real(folder, path, mode));
}
static int made(char *path, char *(*make)(char *)) { return make(path) ? 0 : -1; }
static int seen_mkdtemp(char *path) {
    REAL(mkdtemp);
    SEEN("mkdir", path_at(AT_FDCWD, path, call.path), made(path, real));
}
char *mkdtemp(char *path) { return seen_mkdtemp(path) == 0 ? path : NULL; }
int linkat(int old_folder, const char *old, int new_folder, const char *new, int flags) {
    REAL(linkat);
    SEEN("link", (path_at(old_folder, old, call.path), path_at(new_folder, new, call.other)),
         real(old_folder, old, new_folder, new, flags));
}
int symlinkat(const char *target, int folder, const char *path) {
    REAL(symlinkat);
    SEEN("symlink", path_at(folder, path, call.path), real(target, folder, path));
}
int mknodat(int folder, const char *path, mode_t mode, dev_t device) {
    REAL(mknodat);
    SEEN("mknod", path_at(folder, path, call.path), real(folder, path, mode, device));
}
int fchmod(int file, mode_t mode) {
    REAL(fchmod);
    SEEN("chmod", path_of(file, call.path), real(file, mode));
}
int fchmodat(int folder, const char *path, mode_t mode, int flags) {
    REAL(fchmodat);
    SEEN("chmod", path_at(folder, path, call.path), real(folder, path, mode, flags));
}
int fchown(int file, uid_t user, gid_t group) {
    REAL(fchown);
    SEEN("chown", path_of(file, call.path), real(file, user, group));
}
int fchownat(int folder, const char *path, uid_t user, gid_t group, int flags) {
    REAL(fchownat);
    SEEN("chown", path_at(folder, path, call.path), real(folder, path, user, group, flags));
}
int futimens(int file, const struct timespec times[2]) {
    REAL(futimens);
    SEEN("utimes", path_of(file, call.path), real(file, times));
}
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    REAL(utimensat);
    SEEN("utimes", path_at(folder, path, call.path), real(folder, path, times, flags));
}

static int seen_fcntl(int file, int command, long argument, int (*real)(int, int, ...)) {
    if (command != F_OFD_SETLK && command != F_SETLK) return real(file, command, argument);
    SEEN("lock", path_of(file, call.path), real(file, command, argument));
}
#define FCNTL(name)                                       \
    int name(int file, int command, ...) {                \
        va_list list;                                     \
        va_start(list, command);                          \
        long argument = va_arg(list, long);               \
        va_end(list);                                     \
        REAL(name);                                       \
        return seen_fcntl(file, command, argument, real); \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                char *const argv[], char *const envp[]) {
    REAL(posix_spawn);
    // It does not say by errno what is wrong, but as its result.
    struct call call = {.op = "spawn"};
    if (is_looked_at("spawn")) {
        path_at(AT_FDCWD, path, call.path);
        if (before(&call) < 0) return errno;
    }
    int result = real(pid, path, actions, attributes, argv, envp);
    return after(&call, result) == -1 ? errno : result;
}

#define GO real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5])
static long seen_rename(long number, const long *a) {
    SEEN(a[4] & RENAME_EXCHANGE ? "exchange" : "rename",
         (path_at((int)a[0], (const char *)a[1], call.path), path_at((int)a[2], (const char *)a[3], call.other)), GO);
}
static long seen_open(long number, const long *a) {
    // struct open_how begins with the flags.
    SEEN(opening((int)*(const unsigned long long *)a[2]), path_at((int)a[0], (const char *)a[1], call.path), GO);
}
static long seen_by_file(long number, const long *a, const char *op) { SEEN(op, path_of((int)a[0], call.path), GO); }
static long seen_by_path(long number, const long *a, const char *op) {
    SEEN(op, path_at(AT_FDCWD, (const char *)a[0], call.path), GO);
}

long syscall(long number, ...) {
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (!real_syscall) real_syscall = dlsym(RTLD_NEXT, "syscall");
    switch (number) {
    case SYS_renameat2: return seen_rename(number, a);
    case SYS_openat2: return seen_open(number, a);
    case SYS_sync_file_range: return seen_by_file(number, a, "writeback");
    case SYS_syncfs: return seen_by_file(number, a, "syncfs");
    case SYS_fsetxattr:
    case SYS_fremovexattr: return seen_by_file(number, a, "xattr");
    case SYS_lsetxattr:
    case SYS_lremovexattr: return seen_by_path(number, a, "xattr");
    default: return GO;
    }
}
