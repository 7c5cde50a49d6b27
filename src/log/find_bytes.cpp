// Goes back from the end of the log until the bytes are used up.
#include "log/find_bytes.hpp"

#include "log/publish.hpp"

namespace shmq {

Copied find_newest_bytes(const Segment& segment, std::uint64_t bytes, Sequence& found) noexcept {
    found = find_end(segment);
    for (Sequence begin = find_begin(segment); found > begin; --found) {
        EntryFields header;
        const Copied copied = copy_header(segment, found - 1, header);
        if (copied == Copied::gone) break;                            // trimmed meanwhile, and all before it
        if (copied != Copied::done) return --found, Copied::corrupt;  // it was seen published
        const std::uint64_t room = segment.geometry().room_for(header.size, header.key_size);
        if (room > bytes) break;
        bytes -= room;
    }
    return Copied::done;
}

}  // namespace shmq
