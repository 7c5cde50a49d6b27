// What the tests of waiting on many share: three streams with a group each, and what a wait gave in short.
#pragma once

#include "support/stream_test.hpp"

namespace shmq::test {

[[nodiscard]] inline WaitOptions up_to(std::size_t max_entries, Duration wait = Duration{0}) {
    WaitOptions options;
    options.max_entries = max_entries;
    options.wait = wait;
    return options;
}
/// One letter for each entry: of source 0 'a', of source 1 'b', ...; a capital one for an error.
[[nodiscard]] inline std::string letters(const Result<std::span<Delivery>>& deliveries) {
    if (!deliveries) return std::string(code_word(deliveries.error().code()));
    std::string all;
    for (const Delivery& delivery : *deliveries) {
        if (!(delivery.error() == Code::ok)) all += static_cast<char>('A' + delivery.source());
        all += std::string(delivery.size(), static_cast<char>('a' + delivery.source()));
    }
    return all;
}
inline void ack(const Result<std::span<Delivery>>& deliveries) {
    if (deliveries)
        for (Delivery& delivery : *deliveries)
            if (!delivery.batch().empty()) must(delivery.batch().ack());
}

class WaitMany : public StreamTest {
protected:
    /// Streams a, b, c with a group "g" each.
    void make_three(const StreamOptions& options = small_options()) {
        for (const char* name : {"a", "b", "c"}) {
            streams_.push_back(must(Stream::create(path(name), options)));
            must(streams_.back().create_group("g"));
        }
    }
    /// A consumer of each stream.
    [[nodiscard]] std::vector<Consumer> join_all() {
        std::vector<Consumer> all;
        for (Stream& stream : streams_) all.push_back(must(stream.consumer("g")));
        return all;
    }
    /// The same from streams opened anew, in a child.
    [[nodiscard]] std::vector<Consumer> open_and_join_all() const {
        std::vector<Consumer> all;
        for (const char* name : {"a", "b", "c"}) {
            Stream own = must(Stream::open(path(name)));
            all.push_back(must(own.consumer("g")));
        }
        return all;
    }
    [[nodiscard]] std::string path_of(std::size_t index) const { return path(std::string(1, "abc"[index])); }

    std::vector<Stream> streams_;
};

}  // namespace shmq::test
