// Adding: reserve room, fill it, publish it, and wait while there is none. Also the public Producer and Loan.
#include "api/producer_core.hpp"

#include <cstring>

#include "base/field_bytes.hpp"
#include "group/closing.hpp"
#include "group/parking.hpp"
#include "log/producer_row.hpp"

namespace shmq::detail {

namespace {

constexpr std::uint64_t prefetch_entries = 4;  // how far ahead of the one being written
constexpr std::uint64_t full_scan_ms = 10;  // a producer that keeps finding no room looks for the dead so often at most

void prefetch_first_lines(const std::byte* entry) noexcept {
    prefetch_for_writing(entry);
    prefetch_for_writing(entry + cache_line);
}

std::uint8_t flags_of(const AddOptions& options) noexcept { return options.fields ? flag_fields : std::uint8_t{0}; }

/// What is said to be fields must be fields, so that a reader may take other bytes for damage.
Result<void> check_fields(Bytes payload, bool are_fields) noexcept {
    if (!are_fields) [[likely]]
        return {};
    const auto fields = Fields::parse(payload);
    if (fields) return {};
    return text_error(Code::bad_option, fields.error().number(),
                      "%zu bytes were to be added as fields and are none: see byte %llu; Fields::encode makes them",
                      payload.size(), static_cast<unsigned long long>(fields.error().number()));
}

}  // namespace

ProducerCore::ProducerCore(std::shared_ptr<StreamCore> stream)
    : stream_(std::move(stream)), publisher_(stream_->segment()), chunks_(stream_->segment(), stream_->id()) {}

ProducerCore::~ProducerCore() {
    close();
    for (auto& loan : loans_)
        if (loan->open) {
            loan->producer = nullptr;  // the Loan that outlives us frees it
            static_cast<void>(loan.release());
        }
}

void ProducerCore::close() noexcept {
    if (closed_) return;
    closed_ = true;
    quick_most_ = 0;
    if (stream_->usable() != Code::ok) return;  // a forked child owns nothing
    chunks_.close();
    if (has_row_) give_back_producer_row(stream_->segment(), stream_->id(), row_);
    if (named_) give_back_name(stream_->segment(), stream_->id(), named_->row());
    room_came(stream_->segment());
}

Result<void> ProducerCore::check(std::size_t size, const AddOptions& options) {
    if (const Code code = stream_->usable(); code != Code::ok) return code;
    if (closed_) return Code::closed;
    const Geometry& g = stream_->geometry();
    if (is_removed(stream_->segment())) [[unlikely]]
        return Code::removed;
    if (size > g.max_entry)
        return text_error(Code::too_large, size, "an entry of %zu bytes is larger than the stream's largest, %llu",
                          size, static_cast<unsigned long long>(g.max_entry));
    if (options.key.size() > max_key)
        return text_error(Code::too_large, options.key.size(), "a key of %zu bytes is longer than %zu",
                          options.key.size(), max_key);
    if (!options.key.empty() && g.room_for(size, options.key.size()) > g.longest_run * g.chunk_size)
        return text_error(Code::too_large, size,
                          "an entry of %zu bytes and its key of %zu do not fit %llu bytes together", size,
                          options.key.size(), static_cast<unsigned long long>(g.longest_run * g.chunk_size));
    if (has_row_) [[likely]]
        return {};
    auto row = take_producer_row(stream_->segment(), stream_->id());
    if (!row) {
        stream_->scan_now();
        row = take_producer_row(stream_->segment(), stream_->id());
    }
    if (!row)
        return text_error(Code::too_many_producers, g.producers,
                          "the stream allows %u producers at a time and has them; close some, or "
                          "create it with more",
                          g.producers);
    row_ = *row;
    origin_ = (named_ ? named_->row() : row_) + 1;
    has_row_ = true;
    if (!named_) quick_most_ = std::min<std::uint64_t>(g.max_entry, g.chunk_size - sizeof(EntryHeader));
    return {};
}

Result<Room> ProducerCore::reserve(std::size_t size, std::size_t key_size) {
    return chunks_.reserve(stream_->geometry().room_for(size, key_size));
}

inline std::byte* ProducerCore::write_header(const Room& room, std::size_t size, Bytes key, std::uint8_t flags,
                                             std::uint64_t number) noexcept {
    const Geometry& g = stream_->geometry();
    std::byte* to = stream_->segment().payload() + room.offset;
    // The chunk is ours and filled upwards, so its next lines can be asked for while this entry is on its way. They are
    // asked for once more when their turn comes: a reader's processor, which fetches what follows the entry it reads,
    // may have taken them back. Longer entries are left to the processor, which sees their stride. A prefetch past the
    // chunk's end does nothing.
    prefetch_first_lines(to);
    prefetch_first_lines(to + prefetch_entries * room.size);
    std::uint64_t time = 0;
    if (g.time == TimeStamps::coarse) time = os::realtime_coarse_ns();
    if (g.time == TimeStamps::precise) time = os::realtime_ns();
    write_entry_header(to, static_cast<std::uint32_t>(size), static_cast<std::uint16_t>(key.size()), flags, origin_,
                       number, time);
    to += sizeof(EntryHeader);
    if (!key.empty()) std::memcpy(to, key.data(), key.size());
    return to + round_up(key.size(), key_alignment);
}

Result<Sequence> ProducerCore::publish(const Room& room, std::uint64_t number) {
    const Segment& segment = stream_->segment();
    if (named_) named_->begin(number, publisher_.first_possible());
    auto sequence = publisher_.publish(room.offset >> segment.geometry().unit_bits);
    if (!sequence) {
        if (named_) named_->failed();
        return sequence;
    }
    if (named_) named_->done(*sequence);
    chunks_.settle(room, *sequence);
    entries_came(segment, data_sleepers, 1);
    return sequence;
}

template <class Fill>
Result<Sequence> ProducerCore::add_one(std::size_t size, std::uint8_t flags, Bytes key, std::uint64_t number,
                                       Fill fill) {
    const auto room = reserve(size, key.size());
    if (!room) return room.error();
    fill(write_header(*room, size, key, flags, number));
    auto sequence = publish(*room, number);
    if (!sequence) chunks_.drop(*room);
    return sequence;
}

/// While the answer is `full`: parks an entry that is stuck and tries again. Whether it is something else now. Each
/// turn parks one; bounded, should cells come free and others always be faster.
template <class Answer, class Try>
bool ProducerCore::try_parking(Answer& answer, Try attempt) {
    const Segment& segment = stream_->segment();
    // Stuck is what the trim point stands at from one look to the next. While it moves there will be room without, and
    // looking at records that a group is about to take would only slow it down.
    const Sequence trim = find_begin(segment);
    if (std::exchange(stood_at_, trim) != trim) return false;
    for (std::uint32_t turn = 0; turn <= 2 * stream_->geometry().parking; ++turn) {
        if (!park_for_room(segment, stream_->visits())) return false;
        stream_->note(Did::parked, std::nullopt, trim);
        answer = attempt();
        if (answer || answer.error().code() != Code::full) return true;
    }
    return false;
}

/// Tries again while the answer is `full` and the wait lasts; somebody dead may hold the room, so each slice of the
/// wait scans.
template <class Try>
auto ProducerCore::retry_while_full(const AddOptions& options, Try attempt) -> decltype(attempt()) {
    auto answer = attempt();
    if (answer || answer.error().code() != Code::full) [[likely]]
        return answer;
    if (try_parking(answer, attempt)) return answer;
    stream_->note_again(Did::found_full, std::nullopt, find_begin(stream_->segment()));
    finish_closings(stream_->segment(), stream_->visits());  // a group that is gone may still hold the room
    stream_->scan_if_due(full_scan_ms);
    const Waited waited = stream_->wait(room_bit, options.wait, options.stop, [&] {
        answer = attempt();
        return answer.has_value() || answer.error().code() != Code::full || try_parking(answer, attempt);
    });
    if (waited == Waited::stopped) return Code::stopped;
    if (waited == Waited::removed) return Code::removed;
    return answer;
}

/// Adds an entry of `size` bytes, which `fill` writes; checked and retried.
template <class Fill>
Result<Sequence> ProducerCore::add_filled(std::size_t size, std::uint8_t flags, const AddOptions& options, Fill fill) {
    if (auto fine = check(size, options); !fine) [[unlikely]]
        return fine.error();
    if (auto known = check_number(options.number); !known || *known != 0) return known;
    const std::uint64_t number = next_number(options.number);
    return retry_while_full(options, [&] { return add_one(size, flags, options.key, number, fill); });
}

Sequence ProducerCore::add_quickly(Bytes payload, const AddOptions& options) noexcept {
    const Segment& segment = stream_->segment();
    if (payload.size() > quick_most_ || quick_most_ == 0 || options.fields) return 0;
    if ((options.key.size() | options.number) != 0) return 0;
    if (stream_->usable() != Code::ok || is_removed(segment)) return 0;
    Room room;
    if (!chunks_.reserve_in_current(segment.geometry().room_for(payload.size(), 0), room)) return 0;
    publisher_.prefetch_next();
    std::byte* const to = write_header(room, payload.size(), {}, 0, 0);
    if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
    const std::uint64_t place = room.offset >> segment.geometry().unit_bits;
    Sequence sequence = publisher_.publish_at_hint(place);
    if (sequence == 0) [[unlikely]] {
        const auto published = publisher_.publish(place);
        if (!published) return chunks_.drop(room), 0;  // add_slowly finds the same, and can wait
        sequence = *published;
    }
    chunks_.settle(room, sequence);
    entries_came(segment, data_sleepers, 1);
    return sequence;
}

Result<Sequence> ProducerCore::add_slowly(Bytes payload, const AddOptions& options) {
    if (auto fine = check_fields(payload, options.fields); !fine) return fine.error();
    return add_filled(payload.size(), flags_of(options), options, [&](std::byte* to) {
        if (!payload.empty()) std::memcpy(to, payload.data(), payload.size());
    });
}

Result<Sequence> ProducerCore::add_fields(std::span<const Field> fields, const AddOptions& options) {
    const auto size = Fields::encoded_size(fields);
    if (!size) return size.error();
    return add_filled(*size, flag_fields, options, [&](std::byte* to) { write_fields(fields, to); });
}

Result<AddedBatch> ProducerCore::add(std::span<const Bytes> payloads, const AddOptions& options) {
    AddedBatch added;
    AddOptions each = options;
    for (std::size_t i = 0; i < payloads.size(); ++i) {
        if (options.number != 0) each.number = options.number + i;
        if (each.number != 0 && each.number <= last_add().number) {  // the batch is tried again
            ++added.skipped;
            continue;
        }
        const auto sequence = add(payloads[i], each);
        if (!sequence) {
            if (added.count == 0) return sequence.error();
            break;
        }
        if (added.count++ == 0) added.first = *sequence;
        added.last = *sequence;
    }
    return added;
}

Result<Loan> ProducerCore::loan(std::size_t size, const AddOptions& options) {
    if (auto fine = check(size, options); !fine) return fine.error();
    const auto room = retry_while_full(options, [&] { return reserve(size, options.key.size()); });
    if (!room) return room.error();
    auto free = std::find_if(loans_.begin(), loans_.end(), [](const auto& loan) { return !loan->open; });
    if (free == loans_.end()) free = loans_.insert(free, std::make_unique<LoanCore>());
    LoanCore& loan = **free;
    loan.producer = this;
    loan.room = *room;
    loan.fields = options.fields;
    loan.payload = write_header(*room, size, options.key, flags_of(options), 0);
    loan.size = size;
    loan.key_size = static_cast<std::uint16_t>(options.key.size());
    loan.wait = options.wait;
    loan.stop = options.stop;
    loan.number = options.number;
    loan.open = true;
    return Loan(&loan);
}

Result<Sequence> ProducerCore::commit(LoanCore& loan, std::size_t used) {
    if (const Code code = stream_->usable(); code != Code::ok) return code;
    if (closed_) return Code::closed;
    if (is_removed(stream_->segment())) return Code::removed;
    if (used > loan.size) return text_error(Code::too_large, used, "%zu bytes used of a loan of %zu", used, loan.size);
    if (auto fine = check_fields({loan.payload, used}, loan.fields); !fine) return fine.error();
    if (auto known = check_number(loan.number); !known || *known != 0) {
        if (known) drop(loan);  // added before
        return known;
    }
    const std::uint64_t number = next_number(loan.number);
    const auto written = static_cast<std::uint32_t>(used);
    std::byte* const header = stream_->segment().payload() + loan.room.offset;
    std::memcpy(header + offsetof(EntryHeader, size), &written, sizeof written);
    std::memcpy(header + offsetof(EntryHeader, number), &number, sizeof number);
    AddOptions options;
    options.wait = loan.wait;
    options.stop = loan.stop;
    auto sequence = retry_while_full(options, [&] { return publish(loan.room, number); });
    if (sequence) loan.open = false;
    return sequence;
}

void ProducerCore::drop(LoanCore& loan) noexcept {
    loan.open = false;
    if (!closed_ && stream_->usable() == Code::ok) chunks_.drop(loan.room);
}

}  // namespace shmq::detail

