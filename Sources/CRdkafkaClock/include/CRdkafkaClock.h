#pragma once

#include <time.h>

/// The steps in which the monotonic clock goes for a main thread of librdkafka, in nanoseconds: the
/// resolution of its waiting.
#define RDKAFKA_CLOCK_STEP_NS 1000000
