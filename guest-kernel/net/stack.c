/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <errno.h>

#include "core/wait.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/init.h"
#include "posix/process/process.h"
#include "posix/signals/stop.h"
#include "posix/threads/thread.h"
#include "tcp.h"

/* An image with sockets takes any network devices; one without refuses them. */
UKVM_ACCEPTS_ANY(UKVM_DEVICE_NET);

#define CONFIGURE_SECONDS 5 /* how long the first connection waits for an address */

static bool is_up;
static uint64_t give_up_waiting; /* for an address */
static struct uk_thread_list waiting;

void uk_net_deliver_looped(void) {
    netif_poll_all();
}

/* ---- what happens before the guest leaves for the monitor */

static void deliver_looped(struct uk_timer *timer) {
    (void)timer;
    uk_net_deliver_looped();
}

static struct uk_timer loop_timer = {.fire = deliver_looped};

/* What was sent to an own address arrives at once, from a callback as other frames do. */
static void before_exit(void) {
    const struct netif *netif;
    uk_tcp_flush();
    NETIF_FOREACH(netif)
    if (netif->loop_first && !loop_timer.armed)
        uk_timer_start(&loop_timer, 0);
}

/* ---- configuration */

static void configured(struct netif *netif) {
    (void)netif;
    uk_unblock_all(&waiting);
    uk_tcp_configured();
}

static bool is_waiting_for_address(void) {
    const struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif_dhcp_data(netif) && !dhcp_supplied_address(netif))
            return true;
    }
    return false;
}

uint64_t uk_net_configures_until(void) {
    return is_waiting_for_address() && uk_clock_monotonic() < give_up_waiting ? give_up_waiting : 0;
}

int uk_net_wait_configured(void) {
    int result = 0;
    while (uk_net_configures_until() && result == 0)
        result = uk_block(&waiting, give_up_waiting, UK_WAITS_FOR_EVENT);
    return result == -ETIMEDOUT ? 0 : result;
}

static void add_device(const struct ukvm_device *device) {
    struct netif *netif = uk_link_start(device);
    if (!netif) {
        uk_eprintf("network device '%s': no memory for its buffers\n", device->name);
        return;
    }
    netif_set_status_callback(netif, configured);
    if (!netif_default || netif_default->name[0] == 'l')
        netif_set_default(netif);
    if (ip4_addr_isany_val(*netif_ip4_addr(netif)) && uk_lease_start(netif) != 0)
        uk_eprintf("network device '%s': no memory to ask for an address\n", device->name);
}

void uk_net_up(void) {
    if (is_up)
        return;
    is_up = true;
    uk_ticks_init();
    lwip_init();
    const struct ukvm_boot *boot = uk_boot();
    const struct ukvm_device *devices = uk_boot_devices(boot);
    for (uint32_t i = 0; i < boot->devices_count; i++)
        if (devices[i].kind == UKVM_DEVICE_NET)
            add_device(&devices[i]);
    give_up_waiting = uk_clock_monotonic() + CONFIGURE_SECONDS * UK_SECOND;
    uk_exit_hook = before_exit;
    uk_at_process_end(uk_tcp_end);
    uk_stop_ask();
}

bool uk_net_is_own(const ip_addr_t *ip) {
    struct netif *netif;
    if (ip_addr_isloopback(ip))
        return true;
    NETIF_FOREACH(netif) {
        if (IP_IS_V4(ip) ? ip4_addr_cmp(ip_2_ip4(ip), netif_ip4_addr(netif))
                         : netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0)
            return true;
    }
    return false;
}

int uk_net_check_local(const ip_addr_t *ip) {
    return ip_addr_isany(ip) || uk_net_is_own(ip) ? 0 : -EADDRNOTAVAIL;
}

/* ---- name servers */

static bool add_server(char *text, size_t size, size_t *length, const ip_addr_t *ip) {
    if (ip_addr_isany(ip) || *length + 64 > size)
        return false;
    char name[IPADDR_STRLEN_MAX];
    *length +=
        (size_t)uk_snprintf(text + *length, size - *length, "nameserver %s\n", ipaddr_ntoa_r(ip, name, sizeof name));
    return true;
}

/*
 * What /etc/resolv.conf says: the servers that DHCP and routers have named, or else the gateway, which often is one.
 */
const char *uk_net_resolv_conf(void) {
    static char text[256];
    size_t length = 0;
    unsigned count = 0;
    uk_net_up();
    uk_net_wait_configured();
    text[0] = '\0';
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++)
        count += add_server(text, sizeof text, &length, dns_getserver(i));
    const struct netif *netif;
    NETIF_FOREACH(netif)
    if (count == 0)
        count += add_server(text, sizeof text, &length, netif_ip_gw4(netif));
    return text;
}

/* ---- errors */

int uk_net_error(err_t error) {
    static const int errors[] = {
        [-ERR_OK] = 0,
        [-ERR_MEM] = ENOMEM,
        [-ERR_BUF] = ENOBUFS,
        [-ERR_TIMEOUT] = ETIMEDOUT,
        [-ERR_RTE] = ENETUNREACH,
        [-ERR_INPROGRESS] = EINPROGRESS,
        [-ERR_VAL] = EINVAL,
        [-ERR_WOULDBLOCK] = EAGAIN,
        [-ERR_USE] = EADDRINUSE,
        [-ERR_ALREADY] = EALREADY,
        [-ERR_ISCONN] = EISCONN,
        [-ERR_CONN] = ENOTCONN,
        [-ERR_IF] = EMSGSIZE,    /* link.c says it of frames above the MTU */
        [-ERR_ABRT] = ETIMEDOUT, /* lwIP gave up */
        [-ERR_RST] = ECONNRESET,
        [-ERR_CLSD] = ENOTCONN,
        [-ERR_ARG] = EINVAL,
    };
    return error > 0 || -error >= (int)(sizeof errors / sizeof *errors) ? -EIO : -errors[-error];
}
