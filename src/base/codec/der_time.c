#include "base/codec/der.h"

#include <stdio.h>

#define DAY       86400
#define YEAR_9999 253402300799 /* its last second */

struct date {
    int64_t year;
    unsigned month, day;
};

/* Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day is
 * their last. */
static int64_t days_from_date(struct date d)
{
    int64_t y = d.month <= 2 ? d.year - 1 : d.year;
    int64_t month = (d.month + 9) % 12;
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * month + 2) / 5 + d.day - 1 - 719468;
}

static unsigned days_in_month(int64_t year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static struct date date_from_days(int64_t days)
{
    struct date d = {1970 + days / 366, 1, 1}; /* never too late, at most 22 years too early */
    while (days_from_date((struct date){d.year + 1, 1, 1}) <= days)
        d.year++;
    days -= days_from_date(d);
    for (; days >= days_in_month(d.year, d.month); d.month++)
        days -= days_in_month(d.year, d.month);
    d.day += (unsigned)days;
    return d;
}

void der_time(struct writer *w, int64_t t)
{
    char text[32];
    if (t < 0 || t > YEAR_9999) {
        w->err = w->err ? w->err : E_VALUE;
        return;
    }
    struct date d = date_from_days(t / DAY);
    unsigned s = (unsigned)(t % DAY);
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
    if (p[10] != 'Z' || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        h > 23 || m > 59 || s > 59)
        return E_MALFORMED;
    *out = days_from_date((struct date){year, month, day}) * DAY + h * 3600 + m * 60 + s;
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
