/* The system call filter of io/sandbox. */
#ifndef IO_SANDBOX_FILTER_H
#define IO_SANDBOX_FILTER_H

#include "io/sandbox/sandbox.h"

/* Loads the filter for all threads and sets report->allow_list. E_NOMEM, E_IO. */
enum err sandbox_filter(enum sandbox_profile profile, const struct sandbox_options *options,
                        struct sandbox_report *report, struct problem *p);
/* Whether this build carries a sanitizer's runtime. */
bool sandbox_has_sanitizer(void);

#endif
