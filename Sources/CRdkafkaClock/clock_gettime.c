// A monotonic clock that moves in whole milliseconds, for the main threads of librdkafka before
// 2.4: see KafkaLog/Mends/SpinningMainThread.swift, which decides who gets it.
//
// With it, a thread that waits for a timer of its own always has a whole millisecond left, never a
// part of one. And it is one step ahead, so that a timer of one millisecond set by another thread
// is due at once. librdkafka uses this clock for timers and timeouts only and tells nobody.
//
// A program's own definition of a function comes before a shared library's, so the calls of every
// thread come by here. On threads that have not asked for steps they are passed on as they are.

#define _GNU_SOURCE
#include "CRdkafkaClock.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef int read_clock(clockid_t, struct timespec *);

static read_clock *next;

__attribute__((constructor)) static void find_next(void) {
  *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
}

static _Thread_local int steps;

void rdkafka_clock_step_on_this_thread(void) { steps = 1; }

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = next ? next(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
  if (steps && clock == CLOCK_MONOTONIC && result == 0) {
    time->tv_nsec += 2 * RDKAFKA_CLOCK_STEP_NS - time->tv_nsec % RDKAFKA_CLOCK_STEP_NS;
    if (time->tv_nsec >= 1000000000) {
      time->tv_sec += 1;
      time->tv_nsec -= 1000000000;
    }
  }
  return result;
}
