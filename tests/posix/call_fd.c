/* SPDX-License-Identifier: MIT */
/* Descriptors: making copies of them, asking about them, locking by them, closing many; and those with O_PATH. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <time.h>

#include "calls.h"

#define UNSHARE 2
#define CLOEXEC 4

static int file;

static void copies(void) {
    struct rlimit limit;
    int fd = (int)syscall(SYS_dup, file);
    ok(fd > file && fcntl(fd, F_GETFD) == 0, "dup gives the lowest free one");
    fails(syscall(SYS_dup, 1000), EBADF, "of nothing there is none");
    gives(syscall(SYS_dup2, file, 40), 40, "dup2 gives the one that is asked for");
    gives(syscall(SYS_dup2, file, file), file, "the same is the same");
    fails(syscall(SYS_dup2, 1000, 1000), EBADF, "if it is something");
    fails(syscall(SYS_dup2, 1000, 40), EBADF, "dup2 of nothing");
    ok(fcntl(40, F_GETFD) == 0, "leaves what is there");
    fails(syscall(SYS_dup2, file, -1), EBADF, "to what cannot be");
    gives(syscall(SYS_dup3, file, 41, O_CLOEXEC), 41, "dup3");
    gives(fcntl(41, F_GETFD), FD_CLOEXEC, "with O_CLOEXEC");
    fails(syscall(SYS_dup3, file, 42, O_NONBLOCK), EINVAL, "no other flag");
    fails(syscall(SYS_dup3, file, file, 0), EINVAL, "nor the same");
    fails(syscall(SYS_dup3, 1000, 1000, 0), EINVAL, "even if it is nothing");
    fails(syscall(SYS_dup3, 1000, 42, 0), EBADF, "dup3 of nothing");
    fails(syscall(SYS_dup3, file, -1, 0), EBADF, "to what cannot be");
    getrlimit(RLIMIT_NOFILE, &limit);
    fails(syscall(SYS_dup2, file, (int)limit.rlim_cur), EBADF, "or is above the limit");
    fails(syscall(SYS_fcntl, file, F_DUPFD, (int)limit.rlim_cur), EINVAL, "F_DUPFD above the limit");
    fails(syscall(SYS_fcntl, file, F_DUPFD, -1), EINVAL, "or below nothing");
    gives(fcntl(file, F_DUPFD_CLOEXEC, 41), 42, "F_DUPFD_CLOEXEC from there on");
    ok(fcntl(42, F_GETFD) == FD_CLOEXEC && fcntl(42, F_SETFD, 0) == 0 && fcntl(42, F_GETFD) == 0, "and F_SETFD");
    ok(lseek(file, 7, SEEK_SET) == 7 && lseek(42, 0, SEEK_CUR) == 7, "they share the position");
    ok(fcntl(file, F_SETFL, O_APPEND) == 0 && (fcntl(42, F_GETFL) & O_APPEND), "and the flags");
    ok(fcntl(file, F_SETFL, 0) == 0 && (fcntl(42, F_GETFL) & (O_APPEND | O_ACCMODE)) == O_RDWR, "but not the mode");
    gives(syscall(SYS_close, 42), 0, "close");
    fails(syscall(SYS_close, 42), EBADF, "once");
    fails(syscall(SYS_close, -1), EBADF, "and not what cannot be");
    close(fd);
}

static void many(void) {
    for (int fd = 50; fd < 60; fd++)
        dup2(file, fd);
    fails(syscall(SYS_close_range, 55, 54, 0), EINVAL, "close_range backwards");
    fails(syscall(SYS_close_range, 50, 51, 1), EINVAL, "with a flag that there is not");
    gives(syscall(SYS_close_range, 52, 54, CLOEXEC), 0, "CLOSE_RANGE_CLOEXEC");
    ok(fcntl(51, F_GETFD) == 0 && fcntl(52, F_GETFD) == FD_CLOEXEC && fcntl(54, F_GETFD) == FD_CLOEXEC &&
           fcntl(55, F_GETFD) == 0,
       "closes nothing yet");
    gives(syscall(SYS_close_range, 51, 53, 0), 0, "close_range");
    ok(fcntl(50, F_GETFD) == 0 && fcntl(51, F_GETFD) == -1 && fcntl(53, F_GETFD) == -1 && fcntl(54, F_GETFD) >= 0,
       "closes those, and no others");
    gives(syscall(SYS_close_range, 40, UINT_MAX, UNSHARE), 0, "and all that there are");
    ok(fcntl(40, F_GETFD) == -1 && fcntl(59, F_GETFD) == -1 && fcntl(file, F_GETFD) == 0, "from there on");
}

static void questions(void) {
    int yes = 1, n = -1;
    fails(syscall(SYS_fcntl, 1000, F_GETFD), EBADF, "fcntl of nothing");
    fails(syscall(SYS_fcntl, file, 5000, 0), EINVAL, "fcntl: a command that there is not");
    fails(syscall(SYS_fcntl, file, F_GETPIPE_SZ), EBADF, "F_GETPIPE_SZ of a file");
    fails(syscall(SYS_ioctl, 1000, FIONREAD, &n), EBADF, "ioctl of nothing");
    fails(syscall(SYS_ioctl, file, 0xabcdef, &n), ENOTTY, "ioctl: a request that there is not");
    fails(syscall(SYS_ioctl, file, TIOCGWINSZ, &n), ENOTTY, "a file is no terminal");
    ok(ioctl(file, FIONREAD, &n) == 0 && n == 3, "FIONREAD of a file: from its position to its end");
    ok(ioctl(file, FIOCLEX) == 0 && fcntl(file, F_GETFD) == FD_CLOEXEC && ioctl(file, FIONCLEX) == 0 &&
           fcntl(file, F_GETFD) == 0,
       "FIOCLEX and FIONCLEX");
    ok(ioctl(file, FIONBIO, &yes) == 0 && (fcntl(file, F_GETFL) & O_NONBLOCK), "FIONBIO");
    yes = 0;
    ok(ioctl(file, FIONBIO, &yes) == 0 && !(fcntl(file, F_GETFL) & O_NONBLOCK), "and back");
}

/* What O_PATH leaves of a file, open(2), and what it does not. */
static void path_only(void) {
    struct stat stat;
    struct statfs statfs;
    struct flock lock = {.l_type = F_RDLCK};
    struct pollfd poller;
    char byte;
    int dir = open(".", O_PATH), fd = open("file", O_PATH), epoll = epoll_create1(0);
    ok(fd >= 0 && dir >= 0 && (fcntl(fd, F_GETFL) & O_PATH), "O_PATH");
    fails(read(fd, &byte, 1), EBADF, "read");
    fails(write(fd, &byte, 1), EBADF, "write");
    fails(pread(fd, &byte, 1, 0), EBADF, "pread");
    fails(pwrite(fd, &byte, 1, 0), EBADF, "pwrite");
    fails(lseek(fd, 0, SEEK_SET), EBADF, "lseek");
    fails(ioctl(fd, FIONREAD, &byte), EBADF, "ioctl");
    fails(fsync(fd), EBADF, "fsync");
    fails(ftruncate(fd, 0), EBADF, "ftruncate");
    fails(syscall(SYS_fallocate, fd, 0, 0L, 1L), EBADF, "fallocate");
    fails(syscall(SYS_getdents64, dir, &byte, 1), EBADF, "getdents64");
    fails(flock(fd, LOCK_SH), EBADF, "flock");
    fails(fcntl(fd, F_SETFL, 0), EBADF, "F_SETFL");
    fails(fcntl(fd, F_GETLK, &lock), EBADF, "F_GETLK");
    fails(syscall(SYS_mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, fd, 0L), EBADF, "mmap");
    fails(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN}), EBADF, "epoll_ctl");
    fails(syscall(SYS_syncfs, fd), EBADF, "syncfs");
    fails(syscall(SYS_fadvise64, fd, 0L, 0L, 0), EBADF, "fadvise64");
    fails(sendfile(fd, file, NULL, 1), EBADF, "sendfile");
    poller = (struct pollfd){.fd = fd, .events = POLLIN};
    ok(poll(&poller, 1, 0) == 1 && poller.revents == POLLNVAL, "poll: all of them as if it were not open");
    ok(fstat(fd, &stat) == 0 && stat.st_size == 10 && fstatfs(fd, &statfs) == 0, "fstat and fstatfs do");
    int copy = dup(fd), inside = openat(dir, "file", O_RDONLY);
    ok(copy > 0 && (fcntl(copy, F_GETFL) & O_PATH), "dup does");
    ok(inside > 0 && read(inside, &byte, 1) == 1, "openat does");
    gives(fchdir(dir), 0, "fchdir does");
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY);
    ok(again > 0 && read(again, &byte, 1) == 1, "and what it names can be opened");
    close(again);
    close(inside);
    close(copy);
    close(epoll);
    close(fd);
    close(dir);
}

