#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    const char *process;
    enum log_level least;
} settings = {"guardian", LOG_LEVEL_INFO};

void log_open(const char *process, enum log_level least)
{
    settings.process = process;
    settings.least = least;
}

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_line(enum log_level level, const char *format, ...)
{
    if (level < settings.least)
        return;
    char text[1024], line[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    int n = snprintf(line, sizeof line, "%s.%03ldZ %s %s: %s\n", stamp, now.tv_nsec / 1000000,
                     level_names[level], settings.process, text);
    /* One write, so that lines of several processes on one descriptor don't mix. */
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}
