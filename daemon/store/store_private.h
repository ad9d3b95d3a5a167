/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the store. database.c opens, replaces and commits; write.c takes records in; prune.c keeps the bounds; answer.c reads rows out;
 * store.c is the loop. SQLite is known here and nowhere else.
 */
#ifndef LENSCAP_STORE_PRIVATE_H
#define LENSCAP_STORE_PRIVATE_H

#include <sqlite3.h>

#include "hash.h"
#include "store.h"

enum {
	SCHEMA_VERSION = 3, /* PRAGMA user_version */
	COMMIT_MS = 500,    /* a transaction is open no longer, */
	COMMIT_RECORDS = 1000, /* and no larger */
	RETRY_MS = 1000,    /* after the database took nothing */
	BROKEN_KEPT = 2,
};

enum statement {
	S_BEGIN,
	S_COMMIT,
	S_ROLLBACK,
	S_DEVICE_PUT,
	S_DEVICE_FIND,
	S_DEVICE_MAKE,
	S_DEVICE_OLDEST,
	S_DEVICE_DELETE,
	S_EVIDENCE_SEEN,
	S_EVIDENCE_MAKE,
	S_EVIDENCE_CROP,
	S_EVIDENCE_DELETE,
	S_DESTINATION_SEEN,
	S_DESTINATION_MAKE,
	S_DESTINATION_CROP,
	S_DESTINATION_DELETE,
	S_FLOWS_PUT,
	S_FLOW_PUT,
	S_EVENT_PUT,
	S_RUN_PUT,
	S_OLD_FLOWS,
	S_OLD_FLOW,
	S_MANY_FLOW,
	S_MANY_EVENTS,
	S_MANY_RUNS,
	S_CROWDED_FLOWS,
	S_CROWDED_FLOW,
	S_CROWDED_DESTINATIONS,
	S_CROWDED_EVIDENCE,
	S_PAGES,
	S_FREE_PAGES,
	S_VACUUM,
	STATEMENTS
};

struct limits {
	uint32_t devices, days;
	uint64_t bytes;
};

struct database {
	char path[4096];
	sqlite3 *writer, *reader;
	sqlite3_stmt *statement[STATEMENTS];
	struct hash_key key;	/* of the rows of flows */
	struct limits limits;
	int64_t page_bytes;
	int64_t devices;	/* rows; -1: to be counted */
	bool open;		/* a transaction is */
	uint64_t since_ns;	/* of it */
	unsigned records;	/* in it */
	uint64_t retry_ns;	/* after a failure nothing is tried before; 0: all is well */
	uint64_t dropped, refused, bytes;
	char problem[200];	/* "" none */
	char news[200];		/* for the engine's log of events; "" none */
};

/* database.c */
/* Opens what is there, or makes it; what is damaged is put aside. False: told in problem, and tried again by database_ready(). */
bool database_open(struct database *d, const char *state_dir, int64_t wall_s);
void database_close(struct database *d);
/* A transaction is open after this; false: not now, count the record as dropped. */
bool database_ready(struct database *d, uint64_t now_ns, int64_t wall_s);
/* A statement ended with rc, which is neither SQLITE_ROW nor SQLITE_DONE: nothing of this transaction remains. */
void database_failed(struct database *d, int rc, uint64_t now_ns, int64_t wall_s);
/* Commits when it is time for it, or at once. */
void database_commit(struct database *d, uint64_t now_ns, int64_t wall_s, bool now);
/* Runs a prepared statement whose parameters are bound; SQLITE_DONE, SQLITE_ROW (reset is the caller's then), or an error. */
int database_step(struct database *d, enum statement s);
/* What one row with one number says; -1: nothing. */
int64_t database_number(struct database *d, enum statement s);

/* schema.c */
extern const char *const schema_steps[SCHEMA_VERSION];
extern const char *const schema_statements[STATEMENTS];

/* write.c: one record. An SQLite result; SQLITE_MISUSE: the record makes no sense. */
int write_record(struct database *d, const struct store_walk *w);

/* prune.c: one step towards the limits; true: another one may be needed soon. */
bool prune_step(struct database *d, int64_t wall_s);
void prune_measure(struct database *d);

/* answer.c */
struct answer;
/* NULL: *ret_error says why. */
struct answer *answer_new(struct database *d, const struct store_query *q, int64_t wall_s, const char **ret_error);
void answer_free(struct answer *a);
/* Fills buf with ST_ROW records until it is full, until_ns has come or rows end (*ret_end, *ret_error "" or why). Returns bytes. */
size_t answer_fill(struct answer *a, void *buf, size_t cap, uint64_t until_ns, bool *ret_end, const char **ret_error);
uint32_t answer_rows(const struct answer *a);

/* load.c: the inventory. */
struct load;
struct load *load_new(struct database *d);
void load_free(struct load *l);
size_t load_fill(struct load *l, void *buf, size_t cap, bool *ret_end);

#endif
