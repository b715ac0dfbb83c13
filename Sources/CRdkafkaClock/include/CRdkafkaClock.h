#pragma once

#include <time.h>

/// How far the monotonic clock moves at a time on a thread that asked for steps, in nanoseconds:
/// a millisecond, the resolution at which librdkafka waits.
#define RDKAFKA_CLOCK_STEP_NS 1000000

/// From here on `clock_gettime(CLOCK_MONOTONIC)` on this thread, and on no other, moves in steps
/// and is between one and two of them ahead.
void rdkafka_clock_step_on_this_thread(void);
