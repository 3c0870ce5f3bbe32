/* Dates of the Gregorian calendar, for the codecs of points in time. */
#ifndef BASE_CODEC_CALENDAR_H
#define BASE_CODEC_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_DAY 86400 /* seconds */

struct calendar_date {
    int64_t year;
    unsigned month, day; /* from 1 */
};

/* Whether there is such a day. */
bool calendar_valid(struct calendar_date d);
/* Days from 1970-01-01. */
int64_t calendar_days(struct calendar_date d);
/* The date that many days, not negative, after 1970-01-01. */
struct calendar_date calendar_from_days(int64_t days);

#endif
