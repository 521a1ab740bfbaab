// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "core/incidents.h"

static struct now at(uint64_t us) {
  return (struct now){.wall_us = UINT64_C(1795368456951090) + us, .mono_us = 5000000 + us};
}

/* Report, and return how many events came; the last one in ${event}. */
static unsigned report(struct incidents *incidents, uint64_t us, struct event *event) {
  static struct events events;
  struct buf record;
  unsigned count = 0;
  buf_init(&record, 8192);
  assert_int_equal(incidents_report(incidents, at(us), 0, &record, &events), AVOW_OK);
  while (events_take(&events, event)) {
    assert_int_equal(event->type, EVENT_INCIDENT);
    count++;
  }
  unsigned blocks = 0;
  for (size_t i = 0; i + 10 < record.size; i++)
    blocks += memcmp(record.data + i, "\nIncident:", 10) == 0;
  assert_int_equal(blocks, count); /* each event is on record */
  buf_free(&record);
  return count;
}

/* Goal: the first is told at once, a flood of the same within a second together and counted, and
 * nothing is lost or told twice. */
static void test_flood(void **state) {
  (void)state;
  struct incidents incidents = {0};
  struct event event;
  uint64_t seen = 0, told = 0;
  unsigned events = 0;
  assert_int_equal(incidents_deadline(&incidents), WHEN_NEVER);
  for (uint64_t us = 0; us < 10000000; us += 1000) {
    incidents_see(&incidents, VERDICT_MODIFIED, "Incorrect token.");
    seen++;
    if (report(&incidents, us, &event) > 0) {
      events++;
      told += event.count;
      assert_int_equal(event.verdict, VERDICT_MODIFIED);
      assert_string_equal(event.what, "Incorrect token.");
    }
  }
  assert_int_equal(events, 10); /* one a second */
  assert_int_equal(report(&incidents, 10000000, &event), 1);
  assert_int_equal(told + event.count, seen);
  assert_int_equal(incidents_deadline(&incidents), WHEN_NEVER);
  assert_int_equal(report(&incidents, 20000000, &event), 0);
}

/* Goal: what waits is due exactly a second after the last report, and wakes the owner then. */
static void test_deadline(void **state) {
  (void)state;
  struct incidents incidents = {0};
  struct event event;
  incidents_see(&incidents, VERDICT_STALE, "Late token.");
  assert_true(incidents_deadline(&incidents) <= at(0).mono_us);
  assert_int_equal(report(&incidents, 0, &event), 1);
  assert_int_equal(event.count, 1);
  assert_int_equal(incidents_deadline(&incidents), WHEN_NEVER);
  incidents_see(&incidents, VERDICT_STALE, "Late token.");
  incidents_see(&incidents, VERDICT_STALE, "Late token.");
  assert_int_equal(incidents_deadline(&incidents), at(1000000).mono_us);
  assert_int_equal(report(&incidents, 999999, &event), 0);
  assert_int_equal(report(&incidents, 1000000, &event), 1);
  assert_int_equal(event.count, 2);
}

/* Goal: a flood of one kind does not hide the first of another. */
static void test_kinds(void **state) {
  (void)state;
  struct incidents incidents = {0};
  struct event event;
  for (unsigned i = 0; i < VERDICT_COUNT; i++) {
    incidents_see(&incidents, VERDICT_REPLAYED, "Repeated token.");
    if (i != VERDICT_REPLAYED)
      incidents_see(&incidents, (enum verdict)i, "Something else.");
    assert_int_equal(report(&incidents, i, &event), i == 0 ? 2 : i != VERDICT_REPLAYED);
    if (i != 0 && i != VERDICT_REPLAYED)
      assert_int_equal(event.verdict, i);
  }
}

/* Goal: events come out in order, as many as there is room for, round the ring's end too. */
static void test_events(void **state) {
  (void)state;
  static struct events events;
  struct event event = {0};
  uint64_t put = 0, taken = 0;
  for (unsigned round = 0; round < 100; round++) {
    while (put - taken < EVENTS_MAX) {
      event.id = put++;
      events_put(&events, &event);
    }
    for (unsigned i = 0; i < 1 + round % EVENTS_MAX && events_take(&events, &event); i++)
      assert_int_equal(event.id, taken++);
  }
  while (events_take(&events, &event))
    assert_int_equal(event.id, taken++);
  assert_int_equal(taken, put);
}

/* Goal: every verdict has a name of its own, and an attack is named exactly where one is possible.
 */
static void test_verdicts(void **state) {
  (void)state;
  for (unsigned i = 0; i < VERDICT_COUNT; i++) {
    assert_non_null(verdict_name((enum verdict)i));
    for (unsigned j = 0; j < i; j++)
      assert_string_not_equal(verdict_name((enum verdict)i), verdict_name((enum verdict)j));
    bool harmless = i == VERDICT_ACCEPTED || i == VERDICT_DUPLICATE;
    assert_int_equal(strlen(verdict_attack((enum verdict)i)) == 0, harmless);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flood),  cmocka_unit_test(test_deadline), cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_events), cmocka_unit_test(test_verdicts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
