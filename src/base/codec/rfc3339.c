#include "base/codec/rfc3339.h"

#include "base/codec/calendar.h"

#include <stdio.h>
#include <string.h>

#define YEAR_9999 253402300799 /* its last second */

/* Exactly n digits, then `after` (0: nothing demanded); moves *at behind both. */
static bool take_number(const char **at, int n, char after, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (unsigned)(**at - '0');
    }
    if (after && **at != after)
        return false;
    *at += after != 0;
    return true;
}

/* "Z" or "+hh:mm", nothing behind, as seconds east of UTC. */
static bool parse_offset(const char *at, int64_t *out)
{
    unsigned hours, minutes;
    *out = 0;
    if (strcmp(at, "Z") == 0)
        return true;
    int64_t sign = *at == '+' ? 1 : *at == '-' ? -1 : 0;
    at += sign != 0;
    if (!sign || !take_number(&at, 2, ':', &hours) || !take_number(&at, 2, 0, &minutes))
        return false;
    *out = sign * (hours * 3600 + minutes * 60);
    return *at == 0 && hours < 24 && minutes < 60;
}

static bool skip_fraction(const char **at)
{
    if (**at != '.')
        return true;
    size_t digits = strspn(*at + 1, "0123456789");
    *at += 1 + digits;
    return digits > 0;
}

enum err rfc3339_parse(const char *at, int64_t *out)
{
    struct calendar_date d;
    unsigned year, h, m, s;
    int64_t offset;
    if (!take_number(&at, 4, '-', &year) || !take_number(&at, 2, '-', &d.month) ||
        !take_number(&at, 2, 'T', &d.day) || !take_number(&at, 2, ':', &h) ||
        !take_number(&at, 2, ':', &m) || !take_number(&at, 2, 0, &s) || !skip_fraction(&at) ||
        !parse_offset(at, &offset))
        return E_VALUE;
    d.year = year;
    if (!calendar_valid(d) || h > 23 || m > 59 || s > 59)
        return E_VALUE;
    *out = calendar_days(d) * CALENDAR_DAY + h * 3600 + m * 60 + s - offset;
    return OK;
}

enum err rfc3339_write(int64_t t, char out[static RFC3339_SIZE])
{
    if (t < 0 || t > YEAR_9999)
        return E_VALUE;
    struct calendar_date d = calendar_from_days(t / CALENDAR_DAY);
    unsigned s = (unsigned)(t % CALENDAR_DAY);
    snprintf(out, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)d.year % 10000,
             d.month % 100, d.day % 100, s / 3600 % 100, s / 60 % 60, s % 60);
    return OK;
}
