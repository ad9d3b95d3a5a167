/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lenscap completion bash: the shell's knowledge of this command, made from the usage lines of the table. What only the daemon knows is asked
 * with `lenscap __complete device WORD`, which answers within 300 ms or not at all.
 */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "client.h"

enum {
	WORD = 64,
	CANDIDATES_MS = 300,
};

/* What a value may be. */
enum value { VALUE_NONE, VALUE_ANY, VALUE_DEVICE, VALUE_FILE, VALUE_LIST };

/* One token of a usage line: brackets and commas are separators. */
static const char *
next_token(const char *usage, char out[WORD])
{
	size_t n = 0;

	usage += strspn(usage, " []()");
	while (*usage && !strchr(" []()", *usage)) {
		if (n + 1 < WORD)
			out[n++] = *usage;
		usage++;
	}
	out[n] = 0;
	return n ? usage : NULL;
}

static enum value
value_of(const char *token)
{
	static const char *const files[] = {"FILE", "DIR", "PATH"};

	if (strncmp(token, "DEVICE", 6) == 0)
		return VALUE_DEVICE;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strncmp(token, files[i], strlen(files[i])) == 0)
			return VALUE_FILE;
	return islower((unsigned char)*token) ? VALUE_LIST : VALUE_ANY; /* literal words are in lower case */
}

static void
print_list(const char *token)
{
	for (; *token; token++)
		putchar(*token == '|' ? ' ' : *token);
}

static void
print_action(enum value v, const char *token)
{
	switch (v) {
	case VALUE_DEVICE:
		printf("_lenscap_ask device");
		break;
	case VALUE_FILE:
		printf("_lenscap_files");
		break;
	case VALUE_LIST:
		printf("_lenscap_words '");
		print_list(token);
		printf("'");
		break;
	case VALUE_NONE:
	case VALUE_ANY:
		printf(":");
		break;
	}
	printf(" ;;\n");
}

/* The value behind an option: the next token inside the same brackets. */
static void
print_values(const struct command *c)
{
	char option[WORD], value[WORD];

	for (const char *p = c->usage; (p = next_token(p, option));) {
		if (option[0] != '-' || *p != ' ' || !next_token(p, value) || value[0] == '-' || p[1] == '[')
			continue;
		printf("\t%s:%s) ", c->name, option);
		print_action(value_of(value), value);
	}
}

/* Options, and what stands alone. */
static void
print_words(const struct command *c)
{
	char token[WORD];
	bool behind_option = false;
	enum value alone = VALUE_NONE;

	printf("\t%s) words='", c->name);
	for (const char *p = c->usage; (p = next_token(p, token));) {
		bool option = token[0] == '-';
		if (option)
			printf("%s ", token);
		else if (!behind_option && value_of(token) == VALUE_LIST)
			print_list(token), putchar(' ');
		else if (!behind_option && alone == VALUE_NONE)
			alone = value_of(token);
		behind_option = option && *p == ' ' && p[1] != '[';
	}
	printf("'");
	if (alone == VALUE_DEVICE)
		printf("; _lenscap_ask device");
	if (alone == VALUE_FILE)
		printf("; _lenscap_files");
	printf(" ;;\n");
}

/* Candidates come one a line and are never expanded by the shell: a device's name is not ours. */
static const char head[] =
	"# bash completion for lenscap; made by `lenscap completion bash`\n"
	"_lenscap_words() { local w; for w in $1; do case $w in \"$cur\"*) COMPREPLY+=(\"$w\") ;; esac; done; }\n"
	"_lenscap_files() { local f; while IFS= read -r f; do COMPREPLY+=(\"$f\"); done < <(compgen -f -- \"$cur\"); compopt -o filenames 2>/dev/null; }\n"
	"_lenscap_ask() { local w; while IFS= read -r w; do COMPREPLY+=(\"$w\"); done < <(\"${COMP_WORDS[0]}\" \"${_lenscap_dir[@]}\" "
	"__complete \"$1\" \"$cur\" 2>/dev/null); }\n"
	"_lenscap() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= words= i\n"
	"\tlocal -a _lenscap_dir=()\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--run-dir) _lenscap_dir=(--run-dir \"${COMP_WORDS[i+1]}\"); i=$((i + 1)) ;;\n"
	"\t\t-*|=|auto|always|never) ;;\n"
	"\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tif [ -z \"$command\" ]; then\n"
	"\t\tcase $prev in --run-dir) _lenscap_files; return ;; esac\n";

static void
print_script(void)
{
	printf("%s\t\t_lenscap_words '--run-dir --color=auto --color=always --color=never --quiet --no-header --help --version", head);
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->name[0] != '_')
			printf(" %s", commands[i]->name);
	printf("'\n\t\treturn\n\tfi\n\tcase $command:$prev in\n");
	for (size_t i = 0; commands[i]; i++)
		print_values(commands[i]);
	printf("\t*)\n\tcase $command in\n");
	for (size_t i = 0; commands[i]; i++)
		print_words(commands[i]);
	printf("\tesac\n\t_lenscap_words \"$words --help\" ;;\n\tesac\n}\ncomplete -F _lenscap lenscap\n");
}

static int
run(int argc, char **argv, struct cli *cli)
{
	(void)cli;
	if (argc != 2 || strcmp(argv[1], "bash") != 0)
		return cli_usage(&command_completion);
	print_script();
	return EXIT_OK;
}

const struct command command_completion = {"completion", "bash", "what the shell must know to complete these commands", run};

/* Only what a shell takes as one plain word. */
static void
print_candidate(const char *name, const char *begin)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:";

	if (*name && strncmp(name, begin, strlen(begin)) == 0 && !name[strspn(name, plain)])
		printf("%s\n", name);
}

/* The devices that the daemon knows; a row has its name in "name". */
static void
print_devices(const struct cli *cli, const char *begin)
{
	struct client *c = client_open(cli, false);
	size_t len;
	char *line;
	bool more = c && client_send(c, "devices", NULL);

	while (more && (line = client_line(c, CANDIDATES_MS, &len))) {
		struct json_object *o = json_tokener_parse(line), *list = client_member(o, "data");
		more = client_member(o, "event") != NULL;
		print_candidate(client_text(o, "event.name"), begin);
		if (!json_object_is_type(list, json_type_array))
			list = client_member(list, "devices");
		for (size_t i = 0; json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
			print_candidate(client_text(json_object_array_get_idx(list, i), "name"), begin);
		json_object_put(o);
	}
	client_close(c);
}

static int
candidates(int argc, char **argv, struct cli *cli)
{
	if (argc >= 2 && strcmp(argv[1], "device") == 0)
		print_devices(cli, argc > 2 ? argv[2] : "");
	return EXIT_OK;
}

const struct command command_candidates = {"__complete", "device WORD", "for the shell's completion", candidates};
