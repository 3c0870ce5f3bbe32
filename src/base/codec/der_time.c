#include "base/codec/calendar.h"
#include "base/codec/der.h"

#include <stdio.h>

#define YEAR_9999 253402300799 /* its last second */

void der_time(struct writer *w, int64_t t)
{
    char text[32];
    if (t < 0 || t > YEAR_9999) {
        w->err = w->err ? w->err : E_VALUE;
        return;
    }
    struct calendar_date d = calendar_from_days(t / CALENDAR_DAY);
    unsigned s = (unsigned)(t % CALENDAR_DAY);
    snprintf(text, sizeof text, "%04u%02u%02u%02u%02u%02uZ", (unsigned)d.year % 10000, d.month,
             d.day, s / 3600, s / 60 % 60, s % 60);
    if (d.year < 2050)
        der_element(w, DER_UTC_TIME, bytes_str(text + 2));
    else
        der_element(w, DER_TIME, bytes_str(text));
}

/* Two decimal digits; 100 if they are none. */
static unsigned two(const uint8_t *p)
{
    unsigned tens = (unsigned)p[0] - '0', ones = (unsigned)p[1] - '0';
    return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

/* MMDDHHMMSSZ. */
static enum err read_rest(const uint8_t *p, int64_t year, int64_t *out)
{
    unsigned month = two(p), day = two(p + 2), h = two(p + 4), m = two(p + 6), s = two(p + 8);
    struct calendar_date date = {year, month, day};
    if (p[10] != 'Z' || !calendar_valid(date) || h > 23 || m > 59 || s > 59)
        return E_MALFORMED;
    *out = calendar_days(date) * CALENDAR_DAY + h * 3600 + m * 60 + s;
    return OK;
}

enum err der_expect_time(struct bytes *in, int64_t *out)
{
    struct bytes t;
    uint8_t tag;
    if (der_next(in, &tag, &t) != OK)
        return E_MALFORMED;
    if (tag == DER_UTC_TIME && t.n == 13) {
        unsigned year = two(t.p);
        return year < 100 ? read_rest(t.p + 2, year < 50 ? 2000 + year : 1900 + year, out)
                          : E_MALFORMED;
    }
    if (tag == DER_TIME && t.n == 15) {
        unsigned century = two(t.p), year = two(t.p + 2);
        if (century < 100 && year < 100 && century * 100 + year >= 2050)
            return read_rest(t.p + 4, century * 100 + year, out);
    }
    return E_MALFORMED;
}
