/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listing of `lenscap devices`, for whoever else knows devices. */
#ifndef LENSCAP_CLI_DEVICES_H
#define LENSCAP_CLI_DEVICES_H

#include <stdbool.h>
#include <stddef.h>

struct device_list;

/* NULL: no memory. */
struct device_list *device_list_new(void);
void device_list_free(struct device_list *l);
/* One device, as the control socket tells it. False: it is no JSON object, or memory is short. */
bool device_list_add(struct device_list *l, const char *json, size_t len);
/* json: whole objects, else the table. */
void device_list_print(struct device_list *l, bool json, bool colour, bool header);

#endif
