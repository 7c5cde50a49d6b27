// A segment in a real file, and processes that attach to it with real locks and die.
#pragma once

#include "group/grouping.hpp"
#include "os/map.hpp"
#include "os/scratch.hpp"
#include "recovery/attach.hpp"
#include "recovery/scan.hpp"

namespace shmq::test {

using os::test::Child;

/// One process's way into a segment file: mapped, not yet attached.
class Opened {
public:
    explicit Opened(const std::string& path) {
        file_ = os::open_segment(path, true).value();
        probe_ = os::reopen(file_, path, false).value();
        lock_ = os::reopen(file_, path, true).value();
        mapping_ = os::Mapping::map(file_, os::file_size(file_).value(), true).value();
        segment_ = Segment(mapping_.data(), check_header(mapping_.data(), mapping_.size()).value());
    }
    [[nodiscard]] const Segment& segment() const { return segment_; }
    [[nodiscard]] const os::Descriptor& probe() const { return probe_; }
    [[nodiscard]] os::Descriptor& lock() { return lock_; }
    Result<AttachmentId> attach_here() { return attach(segment_, lock_, probe_, os::this_process()); }

private:
    os::Descriptor file_, probe_, lock_;
    os::Mapping mapping_;
    Segment segment_;
};

/// As Opened, attached; detaches in the end.
class Attached : public Opened {
public:
    explicit Attached(const std::string& path) : Opened(path), handle(segment(), attach_here().value()) {}
    Attached(const Attached&) = delete;
    Attached& operator=(const Attached&) = delete;
    ~Attached() { detach(segment(), handle.id); }
    RecoveryReport scan_now(std::uint64_t now_ms = 5'000) { return scan(segment(), handle.visits, probe(), now_ms); }
    RecoveryReport scan_now(std::uint64_t now_ms, std::uint64_t& most_entries) {
        return scan(segment(), handle.visits, probe(), now_ms, most_entries);
    }
    Handle handle;
};

/// A new segment file in a folder of its own.
class FileForge {
public:
    explicit FileForge(const StreamOptions& options = tiny_options()) : path_(scratch_.path("segment")) {
        const Geometry geometry = planned(options);
        auto file = os::make_unnamed(path_, geometry.segment_size, 0600);
        auto mapping = os::Mapping::map(file.value(), geometry.segment_size, true);
        initialise(mapping.value().data(), geometry, {1, 2, 3}, 4);
        EXPECT_TRUE(os::give_name(*file, path_));
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    os::test::Scratch scratch_;
    std::string path_;
};

/// Waits in a child until it is killed.
[[noreturn]] inline void wait_to_be_killed() {
    Child::report();
    for (;;) ::pause();
}

}  // namespace shmq::test
