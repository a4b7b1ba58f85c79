/* SPDX-License-Identifier: MIT */
/*
 * lwIP's periodic timers, without the periods: an idle guest sleeps. Each says when it next has something to do; while
 * none has, no timer runs, and what was missed is made up for when the guest wakes for another reason.
 */
#include "core/wait.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/ip4_frag.h"
#include "lwip/ip6_frag.h"
#include "lwip/mld6.h"
#include "lwip/nd6.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"
#include "stack.h"

/* What the neighbour tables have begun is over in that time, and so are router solicitation and address checks. */
#define RECENT (15 * UK_SECOND)

static struct uk_timer timer;
static bool active; /* the timer is set for the next tick, not for a distant one */
static uint64_t last_activity;

/* Required by lwIP; its own users of it are not built. */
void sys_timeouts_init(void) {}

u32_t sys_now(void) {
    return (u32_t)(uk_clock_monotonic() / UK_MILLISECOND);
}

void tcp_timer_needed(void) {
    uk_net_activity();
}

/* ---- TCP */

#define SLOW_NS (TCP_SLOW_INTERVAL * UK_MILLISECOND)

static uint32_t slow_ticks(uint32_t ms) {
    return ms / TCP_SLOW_INTERVAL + 1;
}

/* Ticks until `after` ms have passed since the connection last heard something; 1 when they have. */
static uint32_t ticks_left(const struct tcp_pcb *pcb, uint64_t after) {
    uint32_t quiet = tcp_ticks - pcb->tmr, due = slow_ticks((uint32_t)after);
    return due > quiet ? due - quiet : 1;
}

static bool is_busy(const struct tcp_pcb *pcb) {
    return pcb->unsent || pcb->unacked || pcb->refused_data || pcb->ooseq || pcb->persist_backoff ||
           (pcb->flags & (TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND)) ||
           (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT && pcb->state != FIN_WAIT_2);
}

static uint32_t active_ticks(const struct tcp_pcb *pcb) {
    if (is_busy(pcb))
        return 1;
    if (pcb->state == FIN_WAIT_2 && (pcb->flags & TF_RXCLOSED))
        return ticks_left(pcb, TCP_FIN_WAIT_TIMEOUT);
    if (ip_get_option(pcb, SOF_KEEPALIVE))
        return ticks_left(pcb, pcb->keep_idle + (uint64_t)pcb->keep_cnt_sent * pcb->keep_intvl);
    return UINT32_MAX;
}

/* Slow ticks until TCP has something to do, as lwIP's tcp_slowtmr() and tcp_fasttmr() see it; UINT32_MAX for never. */
static uint32_t tcp_ticks_left(void) {
    uint32_t least = UINT32_MAX;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb && least > 1; pcb = pcb->next)
        least = LWIP_MIN(least, active_ticks(pcb));
    for (const struct tcp_pcb *pcb = tcp_tw_pcbs; pcb && least > 1; pcb = pcb->next)
        least = LWIP_MIN(least, ticks_left(pcb, 2 * TCP_MSL));
    return least;
}

/*
 * Each costs memory, and time when a connection begins, so there are not more than a second or two of a busy server's.
 * The list is youngest first.
 */
static void trim_time_wait(void) {
    const unsigned most = 1024;
    struct tcp_pcb *pcb = tcp_tw_pcbs, *next;
    for (unsigned i = 1; pcb && i < most; i++)
        pcb = pcb->next;
    if (!pcb)
        return;
    next = pcb->next;
    pcb->next = NULL;
    while ((pcb = next)) {
        next = pcb->next;
        tcp_free(pcb);
    }
}

static void tcp_tick(void) {
    tcp_tmr();
    trim_time_wait();
}

/* Ages that are measured in ticks go on; what counts ticks one by one was not running. */
static void tcp_catch_up(uint64_t missed) {
    tcp_ticks += (u32_t)(missed / 2);
}

static uint64_t tcp_next(uint64_t due) {
    uint32_t ticks = tcp_ticks_left();
    return ticks == 1 ? due : ticks == UINT32_MAX ? UKVM_DEADLINE_NONE : due + (ticks - 1) * SLOW_NS;
}

/* ---- the others: they need to run, or what they miss can be made up for by running them more often */

static uint64_t next_if(bool needed, uint64_t due) {
    return needed ? due : UKVM_DEADLINE_NONE;
}

static uint64_t while_recent(uint64_t due) {
    return next_if(uk_last_exit() - last_activity < RECENT, due);
}

