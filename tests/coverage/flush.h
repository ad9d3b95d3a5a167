/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Put before every file of a coverage build: what ends or becomes another program without exit() writes its counts first. */
#ifndef FLUSH_H
#define FLUSH_H

#include <fcntl.h>
#include <unistd.h>

void __gcov_dump(void);

#define _exit(code) ({ const int exit_code_ = (code); __gcov_dump(); _exit(exit_code_); })
#define execveat(...) (__gcov_dump(), execveat(__VA_ARGS__))

#endif
