// A segment in anonymous shared memory with a small geometry, and bytes forged into it as a dead, slow or hostile
// process would have left them. Shared with child processes of fork(). Used by the tests of all rooms from here up.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "layout/segment.hpp"

namespace shmq::test {

/// Eight slots, eight chunks of 512 bytes, three groups of four consumers.
inline StreamOptions tiny_options() {
    StreamOptions options;
    options.slots = 8;
    options.payload = 4096;
    options.chunks = 8;
    options.producers = 2;
    options.groups = 3;
    options.consumers = 4;
    options.attachments = 8;
    return options;
}

/// As many slots as asked for, and as much payload as fills them with entries of 64 bytes and less.
inline StreamOptions options_with_slots(std::uint64_t slots) {
    StreamOptions options = tiny_options();
    options.slots = slots;
    options.payload = std::max<std::uint64_t>(slots * 256, 4096);
    options.chunks = 16;
    options.producers = 4;
    options.max_entry = 128;
    return options;
}

/// A geometry that is expected to be legal.
inline Geometry planned(const StreamOptions& options) {
    const auto geometry = plan(options);
    if (!geometry) {
        ADD_FAILURE() << geometry.error().message();
        return *plan(StreamOptions{});
    }
    return *geometry;
}

/// An initialised segment. A page that can't be touched stands on either side, so that reading outside is a crash.
class Forge {
public:
    static constexpr std::uint64_t device = 7, inode = 8, created_ns = 10, boot = 9;

    explicit Forge(const StreamOptions& options = tiny_options()) : geometry_(planned(options)) {
        const std::size_t size = round_up(geometry_.segment_size, page);
        void* const all =
            ::mmap(nullptr, size + 2 * page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) {
            ADD_FAILURE() << "mmap of " << size;
            return;
        }
        bytes_ = static_cast<std::byte*>(all) + page;
        EXPECT_EQ(::mprotect(bytes_, size, PROT_READ | PROT_WRITE), 0);
        initialise(bytes_, geometry_, {device, inode, created_ns}, boot);
        segment_ = Segment(bytes_, geometry_);
    }
    Forge(const Forge&) = delete;
    Forge& operator=(const Forge&) = delete;
    ~Forge() {
        if (bytes_ != nullptr) ::munmap(bytes_ - page, round_up(geometry_.segment_size, page) + 2 * page);
    }

    [[nodiscard]] const Segment& segment() const { return segment_; }
    [[nodiscard]] const Geometry& geometry() const { return geometry_; }
    [[nodiscard]] Control& control() const { return segment_.control(); }
    [[nodiscard]] std::byte* bytes() const { return bytes_; }

    /// Writes an entry's header and payload at a place of the payload area, as a producer would before it publishes.
    void write_entry(std::uint64_t place, std::string_view payload) const {
        std::byte* const to = segment_.payload() + (place << geometry_.unit_bits);
        EntryHeader header{};
        header.size = static_cast<std::uint32_t>(payload.size());
        header.kind = kind_data;
        std::memcpy(to, &header, sizeof header);
        std::memcpy(to + sizeof header, payload.data(), payload.size());
    }
    void write_header(std::uint64_t place, const EntryHeader& header) const {
        std::memcpy(segment_.payload() + (place << geometry_.unit_bits), &header, sizeof header);
    }

private:
    const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));  // 64 KiB on some
    Geometry geometry_;
    std::byte* bytes_ = nullptr;
    Segment segment_;
};

/// An attachment that never attached: a name for rows that somebody owns.
inline AttachmentId somebody(std::uint32_t row = 1, std::uint64_t incarnation = 3) { return {row, incarnation}; }

}  // namespace shmq::test
