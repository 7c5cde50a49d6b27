// The runs of a FinishedSet, and their bytes:
//
//   offset size
//        0    8 magic and version
//        8    8 floor
//       16  16n runs: first, last
//     -  8    8 checksum of everything before; the count of runs follows from the size
//
// Numbers are little-endian, written byte by byte.
#include "shmq/finished.hpp"

#include <algorithm>

namespace shmq {

namespace {

constexpr std::uint64_t magic_number = 0x3146'716d'6873'0d89;  // 89 0d 's' 'h' 'm' 'q' 'F' '1'
constexpr std::size_t fixed_size = 24;
constexpr std::size_t run_size = 16;

void put(std::vector<std::byte>& to, std::uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8) to.push_back(static_cast<std::byte>(value >> shift & 0xff));
}

std::uint64_t number_at(Bytes bytes, std::size_t offset) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << 8 * i;
    return value;
}

std::uint64_t checksum_of(Bytes bytes) noexcept {
    std::uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a
    for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100'0000'01b3;
    return hash;
}

/// The first run that ends at `sequence` or later.
template <class Runs>
auto first_reaching(Runs& runs, Sequence sequence) noexcept {
    return std::partition_point(runs.begin(), runs.end(),
                                [&](const FinishedSet::Run& run) { return run.last < sequence; });
}

Error no_set(std::size_t at) noexcept { return Error(Code::corrupt, at); }

}  // namespace

bool FinishedSet::contains(Sequence sequence) const noexcept {
    if (sequence < floor_) return true;
    const auto run = first_reaching(runs_, sequence);
    return run != runs_.end() && run->first <= sequence;
}

bool FinishedSet::insert(Sequence sequence) {
    if (sequence == ~Sequence{0} || contains(sequence)) return false;
    if (sequence == floor_) {
        raise_floor(sequence + 1);
        return true;
    }
    const auto after = first_reaching(runs_, sequence);
    const bool joins_after = after != runs_.end() && after->first == sequence + 1;
    const bool joins_before = after != runs_.begin() && std::prev(after)->last + 1 == sequence;
    if (joins_before && joins_after) {
        std::prev(after)->last = after->last;
        runs_.erase(after);
    } else if (joins_before) {
        std::prev(after)->last = sequence;
    } else if (joins_after) {
        after->first = sequence;
    } else {
        runs_.insert(after, Run{sequence, sequence});
    }
    return true;
}

void FinishedSet::raise_floor(Sequence floor) noexcept {
    floor_ = std::max(floor_, floor);
    auto run = runs_.begin();
    // Runs below the floor are within it; one that holds it, or touches it, lifts it further.
    for (; run != runs_.end() && run->first <= floor_; ++run) floor_ = std::max(floor_, run->last + 1);
    runs_.erase(runs_.begin(), run);
}

std::vector<std::byte> FinishedSet::encode() const {
    std::vector<std::byte> bytes;
    bytes.reserve(fixed_size + run_size * runs_.size());
    put(bytes, magic_number);
    put(bytes, floor_);
    for (const Run& run : runs_) {
        put(bytes, run.first);
        put(bytes, run.last);
    }
    put(bytes, checksum_of(bytes));
    return bytes;
}

Result<FinishedSet> FinishedSet::parse(Bytes bytes) {
    if (bytes.size() < fixed_size || (bytes.size() - fixed_size) % run_size != 0) return no_set(bytes.size());
    if (number_at(bytes, 0) != magic_number) return no_set(0);
    const std::size_t checked = bytes.size() - 8;
    if (number_at(bytes, checked) != checksum_of(bytes.first(checked))) return no_set(checked);
    FinishedSet set;
    set.floor_ = number_at(bytes, 8);
    if (set.floor_ == 0) return no_set(8);
    Sequence touched = set.floor_;  // no run may hold it, nor begin below
    set.runs_.reserve((checked - 16) / run_size);
    for (std::size_t at = 16; at < checked; at += run_size) {
        const Run run{number_at(bytes, at), number_at(bytes, at + 8)};
        if (run.first <= touched || run.last < run.first || run.last == ~Sequence{0}) return no_set(at);
        touched = run.last + 1;
        set.runs_.push_back(run);
    }
    return set;
}

}  // namespace shmq
