/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the chronicle: chronicle.c speaks, chronicle_read.c listens. */
#ifndef LENSCAP_CHRONICLE_PRIVATE_H
#define LENSCAP_CHRONICLE_PRIVATE_H

#include "catalogue.h"
#include "chronicle.h"
#include "engine.h"
#include "identity.h"
#include "store.h"

enum {
	CHRONICLE_LATE = 512 << 10,  /* bytes that wait: a start, and a store that is slow or being replaced */
	CHRONICLE_DOWN_US = 5000000, /* after which nobody expects a store any more, and its absence is a problem */
};

struct question {
	uint32_t ticket; /* 0: this place is free */
	bool paused;	 /* the store waits for our word, and we for the client to read */
};

struct chronicle {
	int fd;		   /* of the store; -1: none */
	bool asked, loaded; /* the inventory: was asked for, is here */
	uint32_t capacity; /* of the device table, the anonymous device included */
	bool *changed;	   /* by device: waits in the queue */
	uint32_t *queue, first, waiting;
	struct asked {
		uint32_t left; /* questions that may still be told */
		int64_t us;    /* of the last one */
	} *asked_of;	   /* by device */
	int64_t down_us;   /* since when there is no store */
	int64_t lost_us;   /* when something was dropped last; 0: never */
	struct question question[STORE_QUERIES];
	struct store_state state; /* as the store said last */
	uint64_t refused;  /* records of the store that made no sense */
	uint64_t restored; /* devices */
	size_t out_len;
	union {
		uint64_t align;
		uint8_t bytes[STORE_MAX];
	} out, in;
	uint8_t *late;	  /* CHRONICLE_LATE: whole records, behind those in out */
	size_t late_len;
	struct store_walk walk;
	int patience_ms; /* that is left for the end */
	char problem[320];
};

/* False: counted as dropped. */
bool chronicle_put(struct engine *e, const void *fixed, size_t fixed_len, const char *const *texts, size_t n);
/* The store is gone: closes our end; who waits for answers hears it. */
void chronicle_lost(struct engine *e);
void chronicle_end_queries(struct engine *e, const char *error);

#endif
