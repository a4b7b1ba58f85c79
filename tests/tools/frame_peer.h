/* SPDX-License-Identifier: MIT */
/* What tests/tools/frame_peer.c and a guest at the other end of its socket say to each other. */
#ifndef FRAME_PEER_H
#define FRAME_PEER_H

#include <stdint.h>

#define FRAME_COMMAND 0x88b5u /* the EtherType for experiments */
#define FRAME_COMMAND_SIZE 60u
#define FRAME_GOOD 0x42u

/* In byte 14 of a frame of type FRAME_COMMAND; bytes 16 to 19 are its value. Answers have that form, too. */
enum frame_command {
    FRAME_NOTHING, /* no answer */
    FRAME_BURST,   /* `value` numbered frames */
    FRAME_BAD,     /* frames that break NET-01, `value` being the longest one allowed; then a good one */
    FRAME_CLOSE,   /* close the socket */
    FRAME_DELAY,   /* one frame after `value` ms */
    FRAME_DEAF,    /* read nothing for `value` ms */
    FRAME_FLOOD,   /* frames that are too short, for `value` ms */
    FRAME_COUNT,   /* answer with the number of frames that were sent back or were FRAME_NOTHING */
};

/* Frame `number` of a burst; its bytes from 20 on are (number + index) modulo 256. */
static inline uint32_t frame_burst_length(uint32_t number) {
    return 60 + number * 37 % 1400;
}

#endif
