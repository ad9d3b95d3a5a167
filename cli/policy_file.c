/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "diag.h"
#include "policy.h"

struct policy *
policy_from_file(const char *path, bool colour, struct bundle **ret_bundle)
{
	struct diags diags = {0};
	char *file = NULL;
	struct bundle *b = policy_read(path, &file);

	if (!b) {
		fprintf(stderr, "lenscap: %s: %s\n", file ? file : path, strerror(errno));
		free(file);
		return NULL;
	}
	struct policy *p = policy_load(b, &diags);
	if (!p)
		diags_print(&diags, stderr, colour);
	diags_free(&diags);
	if (p && ret_bundle)
		*ret_bundle = b;
	else
		bundle_free(b);
	return p;
}
