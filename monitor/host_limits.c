/* SPDX-License-Identifier: MIT */
#include "host_limits.h"

#include <sys/resource.h>

/*
 * The standard streams, the image, the initrd, KVM with machine and vCPU, the ring, two signals, /dev/net/tun, and what
 * is open only for a moment: 14. The ring's table of files has the same limit.
 */
#define FILES_ALWAYS 16u

int limits_check(const struct config *config, struct error *err) {
    struct rlimit limit;
    unsigned needed = FILES_ALWAYS + config->devices_count;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
        return 0;
    return error_set(err, EXIT_MONITOR, "this process may open %llu files, and %u are needed: raise it (ulimit -n %u)",
                     (unsigned long long)limit.rlim_cur, needed, needed);
}
