/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lenscap help CODE: what a finding of check means, with an example of the wrong and of the right. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "diag.h"

static void
print_example(const char *title, const char *text)
{
	printf("\n%s\n", title);
	while (*text) {
		size_t n = strcspn(text, "\n");
		printf("    %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

/* At blanks, so that no line is wider than a terminal. */
static void
print_text(const char *text)
{
	enum { COLUMNS = 80 };
	size_t col = 0;
	while (*text) {
		size_t word = strcspn(text, " ");
		if (col && col + 1 + word > COLUMNS) {
			putchar('\n');
			col = 0;
		}
		col += (size_t)printf("%s%.*s", col ? " " : "", (int)word, text);
		text += word + (text[word] == ' ');
	}
	putchar('\n');
}

static int
unknown(const char *code)
{
	const char *names[256];
	size_t n;
	const struct diag_code *codes = diag_codes(&n);
	n = n < 256 ? n : 256;
	for (size_t i = 0; i < n; i++)
		names[i] = codes[i].code;
	const char *close = diag_closest(code, names, n);
	fprintf(stderr, "lenscap: no code is called %.32s", code);
	if (close)
		fprintf(stderr, "; did you mean %s?", close);
	fprintf(stderr, "\n");
	return EXIT_NEGATIVE;
}

static int
run(int argc, char **argv, struct cli *cli)
{
	char code[8] = "";
	(void)cli;
	if (argc != 2)
		return cli_usage(&command_help);
	for (size_t i = 0; i < sizeof code - 1 && argv[1][i]; i++)
		code[i] = (char)toupper((unsigned char)argv[1][i]);
	const struct diag_code *found = strlen(argv[1]) < sizeof code ? diag_code_find(code) : NULL;
	if (!found)
		return unknown(strlen(argv[1]) < sizeof code ? code : argv[1]);
	printf("%s: %s\n\n", found->code, found->title);
	print_text(found->text);
	const struct diag_example *example = diag_example_find(found->code);
	if (example && *example->wrong)
		print_example("wrong:", example->wrong);
	if (example && *example->right)
		print_example("right:", example->right);
	return EXIT_OK;
}

const struct command command_help = {"help", "CODE", "explain the code of a finding, as in E104", run};
