/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database in SQL. Step n of schema_steps leads from version n to n + 1; a new version adds a step and changes none. Columns are named
 * as in records; times are microseconds since 1970, `hour` is seconds.
 */
#include "store_private.h"

#define FLOW_BODY                                                                                                              \
	"device TEXT, mac TEXT, zone TEXT, local TEXT, inbound INTEGER, dest_ip TEXT, dest_port INTEGER, proto TEXT, app_proto TEXT," \
	" name TEXT, name_from TEXT, country TEXT, asn INTEGER, as_name TEXT, special TEXT, anycast INTEGER, remote_zone TEXT,"	  \
	" decision TEXT, would TEXT, rule TEXT, rule_file TEXT, rule_line INTEGER, policy_id TEXT, bound TEXT, ech INTEGER,"	  \
	" proved INTEGER, clouds TEXT, flows INTEGER, packets INTEGER, bytes_toserver INTEGER, bytes_toclient INTEGER,"		  \
	" first INTEGER, last INTEGER"

const char *const schema_steps[SCHEMA_VERSION] = {
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
	"CREATE TABLE devices(id INTEGER PRIMARY KEY, identity TEXT UNIQUE NOT NULL, mac TEXT, addr TEXT, by_address INTEGER, zone TEXT,"
	" device TEXT, label TEXT, maker TEXT, score INTEGER, covered INTEGER, unmasked INTEGER, in_policy INTEGER, model TEXT,"
	" firmware TEXT, serial TEXT, uid TEXT, brand TEXT, host TEXT, first INTEGER, last INTEGER, flows INTEGER, blocked INTEGER);"
	"CREATE INDEX devices_last ON devices(last);"
	"CREATE TABLE evidence(id INTEGER PRIMARY KEY, device INTEGER NOT NULL, channel TEXT, maker TEXT, pattern TEXT, excerpt TEXT,"
	" weight INTEGER, weak INTEGER, answered INTEGER, times INTEGER, first INTEGER, last INTEGER);"
	"CREATE UNIQUE INDEX evidence_row ON evidence(device, channel, maker, pattern);"
	"CREATE TABLE destinations(id INTEGER PRIMARY KEY, device INTEGER NOT NULL, remote TEXT, dest_port INTEGER, proto TEXT,"
	" country TEXT, asn INTEGER, decision TEXT, flows INTEGER, first INTEGER, last INTEGER);"
	"CREATE UNIQUE INDEX destinations_row ON destinations(device, remote, dest_port, proto);"
	"CREATE TABLE flows(hour INTEGER NOT NULL, key INTEGER NOT NULL, " FLOW_BODY ", PRIMARY KEY(hour, key)) WITHOUT ROWID;"
	"CREATE TABLE flow(seq INTEGER PRIMARY KEY, id INTEGER NOT NULL, src_port INTEGER, end TEXT, reason TEXT, " FLOW_BODY ");"
	"CREATE INDEX flow_id ON flow(id);"
	"CREATE TABLE events(seq INTEGER PRIMARY KEY, time INTEGER, kind TEXT, who TEXT, text TEXT);"
	"CREATE TABLE runs(seq INTEGER PRIMARY KEY, time INTEGER, boot INTEGER, restarts INTEGER, version TEXT, policy_id TEXT);",
	"ALTER TABLE flows ADD COLUMN query TEXT; ALTER TABLE flows ADD COLUMN registered TEXT; ALTER TABLE flows ADD COLUMN continent TEXT;"
	"ALTER TABLE flow ADD COLUMN query TEXT; ALTER TABLE flow ADD COLUMN registered TEXT; ALTER TABLE flow ADD COLUMN continent TEXT;",
	"ALTER TABLE evidence ADD COLUMN flow INTEGER;",
};

#define FLOW_NAMES                                                                                                              \
	"device, mac, zone, local, inbound, dest_ip, dest_port, proto, app_proto, name, name_from, country, asn, as_name, special," \
	" anycast, remote_zone, decision, would, rule, rule_file, rule_line, policy_id, bound, ech, proved, clouds, flows, packets," \
	" bytes_toserver, bytes_toclient, first, last, query, registered, continent"
#define FLOW_VALUES "?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36"

