/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database file: opened, checked, put aside when it is damaged, written in transactions. Two connections, so that an answer reads one
 * snapshot while history goes on being written (WAL). A kill costs what was not committed, never the file.
 *
 * Invariant: while the file does not take anything (a full disk, a damaged page), records are counted and dropped and the process lives on.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store_private.h"

#define MS 1000000ull

enum {
	CHECK_BYTES = 64 << 20,	/* a larger file is checked where it is read */
	BUSY_MS = 2000,		/* somebody looks at the file with another program */
	VALUE_BYTES = 1 << 20,	/* of one value: a damaged file may claim anything */
};

/* For each connection. WAL and NORMAL: no fsync for a commit, one for a checkpoint; a power cut costs seconds, never the file. */
static const char writer_setup[] = "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
				   " PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;"
				   " PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;";
static const char reader_setup[] = "PRAGMA query_only=ON; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;"
				   " PRAGMA cell_size_check=ON;";

static void
close_all(struct database *d)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(d->statement[i]);
		d->statement[i] = NULL;
	}
	sqlite3_close_v2(d->reader); /* statements of answers that are under way keep it until they end */
	sqlite3_close_v2(d->writer);
	d->reader = d->writer = NULL;
	d->open = false;
	d->records = 0;
	d->devices = -1;
}

static int
connect_to(const char *path, const char *setup, sqlite3 **ret)
{
	int rc = sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(*ret, 0);
	sqlite3_busy_timeout(*ret, BUSY_MS);
	sqlite3_limit(*ret, SQLITE_LIMIT_LENGTH, VALUE_BYTES);
	sqlite3_limit(*ret, SQLITE_LIMIT_ATTACHED, 0);
	rc = sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return rc == SQLITE_OK ? sqlite3_exec(*ret, setup, NULL, NULL, NULL) : rc;
}

/* The first value of the first row, as a number; -1. */
static int64_t
ask_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

static int
check(sqlite3 *db, const char *path)
{
	sqlite3_stmt *s = NULL;
	struct stat st;

	if (stat(path, &st) < 0 || st.st_size > CHECK_BYTES)
		return SQLITE_OK;
	int rc = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(s);
		const char *said = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
		if (rc == SQLITE_ROW)
			rc = said && strcmp(said, "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(s);
	return rc;
}

/* From the version that the file has to ours, each step whole or not at all. A newer file is not touched. */
static int
upgrade(sqlite3 *db)
{
	int64_t version = ask_number(db, "PRAGMA user_version");
	char mark[64];

	if (version < 0 || version > SCHEMA_VERSION)
		return version < 0 ? sqlite3_errcode(db) : SQLITE_SCHEMA;
	for (; version < SCHEMA_VERSION; version++) {
		snprintf(mark, sizeof mark, "PRAGMA user_version=%d; COMMIT", (int)version + 1);
		int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, schema_steps[version], NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db, mark, NULL, NULL, NULL);
		if (rc != SQLITE_OK) {
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
			return rc;
		}
	}
	return SQLITE_OK;
}

/* Rows of flows are found by a hash: with a key that no camera knows, and that stays as long as the file. */
static int
take_key(struct database *d)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(d->writer, "INSERT OR IGNORE INTO meta(name, value) VALUES('key', ?1)", -1, &s, NULL);

	hash_key_random(&d->key);
	if (rc == SQLITE_OK) {
		sqlite3_bind_blob(s, 1, &d->key, sizeof d->key, SQLITE_STATIC);
		rc = sqlite3_step(s) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(d->writer);
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_OK || (rc = sqlite3_prepare_v2(d->writer, "SELECT value FROM meta WHERE name='key'", -1, &s, NULL)) != SQLITE_OK)
		return rc;
	rc = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == sizeof d->key ? SQLITE_OK : SQLITE_CORRUPT;
	if (rc == SQLITE_OK)
		memcpy(&d->key, sqlite3_column_blob(s, 0), sizeof d->key);
	sqlite3_finalize(s);
	return rc;
}

