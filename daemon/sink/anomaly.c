/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `anomaly` object: what cannot be, or should not. */
#include "printer.h"

static const char *const anomaly_types[ANOMALIES] = {
	[ANOMALY_DECODE] = "decode",
	[ANOMALY_STREAM] = "stream",
	[ANOMALY_APPLAYER] = "applayer",
};

/* EVE repeats the protocol here when the oddity is one of that protocol. */
void
print_anomaly(struct printer *p, const struct record *r)
{
	enum anomaly type = r->anomaly < ANOMALIES ? r->anomaly : ANOMALY_DECODE;

	json_object(&p->j, "anomaly");
	if (type == ANOMALY_APPLAYER)
		print_known(p, "app_proto", r->app_proto);
	json_str(&p->j, "type", anomaly_types[type]);
	print_name(p, "event", r->anomaly_event ? r->anomaly_event : "unknown");
	print_known(p, "layer", r->anomaly_layer);
	json_object_end(&p->j);
}