const char *const schema_statements[STATEMENTS] = {
	[S_BEGIN] = "BEGIN IMMEDIATE",
	[S_COMMIT] = "COMMIT",
	[S_ROLLBACK] = "ROLLBACK",
	[S_DEVICE_PUT] =
		"INSERT INTO devices(identity, mac, addr, by_address, zone, device, label, maker, score, covered, unmasked, in_policy,"
		" model, firmware, serial, uid, brand, host, first, last, flows, blocked)"
		" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22)"
		" ON CONFLICT(identity) DO UPDATE SET addr=excluded.addr, device=excluded.device, label=excluded.label,"
		" maker=excluded.maker, score=excluded.score, covered=excluded.covered, unmasked=excluded.unmasked,"
		" in_policy=excluded.in_policy, model=excluded.model, firmware=excluded.firmware, serial=excluded.serial,"
		" uid=excluded.uid, brand=excluded.brand, host=excluded.host, first=min(first, excluded.first),"
		" last=max(last, excluded.last), flows=max(flows, excluded.flows), blocked=max(blocked, excluded.blocked)",
	[S_DEVICE_FIND] = "SELECT id FROM devices WHERE identity=?1",
	[S_DEVICE_MAKE] = "INSERT INTO devices(identity, mac, addr, by_address, zone, device, label, maker, score, covered, unmasked,"
			  " in_policy, model, firmware, serial, uid, brand, host, first, last, flows, blocked)"
			  " VALUES(?1,?2,?3,?4,?5,?6,'','',0,0,0,0,'','','','','','',?7,?7,0,0)",
	[S_DEVICE_OLDEST] = "SELECT id FROM devices ORDER BY last LIMIT 1",
	[S_DEVICE_DELETE] = "DELETE FROM devices WHERE id=?1",
	[S_EVIDENCE_SEEN] = "UPDATE evidence SET excerpt=?5, weight=?6, weak=?7, answered=?8, times=max(times, ?9),"
			    " first=min(first, ?10), last=max(last, ?11), flow=?12 WHERE device=?1 AND channel=?2 AND maker=?3 AND pattern=?4",
	[S_EVIDENCE_MAKE] = "INSERT INTO evidence(device, channel, maker, pattern, excerpt, weight, weak, answered, times, first, last, flow)"
			    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
	[S_EVIDENCE_CROP] = "DELETE FROM evidence WHERE device=?1 AND id IN"
			    " (SELECT id FROM evidence WHERE device=?1 ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?2)",
	[S_EVIDENCE_DELETE] = "DELETE FROM evidence WHERE device=?1",
	[S_DESTINATION_SEEN] = "UPDATE destinations SET country=?5, asn=?6, decision=?7, flows=flows+?8, first=min(first, ?9),"
			       " last=max(last, ?10) WHERE device=?1 AND remote=?2 AND dest_port=?3 AND proto=?4",
	[S_DESTINATION_MAKE] = "INSERT INTO destinations(device, remote, dest_port, proto, country, asn, decision, flows, first, last)"
			       " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	[S_DESTINATION_CROP] = "DELETE FROM destinations WHERE device=?1 AND id IN"
			       " (SELECT id FROM destinations WHERE device=?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)",
	[S_DESTINATION_DELETE] = "DELETE FROM destinations WHERE device=?1",
	[S_FLOWS_PUT] = "INSERT INTO flows(" FLOW_NAMES ", hour, key) VALUES(" FLOW_VALUES ",?37,?38)"
			" ON CONFLICT(hour, key) DO UPDATE SET flows=flows+excluded.flows, packets=packets+excluded.packets,"
			" bytes_toserver=bytes_toserver+excluded.bytes_toserver, bytes_toclient=bytes_toclient+excluded.bytes_toclient,"
			" first=min(first, excluded.first), last=max(last, excluded.last)",
	[S_FLOW_PUT] = "INSERT INTO flow(" FLOW_NAMES ", id, src_port, end, reason) VALUES(" FLOW_VALUES ",?37,?38,?39,?40)",
	[S_EVENT_PUT] = "INSERT INTO events(time, kind, who, text) VALUES(?1,?2,?3,?4)",
	[S_RUN_PUT] = "INSERT INTO runs(time, boot, restarts, version, policy_id) VALUES(?1,?2,?3,?4,?5)",
	/* Bounded deletions: the next step takes the rest. */
	[S_OLD_FLOWS] = "DELETE FROM flows WHERE (hour, key) IN (SELECT hour, key FROM flows WHERE hour < ?1 ORDER BY hour, key LIMIT 4000)",
	[S_OLD_FLOW] = "DELETE FROM flow WHERE seq IN (SELECT seq FROM flow ORDER BY seq LIMIT 4000) AND last < ?1",
	[S_MANY_FLOW] = "DELETE FROM flow WHERE seq <= (SELECT max(seq) FROM flow) - ?1 AND seq < (SELECT min(seq) FROM flow) + 4000",
	[S_MANY_EVENTS] = "DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?1",
	[S_MANY_RUNS] = "DELETE FROM runs WHERE seq <= (SELECT max(seq) FROM runs) - ?1",
	[S_CROWDED_FLOWS] = "DELETE FROM flows WHERE (hour, key) IN (SELECT hour, key FROM flows ORDER BY hour, key LIMIT 4000)",
	[S_CROWDED_FLOW] = "DELETE FROM flow WHERE seq < (SELECT min(seq) FROM flow) + 4000",
	[S_CROWDED_DESTINATIONS] = "DELETE FROM destinations WHERE id IN (SELECT id FROM destinations ORDER BY id LIMIT 4000)",
	[S_CROWDED_EVIDENCE] = "DELETE FROM evidence WHERE id IN (SELECT id FROM evidence ORDER BY id LIMIT 4000)",
	[S_PAGES] = "PRAGMA page_count",
	[S_FREE_PAGES] = "PRAGMA freelist_count",
	[S_VACUUM] = "PRAGMA incremental_vacuum(1000)",
};
