// Reading without pinning: copy the bytes, then look whether the trim point passed the entry meanwhile (synchronisation
// COPY).
#pragma once

#include "layout/segment.hpp"

namespace shmq {

enum class Copied : std::uint8_t {
    done,
    not_yet,  // not published
    gone,     // below the trim point, before or during the copy
    corrupt   // published and kept, but what stands there is no entry
};

/// Where a copy goes: asked once for its size, which is header-checked; the bytes are key (padded) and payload.
class CopyTarget {
public:
    virtual std::byte* room(std::size_t size) = 0;

protected:
    ~CopyTarget() = default;
};

/// Copies key and payload of an entry to `target` and its header to `header`.
Copied copy_entry(const Segment& segment, Sequence sequence, CopyTarget& target, EntryFields& header);
/// Copies what stands at a place. False if no entry can stand there. It is worth something only if the caller then
/// finds that the entry was not finished meanwhile.
bool copy_entry_at(const Segment& segment, std::uint64_t place, CopyTarget& target, EntryFields& header);
/// Copies the header alone.
Copied copy_header(const Segment& segment, Sequence sequence, EntryFields& header) noexcept;

}  // namespace shmq
