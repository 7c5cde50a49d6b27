// What most tests of the public contract begin with: a small stream in a folder of its own, and short words for common
// steps.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shmq/shmq.hpp"
#include "support/child.hpp"
#include "support/folder.hpp"
#include "support/payload.hpp"
#include "support/small_stream.hpp"

namespace shmq::test {

using namespace std::chrono_literals;

/// `small_options` with more of everything, for entries of up to a few hundred bytes.
[[nodiscard]] inline StreamOptions medium_options(std::uint64_t slots = 1024) {
    StreamOptions options = small_options();
    options.slots = slots;
    options.payload = slots * 256;
    options.chunks = 64;
    options.max_entry = 0;
    options.producers = 16;
    options.consumers = 16;
    options.attachments = 32;
    return options;
}

/// The code of a Result; `ok` if it has a value.
template <class T>
[[nodiscard]] Code code_of(const Result<T>& result) {
    return result ? Code::ok : result.error().code();
}

[[nodiscard]] inline std::vector<Sequence> sequences_of(std::span<const Entry> entries) {
    std::vector<Sequence> sequences;
    for (const Entry& entry : entries) sequences.push_back(entry.sequence());
    return sequences;
}
[[nodiscard]] inline std::vector<std::string> texts_of(std::span<const Entry> entries) {
    std::vector<std::string> texts;
    for (const Entry& entry : entries) texts.emplace_back(entry.text());
    return texts;
}
/// first, first + 1, ... last.
[[nodiscard]] inline std::vector<Sequence> from_to(Sequence first, Sequence last) {
    std::vector<Sequence> sequences;
    for (Sequence s = first; s <= last; ++s) sequences.push_back(s);
    return sequences;
}
[[nodiscard]] inline bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

[[nodiscard]] inline ReadOptions reading(std::size_t max_entries, Duration wait = Duration{0}) {
    ReadOptions options;
    options.max_entries = max_entries;
    options.wait = wait;
    return options;
}
[[nodiscard]] inline AddOptions waiting(Duration wait) {
    AddOptions options;
    options.wait = wait;
    return options;
}

class StreamTest : public ::testing::Test {
protected:
    [[nodiscard]] std::string path(const std::string& name = "s") const { return folder_ / name; }
    [[nodiscard]] Stream create(const StreamOptions& options = small_options()) const {
        return must(Stream::create(path(), options));
    }
    [[nodiscard]] Stream open() const { return must(Stream::open(path())); }
    /// A stream with the group "g" at its beginning.
    [[nodiscard]] Stream create_with_group(const StreamOptions& options = small_options()) const {
        Stream stream = create(options);
        must(stream.create_group("g"));
        return stream;
    }
    /// A process that reads as consumer "victim" of "g" and keeps what it was given until it is killed or sent to its
    /// end. It holds by the time this returns.
    [[nodiscard]] Child start_holder() const {
        Child child([&](Link& link) {
            Stream own = must(Stream::open(path()));
            Consumer consumer = must(own.consumer("g", "victim"));
            const Batch batch = must(consumer.read());
            link.send();
            static_cast<void>(link.receive());
            return 0;
        });
        EXPECT_TRUE(child.receive());
        return child;
    }
    /// Adds `count` numbered entries; the sequence of the last.
    static Sequence add(Stream& stream, std::uint64_t count, std::uint64_t first_number = 1) {
        Sequence last = 0;
        for (std::uint64_t i = 0; i < count; ++i) last = must(stream.add(payload_of(first_number + i)));
        return last;
    }

    Folder folder_;
};

}  // namespace shmq::test