static void *unlocks(void *fd) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    syscall(SYS_flock, *(int *)fd, LOCK_UN);
    return NULL;
}

static void interrupted(int signal) {
    (void)signal;
}

static void *interrupts(void *thread) {
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

static void locks(void) {
    int one = open("file", O_RDONLY), other = open("file", O_RDWR), copy = dup(one);
    pthread_t thread, self = pthread_self();
    gives(syscall(SYS_flock, one, LOCK_SH), 0, "flock: shared");
    gives(syscall(SYS_flock, other, LOCK_SH | LOCK_NB), 0, "by another, too");
    fails(syscall(SYS_flock, other, LOCK_EX | LOCK_NB), EWOULDBLOCK, "but not its own alone");
    gives(syscall(SYS_flock, other, LOCK_UN), 0, "it is given back");
    gives(syscall(SYS_flock, one, LOCK_EX | LOCK_NB), 0, "then it can be");
    gives(syscall(SYS_flock, copy, LOCK_EX | LOCK_NB), 0, "a copy has the lock of the original");
    fails(syscall(SYS_flock, other, LOCK_SH | LOCK_NB), EWOULDBLOCK, "nobody else does");
    pthread_create(&thread, NULL, unlocks, &copy);
    gives(syscall(SYS_flock, other, LOCK_EX), 0, "who waits gets it");
    pthread_join(thread, NULL);
    struct sigaction action = {.sa_handler = interrupted};
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, interrupts, &self);
    fails(syscall(SYS_flock, one, LOCK_SH), EINTR, "or a signal");
    pthread_join(thread, NULL);
    close(other);
    gives(syscall(SYS_flock, one, LOCK_EX | LOCK_NB), 0, "closing gives it back");
    close(one);
    one = open("file", O_RDONLY);
    fails(syscall(SYS_flock, one, LOCK_EX | LOCK_NB), EWOULDBLOCK, "closing one of two copies does not");
    close(copy);
    gives(syscall(SYS_flock, one, LOCK_EX | LOCK_NB), 0, "the last one does");
    gives(syscall(SYS_flock, one, LOCK_UN), 0, "given back");
    gives(syscall(SYS_flock, one, LOCK_UN), 0, "twice");
    fails(syscall(SYS_flock, one, 0), EINVAL, "flock: nothing");
    fails(syscall(SYS_flock, one, LOCK_SH | LOCK_EX), EINVAL, "flock: two things");
    fails(syscall(SYS_flock, 1000, LOCK_SH), EBADF, "flock of nothing");
    close(one);
}

int main(void) {
    enter_scratch();
    file = open("file", O_CREAT | O_RDWR, 0600);
    ok(write(file, "0123456789", 10) == 10, "a file");
    copies();
    many();
    questions();
    path_only();
    locks();
    close(file);
    ok(unlink("file") == 0, "it goes");
    leave_scratch();
    return done_testing();
}
