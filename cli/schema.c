/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap schema: the JSON Schema of the policy's language, made from the loader's own tables. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "json.h"
#include "policy.h"

enum { SCHEMA_BYTES = 1 << 20 };

static void
new_line(unsigned depth)
{
	printf("\n%*s", (int)depth, "");
}

/* One member a line, a blank for each level; lists of plain values stay together. */
static void
print_indented(const char *text)
{
	unsigned depth = 0, flat = 0;
	bool quoted = false;
	for (; *text; text++) {
		char c = *text;
		if (quoted || c == '"') {
			quoted ^= c == '"';
			putchar(c);
			if (c == '\\')
				putchar(*++text);
			continue;
		}
		if (c == '[' && text[1] == '"')
			flat++;
		if ((c == '}' || c == ']') && !flat)
			new_line(--depth);
		flat -= c == ']' && flat;
		putchar(c);
		if (c == ':')
			putchar(' ');
		else if ((c == '{' || c == '[') && !flat)
			new_line(++depth);
		else if (c == ',' && flat)
			putchar(' ');
		else if (c == ',')
			new_line(depth);
	}
}

static int
run(int argc, char **argv, struct cli *cli)
{
	char *text = malloc(SCHEMA_BYTES);
	struct json j;
	int code = EXIT_NEGATIVE;
	(void)argv;
	(void)cli;
	if (argc != 1) {
		free(text);
		return cli_usage(&command_schema);
	}
	if (text) {
		json_init(&j, text, SCHEMA_BYTES);
		if (policy_describe(&j) && json_line(&j)) {
			print_indented(text);
			code = fflush(stdout) == EOF ? EXIT_NEGATIVE : EXIT_OK;
		}
	}
	if (code != EXIT_OK)
		fprintf(stderr, "lenscap: the schema cannot be written\n");
	free(text);
	return code;
}

const struct command command_schema = {"schema", "", "print the JSON Schema of the policy, for editors", run};
