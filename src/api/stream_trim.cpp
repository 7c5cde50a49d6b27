// What a Stream gives up when it is told to: by sequence, by time, by count, by bytes.
#include "api/reader_core.hpp"
#include "group/closing.hpp"
#include "log/find_bytes.hpp"
#include "log/publish.hpp"
#include "log/trim.hpp"

namespace shmq {

Result<TrimReport> Stream::trim_before(Sequence sequence) {
    if (!core_) return Code::closed;
    if (auto fine = core_->writable(); !fine) return fine.error();
    const Segment& segment = core_->segment();
    const Sequence end = find_end(segment);
    if (sequence > end)
        return text_error(Code::out_of_range, sequence, "sequence %llu was not added yet; the next one is %llu",
                          static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(end));
    finish_closings(segment, core_->visits());  // what is gone holds nothing
    const Sequence before = find_begin(segment);
    const Lifted lifted = lift_trim(segment, sequence);
    TrimReport report;
    report.first = lifted.trim;
    report.trimmed = lifted.trim > before ? lifted.trim - before : 0;
    if (lifted.trim < sequence && lifted.blocked.known) {
        report.held_by = std::string(row_name(segment.group(lifted.blocked.group).name).view());
        report.held_at = lifted.blocked.sequence;
    }
    room_came(segment);
    if (report.trimmed != 0) core_->changed(Did::trimmed, {}, {}, report.first, report.trimmed);
    return report;
}

Result<TrimReport> Stream::trim_before(Position position) {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    if (position.kind() == Position::Kind::sequence) return trim_before(position.sequence());
    const auto first = detail::ReaderCore::start(*core_, position);
    if (!first) return first.error();
    return trim_before(*first);
}

Result<TrimReport> Stream::trim_keep(std::uint64_t count) {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    const Sequence end = find_end(core_->segment());
    return trim_before(count < end ? end - count : find_begin(core_->segment()));
}

Result<TrimReport> Stream::trim_keep_bytes(std::uint64_t bytes) {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    Sequence first = 0;
    const Segment& segment = core_->segment();
    if (find_newest_bytes(segment, bytes, first) != Copied::done)
        return text_error(Code::corrupt, first,
                          "entry %llu, slot at byte %llu of the segment, is damaged; trim by sequence or by count",
                          static_cast<unsigned long long>(first),
                          static_cast<unsigned long long>(segment.offset_of(&segment.slot(first))));
    return trim_before(first);
}

}  // namespace shmq
