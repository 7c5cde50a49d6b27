// What the tests of groups that keep an order begin with.
#pragma once

#include "support/stream_test.hpp"

namespace shmq::test {

class Ordered : public StreamTest {
protected:
    [[nodiscard]] Stream ordered(Order order, const StreamOptions& options = medium_options(),
                                 GroupOptions group = {}) {
        Stream stream = create(options);
        group.order = order;
        must(stream.create_group("g", Position::oldest(), group));
        return stream;
    }
    static Sequence add_key(Stream& stream, std::string_view key) {
        AddOptions options;
        options.key = bytes_of(key);
        return must(stream.add(key, options));
    }
    static void add_keys(Stream& stream, std::initializer_list<std::string_view> keys) {
        for (const auto key : keys) add_key(stream, key);
    }
    static Batch read(Consumer& consumer, std::size_t most = 64) { return must(consumer.read(reading(most))); }
    static GroupInfo info(const Stream& stream) { return must(stream.groups()).front(); }
};

}  // namespace shmq::test