static uint64_t dhcp_next(uint64_t due) {
    const struct netif *netif;
    NETIF_FOREACH(netif)
    if (netif_dhcp_data(netif) && netif_dhcp_data(netif)->request_timeout > 0)
        return due;
    return UKVM_DEADLINE_NONE;
}

static uint64_t mld_next(uint64_t due) {
    const struct netif *netif;
    NETIF_FOREACH(netif)
    for (const struct mld_group *group = netif_mld6_data(netif); group; group = group->next)
        if (group->timer > 0)
            return due;
    return UKVM_DEADLINE_NONE;
}

static struct ticker {
    void (*tick)(void);
    uint32_t interval; /* ms */
    uint32_t most;     /* ticks that are made up for at once */
    uint64_t (*next)(uint64_t due);
    void (*catch_up)(uint64_t missed);
    uint64_t due;
} tickers[] = {
    {.tick = tcp_tick, .interval = TCP_TMR_INTERVAL, .next = tcp_next, .catch_up = tcp_catch_up},
    {.tick = ip_reass_tmr, .interval = IP_TMR_INTERVAL, .next = while_recent, .most = IP_REASS_MAXAGE},
    {.tick = ip6_reass_tmr, .interval = IP6_REASS_TMR_INTERVAL, .next = while_recent, .most = IPV6_REASS_MAXAGE},
    {.tick = etharp_tmr, .interval = ARP_TMR_INTERVAL, .next = while_recent, .most = ARP_MAXAGE},
    {.tick = nd6_tmr, .interval = ND6_TMR_INTERVAL, .next = while_recent, .most = 3600},
    {.tick = mld6_tmr, .interval = MLD6_TMR_INTERVAL, .next = mld_next},
    {.tick = dhcp_fine_tmr, .interval = DHCP_FINE_TIMER_MSECS, .next = dhcp_next},
    {.tick = uk_leases_tick, .interval = 1000, .next = uk_leases_next},
};

/* Makes one tick be due, of those that are; returns how many there were before it. */
static uint64_t skip_missed(struct ticker *ticker, uint64_t now) {
    uint64_t interval = ticker->interval * UK_MILLISECOND;
    uint64_t missed = now < ticker->due ? 0 : (now - ticker->due) / interval;
    ticker->due += missed * interval;
    if (ticker->catch_up)
        ticker->catch_up(missed);
    return missed;
}

static void run_ticker(struct ticker *ticker, uint64_t now) {
    if (now < ticker->due)
        return;
    uint64_t missed = skip_missed(ticker, now);
    ticker->due += ticker->interval * UK_MILLISECOND;
    for (uint64_t i = LWIP_MIN(missed, ticker->most) + 1; i > 0; i--)
        ticker->tick();
}

static void arm(void) {
    uint64_t next = UKVM_DEADLINE_NONE;
    for (size_t i = 0; i < LWIP_ARRAYSIZE(tickers); i++) {
        uint64_t due = tickers[i].next(tickers[i].due);
        next = LWIP_MIN(next, due);
    }
    if (next == UKVM_DEADLINE_NONE)
        uk_timer_stop(&timer);
    else
        uk_timer_start(&timer, next);
}

static void fire(struct uk_timer *unused) {
    (void)unused;
    uint64_t now = uk_clock_monotonic();
    for (size_t i = 0; i < LWIP_ARRAYSIZE(tickers); i++)
        run_ticker(&tickers[i], now);
    active = false;
    arm();
}

/*
 * No tick runs here: TCP's moves segments between queues, and tcp_output() is in the midst of them when a frame leaves.
 * What is due runs from the timer, after the frames that have arrived: there may be acknowledgments among them.
 */
void uk_net_activity(void) {
    last_activity = uk_last_exit();
    if (active)
        return;
    active = true;
    skip_missed(&tickers[0], uk_clock_monotonic());
    uk_timer_start(&timer, tickers[0].due);
}

/* The first frame after a pause is not part of the pause: what is old becomes so before it. */
void uk_net_arrival(void) {
    if (!active) {
        uint64_t now = uk_clock_monotonic();
        for (size_t i = 1; i < LWIP_ARRAYSIZE(tickers); i++)
            run_ticker(&tickers[i], now);
    }
    uk_net_activity();
}

void uk_ticks_init(void) {
    uint64_t now = uk_clock_monotonic();
    timer.fire = fire;
    for (size_t i = 0; i < LWIP_ARRAYSIZE(tickers); i++)
        tickers[i].due = now + tickers[i].interval * UK_MILLISECOND;
}
