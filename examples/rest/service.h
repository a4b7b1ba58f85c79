/* SPDX-License-Identifier: MIT */
/*
 * What the server does:
 *
 *     GET    /            a short text, for load tests
 *     GET    /todos       the list               POST /todos  a new one: {"title": "...", "completed": false}
 *     GET    /todos/ID    one of them            PUT, PATCH   changes it; with PATCH, only the fields given
 *     DELETE /todos/ID
 *     POST   /sort        {"size": N}: bubble-sorts the numbers N..1 and says how long that took
 */
#ifndef REST_SERVICE_H
#define REST_SERVICE_H

#include "http.h"
#include "reply.h"

/* Answers a complete request at `buf`. The reply's body is valid until the next call. */
struct reply service(const struct http_request *request, const char *buf);

#endif
