#include "base/codec/calendar.h"

/* Years begin in March here, so that the leap day is their last. */
int64_t calendar_days(struct calendar_date d)
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

bool calendar_valid(struct calendar_date d)
{
    return d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= days_in_month(d.year, d.month);
}

struct calendar_date calendar_from_days(int64_t days)
{
    /* Never too late, at most 22 years too early. */
    struct calendar_date d = {1970 + days / 366, 1, 1};
    while (calendar_days((struct calendar_date){d.year + 1, 1, 1}) <= days)
        d.year++;
    days -= calendar_days(d);
    for (; days >= days_in_month(d.year, d.month); d.month++)
        days -= days_in_month(d.year, d.month);
    d.day += (unsigned)days;
    return d;
}