namespace shmq {

Loan::Loan(Loan&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
Loan& Loan::operator=(Loan&& other) noexcept {
    std::swap(core_, other.core_);
    return *this;
}
Loan::~Loan() {
    if (core_ == nullptr) return;
    if (core_->producer == nullptr)
        delete core_;
    else
        core_->producer->drop(*core_);
}
std::span<std::byte> Loan::bytes() const noexcept {
    return core_ == nullptr ? std::span<std::byte>{} : std::span<std::byte>{core_->payload, core_->size};
}
Result<Sequence> Loan::commit(std::size_t used) {
    if (core_ == nullptr || core_->producer == nullptr) return Code::closed;
    auto sequence = core_->producer->commit(*core_, used);
    if (sequence) core_ = nullptr;
    return sequence;
}

Producer::Producer() noexcept = default;
Producer::Producer(Producer&&) noexcept = default;
Producer& Producer::operator=(Producer&&) noexcept = default;
Producer::~Producer() = default;
Producer::Producer(std::unique_ptr<detail::ProducerCore> core) noexcept : core_(std::move(core)) {}
Result<Sequence> Producer::add(Bytes payload, const AddOptions& options) {
    return core_ ? core_->add(payload, options) : Result<Sequence>(Code::closed);
}
Result<Sequence> Producer::add_fields(std::span<const Field> fields, const AddOptions& options) {
    return core_ ? core_->add_fields(fields, options) : Result<Sequence>(Code::closed);
}
Result<AddedBatch> Producer::add(std::span<const Bytes> payloads, const AddOptions& options) {
    return core_ ? core_->add(payloads, options) : Result<AddedBatch>(Code::closed);
}
Result<Loan> Producer::loan(std::size_t size, const AddOptions& options) {
    return core_ ? core_->loan(size, options) : Result<Loan>(Code::closed);
}
std::string_view Producer::name() const noexcept {
    return core_ ? std::string_view(core_->name()) : std::string_view{};
}
std::uint64_t Producer::last_number() const noexcept { return core_ ? core_->last_add().number : 0; }
Sequence Producer::last_sequence() const noexcept { return core_ ? core_->last_add().sequence : 0; }
void Producer::close() noexcept {
    if (core_) core_->close();
}

}  // namespace shmq
