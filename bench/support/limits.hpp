// What the machine itself gives, measured beside the peers: no queue can be faster.
#pragma once

namespace bench {

/// Nanoseconds of one cache line there and back between the two processors, p50 of about a millisecond.
double probe_line();
/// The same for about `seconds`.
double line_trip(double seconds);
/// Nanoseconds of waking another process and being woken, p50: both sleep on a futex.
double futex_trip(double seconds);
/// Blocks a second that one process fills in a ring of memory and another sums, with two counters and no queue.
double stream_64k(double seconds);
double stream_1m(double seconds);

}  // namespace bench
