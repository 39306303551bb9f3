/* date: every day of ten centuries, read and written, every form, against
 * gmtime(3). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/date.h"

static int failed;

static void fail(const char *text, const char *what)
{
	printf("\"%s\": %s\n", text, what);
	failed = 1;
}

static void expect(const char *text, int64_t expected)
{
	int64_t found = -1;

	if (!date_read(text, strlen(text), &found))
		fail(text, "no date");
	else if (found != expected)
		fail(text, "another time");
}

static void check_days(void)
{
	for (int64_t day = -200000; day < 200000; day++) {
		time_t seconds = (time_t)(day * 86400 + 3723);
		struct tm parts;
		char text[64], written[DATE_ROOM];

		gmtime_r(&seconds, &parts);
		strftime(text, sizeof text, "%Y-%m-%d", &parts);
		expect(text, day * 86400000);
		strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
		expect(text, (day * 86400 + 3723) * 1000);
		/* Parts of a second are cut off, before 1970, too. */
		date_write(written, (day * 86400 + 3723) * 1000 + 999);
		if (strncmp(written, text, strlen(text)) != 0 ||
		    strcmp(written + strlen(text), "Z") != 0)
			fail(written, "not the time that is written");
	}
}

static void check_forms(void)
{
	const int64_t noon = INT64_C(1485864000000); /* 2017-01-31 12:00 UTC */
	static const char *const same[] = {"2017-01-31 12:00",
					   "2017-01-31 12:00:00",
					   "2017/01/31 12:00",
					   "20170131 12:00",
					   "2017-01-31T12:00:00Z",
					   "2017-01-31T12:00:00.000Z",
					   "2017-01-31 12:00:00 UTC",
					   "2017-01-31 12:00:00 GMT",
					   "2017-01-31T13:00:00+01",
					   "2017-01-31T13:30:00+0130",
					   "2017-01-31T02:00:00-10:00",
					   "2017-01-31 12:00:00 +0000",
					   " 2017-01-31 12:00 ",
					   "1485864000",
					   "1485864000000",
					   "1485864000000000",
					   "1485864000000999",
					   "1485864000000000000",
					   "20170131120000",
					   "201701311200",
					   "1485864000.000"};
	static const char *const none[] = {"",
					   " ",
					   "x",
					   "2017-02-29",
					   "2017-13-01",
					   "2017-00-01",
					   "2017-01-32",
					   "2017-01/31",
					   "2017-1-31",
					   "31.01.2017",
					   "01/31/2017",
					   "2017-01-31x",
					   "2017-01-31 24:00",
					   "2017-01-31 12:60",
					   "2017-01-31 12",
					   "2017-01-31T12:00:00+",
					   "2017-01-31T12:00:00.",
					   "0000-01-01",
					   "9223372036854775808",
					   "12345678901234567890",
					   "2017-01-31 :00",
					   "2017",
					   "99999999",
					   "-86400",
					   "45",
					   "1e9",
					   "-",
					   "2017-01-31 12:00 CET"};

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		expect(same[i], noon);
	expect("2017-01-31 12:00:00.25", noon + 250);
	expect("2017-01-31 12:00:00,2519", noon + 251);
	expect("1485864000.25", noon + 250);
	expect("20170131", noon - 43200000);
	expect("100000000", INT64_C(100000000000));
	expect("99999999999", INT64_C(99999999999000));
	expect("100000000000", INT64_C(100000000000));
	expect("99999999999999", INT64_C(99999999999999));
	expect("100000000000000", INT64_C(100000000000));
	expect("2017-01-31 9:05", noon - INT64_C(10500000));
	expect("2017-01-31T9:05:01Z", noon - INT64_C(10499000));
	/* No hour, month or second of a calendar. */
	expect("20170131240000", INT64_C(20170131240000));
	expect("201713011200", INT64_C(201713011200));
	expect("201013120000", INT64_C(201013120000));
	expect("2016-02-29", INT64_C(1456704000000));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		int64_t found;
		if (date_read(none[i], strlen(none[i]), &found))
			fail(none[i], "a date");
	}
}

static void check_formats(void)
{
	int64_t found = 0;

	if (!date_read_format("%m/%d/%Y %H:%M", "1/31/2017 12:00", 15,
			      &found) ||
	    found != INT64_C(1485864000000))
		fail("%m/%d/%Y %H:%M", "another time");
	if (!date_read_format("%d.%m.%Y", "31.01.2017", 10, &found) ||
	    found != INT64_C(1485820800000))
		fail("%d.%m.%Y", "another time");
	if (date_read_format("%d.%m.%Y", "31.01.2017x", 11, &found) ||
	    date_read_format("%d.%m.%Y", "31.02.2017", 10, &found) ||
	    date_read_format("%d.%m.%Y", "", 0, &found))
		fail("%d.%m.%Y", "a date");
}

int main(void)
{
	check_days();
	check_forms();
	check_formats();
	return failed;
}
