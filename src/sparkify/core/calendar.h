/* Days, months and hours of a time, in UTC (docs/rules.md, Time). */
#ifndef SPARKIFY_CALENDAR_H
#define SPARKIFY_CALENDAR_H

#include "core.h"

enum { MS_PER_QUARTER = 900000, MS_PER_HOUR = 3600000, MS_PER_DAY = 86400000 };

typedef struct {
    int32_t year, month, day; /* from 1 */
} Date;

enum { FIRST_DAY = -719162, LAST_DAY = 2932896 /* of the years 1 to 9999 */ };

/* Days since 1970 of a time in milliseconds, also before 1970. */
static inline int32_t day_of(int64_t ts) {
    return (int32_t)((ts - (ts < 0 ? MS_PER_DAY - 1 : 0)) / MS_PER_DAY);
}

static inline int16_t hour_of(int64_t ts) {
    return (int16_t)((ts - (int64_t)day_of(ts) * MS_PER_DAY) / MS_PER_HOUR);
}

/* The quarter of an hour of the day, 0 to 95. Local days begin with one, with few exceptions (analytics/zones.py). */
static inline int16_t quarter_of(int64_t ts) {
    return (int16_t)((ts - (int64_t)day_of(ts) * MS_PER_DAY) / MS_PER_QUARTER);
}

Date date_of(int32_t day);

/* Months since the year 0, so that they are in order. */
static inline int32_t month_of(int32_t day) {
    Date date = date_of(day);
    return date.year * 12 + date.month - 1;
}

/* The first day of a day's month. */
static inline int32_t month_start(int32_t day) { return day - date_of(day).day + 1; }

int16_t weekday_of(int32_t day); /* 0 is Monday */
int16_t iso_week_of(int32_t day);

#endif
