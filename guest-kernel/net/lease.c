/* SPDX-License-Identifier: MIT */
/*
 * Leases of DHCP. lwIP counts their time in minutes, and learns too late that one of two minutes has to be renewed.
 * Here each has its times to the second; lwIP is told when one has come, and its own counters stand still.
 */
#include <errno.h>

#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"
#include "stack.h"

#define FOREVER UINT32_MAX /* RFC 2131, 3.3 */
#define SEEN 1             /* in lwIP's counter of the time used, which is 0 after each acknowledgment */

/* RFC 2131, 4.4.5: again after half of what is left, which a short lease has less than a minute of. */
#define AGAIN_LEAST UK_SECOND

struct lease {
    struct lease *next;
    struct netif *netif;
    uint64_t renew, rebind, end; /* when; UKVM_DEADLINE_NONE: never */
};

static struct lease *leases;

static struct dhcp *dhcp_of(const struct lease *lease) {
    return netif_dhcp_data(lease->netif);
}

/* lwIP has had an acknowledgment since the last look. */
static bool is_new(const struct dhcp *dhcp) {
    return dhcp->state == DHCP_STATE_BOUND && dhcp->lease_used != SEEN;
}

static bool holds_address(const struct dhcp *dhcp) {
    return dhcp->state == DHCP_STATE_BOUND || dhcp->state == DHCP_STATE_RENEWING || dhcp->state == DHCP_STATE_REBINDING;
}

static void forget(struct lease *lease) {
    lease->renew = lease->rebind = lease->end = UKVM_DEADLINE_NONE;
}

static uint64_t after(uint64_t now, u32_t seconds) {
    return seconds == FOREVER ? UKVM_DEADLINE_NONE : now + seconds * UK_SECOND;
}

static void begin(struct lease *lease, struct dhcp *dhcp, uint64_t now) {
    lease->renew = after(now, dhcp->offered_t1_renew);
    lease->rebind = after(now, dhcp->offered_t2_rebind);
    lease->end = after(now, LWIP_MAX(dhcp->offered_t0_lease, 1));
    dhcp->lease_used = SEEN;
    dhcp->t0_timeout = dhcp->t1_renew_time = dhcp->t2_rebind_time = 0;
}

static uint64_t again(uint64_t now, uint64_t limit) {
    uint64_t left = limit > now ? limit - now : 0;
    return now + LWIP_MAX(left / 2, AGAIN_LEAST);
}

static void restart(struct lease *lease) {
    forget(lease);
    dhcp_release_and_stop(lease->netif);
    dhcp_start(lease->netif);
}

/* Only its timer can do that. */
static void rebind(struct dhcp *dhcp) {
    dhcp->t2_rebind_time = 1;
    dhcp_coarse_tmr();
    dhcp->t2_rebind_time = 0;
}

static void look_at(struct lease *lease, uint64_t now) {
    struct dhcp *dhcp = dhcp_of(lease);
    if (is_new(dhcp))
        begin(lease, dhcp, now);
    else if (!holds_address(dhcp))
        forget(lease);
    if (now >= lease->end) {
        restart(lease);
    } else if (now >= lease->rebind) {
        rebind(dhcp);
        lease->rebind = again(now, lease->end);
        lease->renew = UKVM_DEADLINE_NONE;
    } else if (now >= lease->renew) {
        dhcp_renew(lease->netif);
        lease->renew = again(now, lease->rebind);
    }
}

void uk_leases_tick(void) {
    uint64_t now = uk_clock_monotonic();
    for (struct lease *lease = leases; lease; lease = lease->next)
        look_at(lease, now);
}

uint64_t uk_leases_next(uint64_t due) {
    uint64_t next = UKVM_DEADLINE_NONE;
    for (const struct lease *lease = leases; lease; lease = lease->next) {
        uint64_t own = LWIP_MIN(lease->renew, LWIP_MIN(lease->rebind, lease->end));
        next = LWIP_MIN(next, is_new(dhcp_of(lease)) ? due : own);
    }
    return LWIP_MAX(next, due);
}

int uk_lease_start(struct netif *netif) {
    struct lease *lease = uk_malloc(sizeof *lease);
    if (!lease || dhcp_start(netif) != ERR_OK) {
        uk_free(lease);
        return -ENOMEM;
    }
    *lease = (struct lease){.next = leases, .netif = netif};
    forget(lease);
    leases = lease;
    return 0;
}
