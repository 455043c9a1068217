/* Days, months and hours of a time, in UTC (docs/rules.md, Time). */
#include "calendar.h"

enum { DAYS_IN_400_YEARS = 146097, DAYS_BEFORE_1970 = 719468 /* since 1 March of the year 0 */ };

/* Years begin in March here, so that the leap day is the last one. The days are those of 0 to 9999. */
Date date_of(int32_t day) {
    int32_t since = day + DAYS_BEFORE_1970;
    int32_t era = since / DAYS_IN_400_YEARS, of_era = since % DAYS_IN_400_YEARS;
    int32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int32_t month = (5 * of_year + 2) / 153; /* 0 is March */
    return (Date){
        .year = era * 400 + year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = of_year - (153 * month + 2) / 5 + 1,
    };
}

int16_t weekday_of(int32_t day) {
    int32_t weekday = (day + 3) % 7; /* 1970 began on a Thursday */
    return (int16_t)(weekday < 0 ? weekday + 7 : weekday);
}

/* A week belongs to the year of its Thursday. */
int16_t iso_week_of(int32_t day) {
    int32_t thursday = day - weekday_of(day) + 3;
    int32_t year = date_of(thursday).year - 1;
    int32_t new_year = 365 * year + year / 4 - year / 100 + year / 400 + FIRST_DAY; /* 1 January, since 1970 */
    return (int16_t)((thursday - new_year) / 7 + 1);
}
