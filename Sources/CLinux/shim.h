// Linux system calls that Swift's Glibc module hides because they need _GNU_SOURCE. Includes no header that declares a
// type: whichever C module includes <sys/types.h> first owns it, and that has to be Glibc. 64-bit Linux only.
#pragma once
#include <sys/syscall.h>

long syscall(long number, ...);
int fcntl(int file, int command, ...);
unsigned gnu_dev_major(unsigned long device);
unsigned gnu_dev_minor(unsigned long device);
unsigned long gnu_dev_makedev(unsigned major_number, unsigned minor_number);

// Flags for renameat2.
static const unsigned linux_rename_noreplace = 1;
static const unsigned linux_rename_exchange = 2;
// Whence for lseek.
static const int linux_seek_data = 3;
static const int linux_seek_hole = 4;
// Flags for open.
static const int linux_o_noatime = 01000000;
static const int linux_o_path = 010000000;
// Ways for openat2 to resolve a path.
static const unsigned long linux_resolve_no_xdev = 1;
static const unsigned long linux_resolve_no_magiclinks = 2;
static const unsigned long linux_resolve_no_symlinks = 4;
static const unsigned long linux_resolve_beneath = 8;

static inline int linux_renameat2(int old_folder, const char *old_name, int new_folder, const char *new_name, unsigned flags) {
    return (int)syscall(SYS_renameat2, old_folder, old_name, new_folder, new_name, flags);
}

static inline int linux_openat2(int folder, const char *path, int flags, unsigned mode, unsigned long resolve) {
    const int close_on_exec = 02000000;
    struct { unsigned long flags, mode, resolve; } how = {(unsigned)(flags | close_on_exec), mode, resolve};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static inline int linux_pipe(int ends[2], int size) {
    const int close_on_exec = 02000000, set_pipe_size = 1031;
    if (syscall(SYS_pipe2, ends, close_on_exec) != 0) return -1;
    // A larger pipe is faster; a refusal (the user's pages are used up) costs nothing but that.
    fcntl(ends[1], set_pipe_size, size);
    return 0;
}

/// How many bytes a pipe holds; -1 if the file is none.
static inline int linux_pipe_size(int file) {
    const int get_pipe_size = 1032;
    return fcntl(file, get_pipe_size);
}

/// A write lock on the whole file that belongs to the open file description: it dies with its last descriptor.
static inline int linux_lock(int file) {
    const int open_description_set_lock = 37;
    struct { short type, whence; long start, length; int process; } whole = {1 /* F_WRLCK */, 0, 0, 0, 0};
    return fcntl(file, open_description_set_lock, &whole);
}

/// Starts writing dirty pages back, without waiting for them.
static inline void linux_start_writeback(int file, long offset, long length) {
    const unsigned write = 2;
    syscall(SYS_sync_file_range, file, offset, length, write);
}

/// Names the calling thread.
static inline void linux_name_thread(const char *name) {
    const int set_name = 15;
    syscall(SYS_prctl, set_name, name, 0L, 0L, 0L);
}

/// How many columns a terminal has; 0 if the file is none.
static inline int linux_terminal_width(int file) {
    const int get_window_size = 0x5413;
    struct { unsigned short rows, columns, x, y; } size = {0, 0, 0, 0};
    return syscall(SYS_ioctl, file, get_window_size, &size) == 0 ? size.columns : 0;
}

/// The magic number of the file system that `path` lies on, -1 if it cannot be asked.
static inline long linux_file_system_kind(const char *path) {
    long status[32];  // struct statfs has 15 words and begins with its kind
    return syscall(SYS_statfs, path, status) == 0 ? status[0] : -1;
}

// Extended attributes, by descriptor; by path (links not followed) for what cannot be opened.
static inline long linux_fgetxattr(int file, const char *name, void *value, unsigned long size) {
    return syscall(SYS_fgetxattr, file, name, value, size);
}
static inline long linux_lgetxattr(const char *path, const char *name, void *value, unsigned long size) {
    return syscall(SYS_lgetxattr, path, name, value, size);
}
static inline long linux_flistxattr(int file, char *names, unsigned long size) {
    return syscall(SYS_flistxattr, file, names, size);
}
static inline long linux_llistxattr(const char *path, char *names, unsigned long size) {
    return syscall(SYS_llistxattr, path, names, size);
}
static inline int linux_fsetxattr(int file, const char *name, const void *value, unsigned long size) {
    return (int)syscall(SYS_fsetxattr, file, name, value, size, 0);
}
static inline int linux_lsetxattr(const char *path, const char *name, const void *value, unsigned long size) {
    return (int)syscall(SYS_lsetxattr, path, name, value, size, 0);
}
static inline int linux_fremovexattr(int file, const char *name) { return (int)syscall(SYS_fremovexattr, file, name); }

/// Writes everything of the file system that `file` lies on to disk, and waits for it.
static inline int linux_syncfs(int file) { return (int)syscall(SYS_syncfs, file); }

/// Lets this process have as many open files as it may give itself.
static inline void linux_raise_file_limit(void) {
    const int number_of_files = 7;
    struct { unsigned long soft, hard; } limit;
    if (syscall(SYS_prlimit64, 0, number_of_files, 0L, &limit) != 0) return;
    limit.soft = limit.hard;
    syscall(SYS_prlimit64, 0, number_of_files, &limit, 0L);
}
static inline int linux_lremovexattr(const char *path, const char *name) {
    return (int)syscall(SYS_lremovexattr, path, name);
}
