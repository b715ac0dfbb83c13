// Keeps librdkafka before 2.4 from spinning.
//
// A client's main thread waits for work until its next timer is due, in whole milliseconds rounded
// down (rd_kafka_thread_main): for the last part of a millisecond before each timer it asks again
// and again, without waiting. Each transaction sets two timers of one millisecond to register its
// partitions, so a hundred transactions a second cost a fifth of a core. librdkafka 2.4 rounds up
// (https://github.com/confluentinc/librdkafka/pull/4671), and with it this file can go.
//
// Here those threads read a monotonic clock that goes in whole milliseconds, so that what is left
// to a timer of their own is never less than one; and it is one ahead, so that a timer of one
// millisecond which another thread has set is due at once. They use that clock for timers and
// timeouts and tell nobody. A program's own definition of a function comes before a shared
// library's, so everyone's calls come by here; other threads and other clocks are passed on as they
// are.

#define _GNU_SOURCE
#include "CRdkafkaClock.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int read_clock(clockid_t, struct timespec *);

static read_clock *next;

__attribute__((constructor)) static void find_next(void) {
  *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
}

static _Thread_local enum { UNKNOWN, MAIN, OTHER } thread;

/// librdkafka names its threads before they read a clock.
static int is_main(void) {
  if (thread == UNKNOWN) {
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    thread = strcmp(name, "rdk:main") == 0 ? MAIN : OTHER;
  }
  return thread == MAIN;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = next ? next(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
  if (clock == CLOCK_MONOTONIC && result == 0 && is_main()) {
    time->tv_nsec += 2 * RDKAFKA_CLOCK_STEP_NS - time->tv_nsec % RDKAFKA_CLOCK_STEP_NS;
    if (time->tv_nsec >= 1000000000) {
      time->tv_sec += 1;
      time->tv_nsec -= 1000000000;
    }
  }
  return result;
}
