// A small stream, and what cannot fail; without GoogleTest, so that programs of their own can use it too.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "support/start.hpp"

namespace shmq::test {

/// 16 slots, 16 chunks of 1 KiB, entries of up to 3,000 bytes: small enough to reach each limit quickly.
[[nodiscard]] inline StreamOptions small_options() {
    StreamOptions options;
    options.slots = 16;
    options.payload = 16 * 1024;
    options.chunks = 16;
    options.max_entry = 3000;
    options.producers = 3;
    options.groups = 3;
    options.consumers = 4;
    options.attachments = 8;
    options.key_stripes = 8;
    options.first_sequence = first_sequence();
    return options;
}

/// The value of a Result, or a test failure and the end of the process with the error's text.
template <class T>
T must(Result<T> result, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (!result) {
        std::fprintf(stderr, "%s:%d: %s\n", file, line, result.error().message().c_str());
        std::fflush(stderr);
        ::abort();
    }
    return std::move(result).value();
}
inline void must(const Result<void>& result, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    if (result) return;
    std::fprintf(stderr, "%s:%d: %s\n", file, line, result.error().message().c_str());
    std::fflush(stderr);
    ::abort();
}

}  // namespace shmq::test
