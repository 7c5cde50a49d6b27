// The segment that every input of a fuzzer begins with: it has some of everything, and is put back before each input.
//
// `Image` is a segment file seen as bytes, through a mapping of its own that no library looks at. `Sample` is a stream
// with entries of several kinds and groups of each kind, in them entries that are delivered, wait for retry, are
// delayed, dead and parked; and beside it the stream that its dead letters go to.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "fuzz/input.hpp"
#include "layout/segment.hpp"
#include "support/small_stream.hpp"

namespace shmq::fuzz {

using test::must;

class Image {
public:
    explicit Image(std::string path) : path_(std::move(path)) {
        const int file = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        size_ = file < 0 ? 0 : static_cast<std::size_t>(::lseek(file, 0, SEEK_END));
        void* const mapped = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (file < 0 || mapped == MAP_FAILED) {
            std::perror(path_.c_str());
            std::abort();
        }
        ::close(file);
        bytes_ = static_cast<std::byte*>(mapped);
        sound_.assign(bytes_, bytes_ + size_);
        geometry_ = must(check_header(bytes_, size_));
    }
    Image(const Image&) = delete;
    Image& operator=(const Image&) = delete;
    ~Image() {
        ::munmap(bytes_, size_);
        static_cast<void>(::unlink(path_.c_str()));
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const Geometry& geometry() const { return geometry_; }
    [[nodiscard]] std::byte* bytes() const { return bytes_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] const std::vector<std::byte>& sound() const { return sound_; }
    void restore() { std::memcpy(bytes_, sound_.data(), size_); }

    /// Changes one word, aligned or not.
    void set(std::size_t at, std::uint64_t value) {
        std::memcpy(bytes_ + std::min(at, size_ - sizeof value), &value, sizeof value);
    }
    [[nodiscard]] std::uint64_t word(std::size_t at) const {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes_ + std::min(at, size_ - sizeof value), sizeof value);
        return value;
    }

    /// Where a change is made: in a row of one of the tables, so that small tables are met as often as large ones.
    [[nodiscard]] std::size_t place(Input& input) const {
        const std::size_t kind = input.up_to(area_kinds);
        if (kind == area_kinds) return 8 * input.up_to(sizeof(Header) / 8 - 1);
        const Area& area = geometry_.areas[kind];
        if (area.count == 0) return entry_place(input);
        const std::uint64_t row = input.up_to(area.count - 1);
        const std::uint64_t words = std::max<std::uint64_t>(area.stride / 8, 1);
        return area.offset + row * area.stride + 8 * input.up_to(words - 1);
    }
    /// One change of one word: a bit, a small step, another's value, all or nothing, or any value.
    void change(Input& input) {
        const std::size_t at = place(input);
        switch (input.up_to(4)) {
            case 0: return set(at, word(at) ^ std::uint64_t{1} << input.up_to(63));
            case 1: return set(at, word(at) + input.up_to(255));
            case 2: return set(at, word(place(input)));
            case 3: return set(at, input.coin() ? ~std::uint64_t{0} : 0);
            case 4: return set(at, input.word());
        }
    }

private:
    /// A word of the header of an entry that a slot names.
    [[nodiscard]] std::size_t entry_place(Input& input) const {
        const Area& slots = geometry_.area(AreaKind::slots);
        const std::uint64_t slot = word(slots.offset + 8 * input.up_to(slots.count - 1));
        const std::uint64_t entry = (slot & geometry_.place_mask) << geometry_.unit_bits;
        return geometry_.area(AreaKind::payload).offset + entry + 8 * input.up_to(sizeof(EntryHeader) / 8 - 1);
    }

    std::string path_;
    std::size_t size_ = 0;
    std::byte* bytes_ = nullptr;
    std::vector<std::byte> sound_;
    Geometry geometry_;
};

/// Makes the checksum of a header right, whatever else stands in it.
inline void seal(std::byte* header) {
    constexpr std::size_t place = offsetof(Header, checksum);
    std::memset(header + place, 0, 8);
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
    for (std::size_t at = 0; at < sizeof(Header); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, header + at, sizeof word);
        hash = (hash ^ word) * 0x100'0000'01b3;
    }
    std::memcpy(header + place, &hash, sizeof hash);
}

inline constexpr std::array group_names{"plain", "keyed", "strict", "lossy", "limited"};

inline StreamOptions sample_options() {
    StreamOptions options = test::small_options();
    options.groups = 6;
    options.consumers = 3;
    options.producer_names = 4;
    options.parking = 4;
    return options;
}

inline AddOptions keyed(std::string_view key) {
    AddOptions options;
    options.key = bytes_of(key);
    return options;
}

/// Makes the groups of a sample, each kind once. What dies in "limited" goes to the stream `letters`.
inline void make_groups(Stream& stream, const std::string& letters) {
    must(stream.create_group("plain", Position::oldest(), {.histograms = true}));
    must(stream.create_group("keyed", Position::oldest(), {.order = Order::by_key}));
    must(stream.create_group("strict", Position::oldest(), {.order = Order::strict}));
    must(stream.create_group("lossy", Position::oldest(), {.retention = Retention::lossy}));
    must(stream.create_group("limited", Position::oldest(), {.delivery_limit = 1, .dead_letter = letters}));
}

/// A consumer of each group that leaves with entries in its hands.
inline void stick(const std::string& path) {
    Stream stream = must(Stream::open(path));
    for (const char* group : group_names) {
        Consumer consumer = must(stream.consumer(group, "one"));
        Batch batch = must(consumer.read({.max_entries = 3}));
        must(batch.ack(batch[0].sequence()));
    }
}

/// Fills the stream at `path`, and the one for its dead letters at `letters`.
inline void fill_sample(const std::string& path, const std::string& letters) {
    static_cast<void>(Stream::remove(path));
    static_cast<void>(Stream::remove(letters));
    StreamOptions small = sample_options();
    small.groups = 1;
    small.histograms = false;
    must(Stream::create(letters, small));
    Stream stream = must(Stream::create(path, sample_options()));
    make_groups(stream, letters);
    Producer named = must(stream.producer("feed"));
    for (int i = 0; i < 8; ++i) {
        must(named.add("entry " + std::to_string(i), keyed(i % 2 == 0 ? "even" : "odd")));
        if (i % 2 == 0)
            must(stream.add(std::string(static_cast<std::size_t>(i) * 150, 'x')));
        else
            must(stream.add_fields({{"name", "value"}, {"n", std::to_string(i)}}));
        if (i == 3) stick(path);
    }
    Consumer failing = must(stream.consumer("limited"));
    Batch batch = must(failing.read({.max_entries = 2}));
    must(batch.nack());
    Consumer delayer = must(stream.consumer("plain", "delayer"));
    batch = must(delayer.read({.max_entries = 2}));
    must(batch.nack(batch[0].sequence(), std::chrono::hours(1)));
}

class Sample {
public:
    Sample() : Sample("/dev/shm/shmq-fuzz." + std::to_string(::getpid())) {}
    /// Streams at `path` and beside it, taken away in the end.
    explicit Sample(const std::string& path)
        : stream((fill_sample(path, path + ".letters"), path)), letters(path + ".letters") {}

    void restore() {
        stream.restore();
        letters.restore();
    }

    Image stream;
    Image letters;
};

}  // namespace shmq::fuzz
