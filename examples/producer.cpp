// Three ways to add: a copy of some bytes, a batch of byte strings, and a loan that is filled in place.
//
//     producer STREAM COUNT
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <shmq/shmq.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// One at a time, each with a key; waits up to a second for room, then answers `full` and who holds the room.
shmq::Result<shmq::Sequence> add_one(shmq::Stream& stream, std::uint64_t number) {
    return stream.add("job " + std::to_string(number), {.key = shmq::bytes_of("jobs"), .wait = 1s});
}

/// A batch costs less for each entry. `count` tells how many found room.
shmq::Result<shmq::AddedBatch> add_many(shmq::Stream& stream, std::uint64_t first, std::uint64_t count) {
    std::vector<std::string> texts;
    std::vector<shmq::Bytes> payloads;
    for (std::uint64_t number = first; number < first + count; ++number)
        texts.push_back("job " + std::to_string(number));
    for (const std::string& text : texts) payloads.push_back(shmq::bytes_of(text));
    return stream.add(payloads, {.wait = 1s});
}

/// No copy: the bytes are written where the consumer will read them, and what was not used is given back. A loan that
/// is dropped leaves no trace.
shmq::Result<shmq::Sequence> add_in_place(shmq::Stream& stream, std::uint64_t number) {
    constexpr std::size_t most = 64;  // bytes
    auto loan = stream.loan(most, {.wait = 1s});
    if (!loan) return loan.error();
    const int used = std::snprintf(reinterpret_cast<char*>(loan->bytes().data()), most, "job %" PRIu64, number);
    return loan->commit(static_cast<std::size_t>(used));
}

int fail(const shmq::Error& error) {
    std::cerr << error.message() << '\n';
    return 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::uint64_t count = 0;
    if (argument_count == 3) {
        const std::string_view digits = arguments[2];
        std::from_chars(digits.data(), digits.data() + digits.size(), count);
    }
    if (count == 0) return std::cerr << "usage: producer STREAM COUNT\n", 64;
    auto stream = shmq::Stream::open_or_create(arguments[1]);
    if (!stream) return fail(stream.error());
    for (std::uint64_t number = 0; number < count; ++number) {
        if (const auto added = add_one(*stream, number); !added) return fail(added.error());
    }
    const auto batch = add_many(*stream, count, count);
    if (!batch) return fail(batch.error());
    std::cout << batch->count << " entries in one batch, " << batch->first << " to " << batch->last << '\n';
    const auto measured = add_in_place(*stream, count);
    if (!measured) return fail(measured.error());
    std::cout << "the last entry is " << *measured << '\n';
    return 0;
}