static int
open_file(struct database *d)
{
	int rc = connect_to(d->path, writer_setup, &d->writer);

	if (rc == SQLITE_OK)
		rc = check(d->writer, d->path);
	if (rc == SQLITE_OK)
		rc = upgrade(d->writer);
	if (rc == SQLITE_OK)
		rc = take_key(d);
	for (size_t i = 0; i < STATEMENTS && rc == SQLITE_OK; i++) {
		rc = sqlite3_prepare_v3(d->writer, schema_statements[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statement[i], NULL);
		if (rc == SQLITE_ERROR)
			rc = SQLITE_CORRUPT; /* a table of ours is not what it was */
	}
	if (rc == SQLITE_OK)
		rc = connect_to(d->path, reader_setup, &d->reader);
	if (rc != SQLITE_OK)
		return rc;
	d->page_bytes = ask_number(d->writer, "PRAGMA page_size");
	d->devices = ask_number(d->writer, "SELECT count(*) FROM devices");
	d->bytes = (uint64_t)(d->page_bytes * ask_number(d->writer, "PRAGMA page_count"));
	return SQLITE_OK;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Those that were put aside carry their time in their names; the newest stay. */
static void
forget_broken(const char *path)
{
	char names[64][64], file[4200];
	int dir_len = (int)(strrchr(path, '/') - path);
	size_t n = 0;

	snprintf(file, sizeof file, "%.*s", dir_len, path);
	DIR *dir = opendir(file);
	for (struct dirent *e; dir && (e = readdir(dir)) && n < 64;)
		if (strncmp(e->d_name, "state.db.broken-", 16) == 0 && strlen(e->d_name) < sizeof names[0])
			strcpy(names[n++], e->d_name);
	if (dir)
		closedir(dir);
	qsort(names, n, sizeof names[0], by_name);
	for (size_t i = 0; i + BROKEN_KEPT < n; i++) {
		snprintf(file, sizeof file, "%.*s/%s", dir_len, path, names[i]);
		unlink(file);
	}
}

static bool
is_damage(int rc)
{
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB || rc == SQLITE_SCHEMA;
}

static bool
put_aside(struct database *d, int rc, int64_t wall_s)
{
	static const char *const tails[] = {"-wal", "-shm"};
	char to[4200], tail[4200];

	close_all(d);
	snprintf(to, sizeof to, "%s.broken-%lld", d->path, (long long)wall_s);
	if (rename(d->path, to) < 0) {
		log_warn("%s: is damaged and cannot be renamed", d->path);
		return false;
	}
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		snprintf(tail, sizeof tail, "%s%s", d->path, tails[i]);
		unlink(tail);
	}
	forget_broken(d->path);
	const char *why = rc == SQLITE_SCHEMA ? "was made by a newer release" : "is damaged";
	snprintf(d->news, sizeof d->news, "the database %s: it is now %.60s, and history begins anew", why, strrchr(to, '/') + 1);
	log_warnx("%s: %s", d->path, d->news);
	return true;
}

static void
suffer(struct database *d, int rc)
{
	bool told = d->problem[0] != 0;

	snprintf(d->problem, sizeof d->problem, "state.db: %s: inventory and history are not kept", sqlite3_errstr(rc));
	if (!told)
		log_warnx("%s; make room, or see that the state directory can be written", d->problem);
}

static bool
try_open(struct database *d, int64_t wall_s)
{
	int rc = open_file(d);

	if (is_damage(rc) && put_aside(d, rc, wall_s))
		rc = open_file(d);
	if (rc == SQLITE_OK)
		return true;
	close_all(d);
	suffer(d, rc);
	return false;
}

bool
database_open(struct database *d, const char *state_dir, int64_t wall_s)
{
	memset(d, 0, sizeof *d);
	snprintf(d->path, sizeof d->path, "%s/state.db", state_dir);
	d->limits = (struct limits){.devices = 4096, .days = 30, .bytes = 256ull << 20};
	return try_open(d, wall_s);
}

void
database_close(struct database *d)
{
	close_all(d);
}

int
database_step(struct database *d, enum statement s)
{
	int rc = sqlite3_step(d->statement[s]);

	if (rc == SQLITE_ROW)
		return rc;
	sqlite3_reset(d->statement[s]);
	return rc;
}

int64_t
database_number(struct database *d, enum statement s)
{
	int64_t v = -1;

	if (database_step(d, s) == SQLITE_ROW)
		v = sqlite3_column_int64(d->statement[s], 0);
	sqlite3_reset(d->statement[s]);
	return v;
}

bool
database_ready(struct database *d, uint64_t now_ns, int64_t wall_s)
{
	if (d->open)
		return true;
	if (d->retry_ns && now_ns < d->retry_ns)
		return false;
	if (!d->writer && !try_open(d, wall_s)) {
		d->retry_ns = now_ns + RETRY_MS * MS;
		return false;
	}
	int rc = database_step(d, S_BEGIN);
	if (rc != SQLITE_DONE) {
		database_failed(d, rc, now_ns, wall_s);
		return false;
	}
	d->open = true;
	d->since_ns = now_ns;
	d->records = 0;
	return true;
}

void
database_failed(struct database *d, int rc, uint64_t now_ns, int64_t wall_s)
{
	d->dropped += d->records;
	d->records = 0;
	if (d->open && sqlite3_get_autocommit(d->writer) == 0)
		(void)database_step(d, S_ROLLBACK);
	d->open = false;
	d->devices = -1;
	if (is_damage(rc)) {
		if (put_aside(d, rc, wall_s) && try_open(d, wall_s))
			return;
		close_all(d);
	}
	suffer(d, rc);
	d->retry_ns = now_ns + RETRY_MS * MS;
}

void
database_commit(struct database *d, uint64_t now_ns, int64_t wall_s, bool now)
{
	if (!d->open || (!now && d->records < COMMIT_RECORDS && now_ns - d->since_ns < COMMIT_MS * MS))
		return;
	int rc = database_step(d, S_COMMIT);
	if (rc != SQLITE_DONE) {
		database_failed(d, rc, now_ns, wall_s);
		return;
	}
	d->open = false;
	if (d->records && d->problem[0]) {
		log_info("state.db: works again; %llu records were lost meanwhile", (unsigned long long)d->dropped);
		d->problem[0] = 0;
		d->retry_ns = 0;
	}
	d->records = 0;
}
