/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flows that speak DNS never settle: each question is judged on its own. dnsflow.c knows what messages say, dnsstream.c how TCP
 * carries them.
 */
#ifndef LENSCAP_DNSFLOW_H
#define LENSCAP_DNSFLOW_H

#include "cursor.h"
#include "inspect.h"

/*
 * One whole message, without TCP's length: a question is judged, an answer teaches names, and both are recorded. VERDICT_WATCH: it may
 * pass; else VERDICT_DROP_ONCE or VERDICT_REJECT_ONCE, and only what the camera sends is ever refused. f->sent holds policy's answer.
 */
unsigned dns_message_judge(struct engine *e, struct flow *f, const struct way *w, struct span message);

/* dnsstream.c. One segment. added: the flow's stream has it already. Answers or keeps it. */
void dns_segment(struct engine *e, struct flow *f, const struct way *w, const struct queued *q, const struct packet *p, bool added);

/* Datagrams need no memory of what came before. What still waits from before the flow was known goes nowhere. */
void dns_forget_stream(struct engine *e, struct flow *f);

#endif
