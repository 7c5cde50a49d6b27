// Reading without a group, by copies that are checked after the fact. Also the public Reader.
#include "api/reader_core.hpp"

#include "log/find_time.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

Entry make_entry(Sequence sequence, const EntryFields& header, const std::byte* bytes) noexcept {
    const std::uint64_t distance = round_up(header.key_size, key_alignment);
    return Entry(sequence, {bytes + distance, header.size}, header.key_size, static_cast<std::uint16_t>(distance),
                 header.time_ns, 0, false, header.is_fields());
}

Error damaged(const Segment& segment, Sequence sequence) noexcept {
    const Word& slot = segment.slot(sequence);
    return text_error(Code::corrupt, sequence, "entry %llu, slot at byte %llu of the segment, is damaged",
                      static_cast<unsigned long long>(sequence),
                      static_cast<unsigned long long>(segment.offset_of(&slot)));
}

/// Looks a time up by one of the two searches.
Result<Sequence> find_time(const StreamCore& stream, Position position, decltype(find_from_time) search) {
    if (stream.geometry().time == TimeStamps::off)
        return text_error(Code::bad_option, position.time_ns(),
                          "stream %s keeps no time stamps: say a sequence, or create it with time stamps",
                          stream.name().c_str());
    Sequence found = 0;
    if (search(stream.segment(), position.time_ns(), found) == Copied::corrupt) return damaged(stream.segment(), found);
    return found;
}

}  // namespace

std::byte* CopyBuffer::room(std::size_t size) {
    size = std::max<std::size_t>(size, 1);  // an empty entry has an address too
    if (capacity_ < size) {
        capacity_ = std::max(size, 2 * capacity_);
        bytes_.reset(new std::byte[capacity_]);
    }
    return bytes_.get();
}

std::unique_ptr<std::byte[]> CopyBuffer::take() noexcept {
    capacity_ = 0;
    return std::move(bytes_);
}

Error ReaderCore::damage() const noexcept { return damaged(stream_->segment(), position_); }

Copied ReaderCore::look(Entry& entry, CopyBuffer& buffer) {
    const Segment& segment = stream_->segment();
    for (;;) {  // each turn but the last moves the position up to a trim point that others moved
        if (at_end()) return Copied::gone;
        EntryFields header;
        const Copied copied = copy_entry(segment, position_, buffer, header);
        if (copied == Copied::gone) {
            const Sequence begin = std::min(find_begin(segment), end_);
            lapped_ += begin - position_;
            position_ = begin;
            continue;
        }
        if (copied == Copied::done) entry = make_entry(position_, header, buffer.room(0));
        return copied;
    }
}

Result<Entry> ReaderCore::next(Duration wait, const std::stop_token& stop) {
    if (const Code code = stream_->usable(); code != Code::ok) return code;
    Entry entry;
    Copied copied = Copied::not_yet;
    const Waited waited = stream_->wait(reader_bit, wait, stop, [&] {
        copied = look(entry, buffer_);
        return copied != Copied::not_yet;
    });
    if (waited == Waited::stopped) return Code::stopped;
    if (waited == Waited::removed) return Code::removed;
    if (waited == Waited::timeout || copied == Copied::gone) return Code::empty;
    if (copied == Copied::corrupt) return damage();
    accept();
    return entry;
}

Result<Sequence> ReaderCore::start(const StreamCore& stream, Position from) {
    const Segment& segment = stream.segment();
    if (from.kind() == Position::Kind::oldest) return find_begin(segment);
    if (from.kind() == Position::Kind::time) return find_time(stream, from, find_from_time);
    const Sequence end = find_end(segment);
    if (from.kind() == Position::Kind::newest) return end;
    if (from.sequence() == 0 || from.sequence() > end)
        return text_error(Code::out_of_range, from.sequence(), "sequence %llu was not added yet; the next one is %llu",
                          static_cast<unsigned long long>(from.sequence()), static_cast<unsigned long long>(end));
    return from.sequence();
}

Result<Sequence> ReaderCore::finish(const StreamCore& stream, Position to) {
    const Segment& segment = stream.segment();
    if (to.kind() == Position::Kind::time) return find_time(stream, to, find_after_time);
    const Sequence end = find_end(segment);
    if (to.kind() == Position::Kind::newest) return end;
    const Sequence last = to.kind() == Position::Kind::oldest ? find_begin(segment) : to.sequence();
    return last < end ? last + 1 : end;
}

Result<Copies> ReaderCore::range(const StreamCore& stream, Position from, Position to, std::size_t max_entries,
                                 bool descending) {
    if (const Code code = stream.usable(); code != Code::ok) return code;
    const auto first = from.kind() == Position::Kind::sequence ? from.sequence() : start(stream, from);
    if (!first) return first.error();
    const auto end = finish(stream, to);
    if (!end) return end.error();
    if (*end <= *first) return Copies();
    return range(stream, *first, *end - 1, max_entries, descending);
}

Result<Copies> ReaderCore::range(const StreamCore& stream, Sequence first, Sequence last, std::size_t max_entries,
                                 bool descending) {
    if (const Code code = stream.usable(); code != Code::ok) return code;
    const Segment& segment = stream.segment();
    first = std::max(first, find_begin(segment));
    const Sequence end = find_end(segment);
    Copies copies;
    if (end <= first) return copies;
    last = std::min(last, end - 1);
    CopyBuffer buffer;
    for (std::uint64_t i = 0; first <= last && i <= last - first && copies.entries_.size() < max_entries; ++i) {
        const Sequence sequence = descending ? last - i : first + i;
        EntryFields header;
        const Copied copied = copy_entry(segment, sequence, buffer, header);
        if (copied == Copied::corrupt) return damaged(segment, sequence);
        if (copied != Copied::done) {
            if (descending) break;  // all below are gone too
            continue;
        }
        copies.blocks_.push_back(buffer.take());
        copies.entries_.push_back(make_entry(sequence, header, copies.blocks_.back().get()));
    }
    return copies;
}

}  // namespace shmq::detail

namespace shmq {

Reader::Reader() noexcept = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;
Reader::Reader(std::unique_ptr<detail::ReaderCore> core) noexcept : core_(std::move(core)) {}
Result<Entry> Reader::next(Duration wait, std::stop_token stop) {
    if (!core_) return Code::closed;
    auto entry = core_->next(wait, stop);
    if (!entry && core_->polled() && entry.error() == Code::empty) entry = core_->arm_after_empty();
    return entry;
}
std::uint64_t Reader::lapped() const noexcept { return core_ ? core_->lapped() : 0; }
Sequence Reader::position() const noexcept { return core_ ? core_->position() : 0; }
Sequence Reader::end() const noexcept { return core_ ? core_->end() : 0; }

}  // namespace shmq
