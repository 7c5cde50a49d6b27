// Reading without pinning: copy the bytes, then look whether the trim point passed the entry meanwhile (synchronisation
// COPY).
#pragma once

#include "layout/segment.hpp"

#ifdef SHMQ_THREAD_SANITIZER
extern "C" {
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}
#endif

namespace shmq {

/// What `read` answers. It reads bytes that a producer may be overwriting, which a look at the trim point or the record
/// behind it, or the record's exchange, finds out (COPY). ThreadSanitizer cannot know that, and is told to look away
/// from these reads and no others.
template <class Read>
auto read_unpinned(Read read) noexcept(noexcept(read())) {
#ifdef SHMQ_THREAD_SANITIZER
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    auto result = read();
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    return result;
#else
    return read();
#endif
}

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
