// Joining, claiming, finding entries, and every read that is unusual; the usual one is in quick_read.cpp, and batches
// are in batch_core.cpp.
#include "api/consumer_core.hpp"

#include "group/closing.hpp"
#include "group/dead_move.hpp"
#include "group/directory.hpp"
#include "group/group_options.hpp"
#include "group/membership.hpp"
#include "group/order.hpp"
#include "group/retry_index.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

constexpr std::size_t ready_batches = 2;
constexpr unsigned copy_turns = 16;
constexpr std::uint64_t records_per_slice = 16'384;  // a waiting reader has the time to look at more

std::uint64_t to_ms(Duration d) noexcept {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(d).count(), 0));
}

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<StreamCore> stream, std::string_view group, std::string_view name)
    : stream_(std::move(stream)), group_(group), name_(name) {
    batches_.reserve(16);
    for (std::size_t i = 0; i < ready_batches; ++i) batches_.push_back(std::make_unique<BatchCore>(ready_entries));
}

Result<std::unique_ptr<ConsumerCore>> ConsumerCore::join(std::shared_ptr<StreamCore> stream, std::string_view group,
                                                         std::string_view name) {
    auto core = std::make_unique<ConsumerCore>(std::move(stream), group, name);
    if (auto entered = core->enter(); !entered) return entered.error();
    return core;
}

ConsumerCore::~ConsumerCore() {
    close();
    for (auto& batch : batches_)
        if (batch->open) {
            batch->consumer = nullptr;  // the Batch that outlives us frees it
            static_cast<void>(batch.release());
        }
}

/// Joins the group as it is now, first proving the death of a former owner of the name.
Result<void> ConsumerCore::enter() {
    const Segment& segment = stream_->segment();
    std::optional<GroupId> group;
    for (;;) {  // again only if it was dropped or moved before we were inside
        group = find_group(segment, stream_->visits(), group_);
        if (!group) return no_group_error(*stream_, group_);
        stream_->visits().enter(group->row);
        if (is_active(segment, *group)) break;
        stream_->visits().leave(group->row);
    }
    NameTaken taken{};
    auto joined = join_group(segment, stream_->id(), group->row, name_, taken);
    // Each turn scans once; somebody else may come back under the name in between, and is then alive.
    for (int turn = 0; !joined && turn < 4; ++turn) {
        const Code code = joined.error().code();
        const bool may_be_dead =
            code == Code::too_many_consumers || (code == Code::busy && stream_->owner_of(taken.owner) != Owner::alive);
        if (!may_be_dead) break;
        stream_->scan_now();
        joined = join_group(segment, stream_->id(), group->row, name_, taken);
    }
    if (!joined) {
        stream_->visits().leave(group->row);
        if (joined.error().code() != Code::busy) return joined.error();
        const std::uint32_t owner_row = std::min(taken.owner.row, stream_->geometry().attachments - 1);
        const std::uint32_t pid = segment.attachment(owner_row).pid.load(memory_order_relaxed);  // for people
        return text_error(Code::busy, pid,
                          "consumer %s of group %s belongs to the living process %u; end it or choose another name",
                          name_.c_str(), group_.c_str(), pid);
    }
    member_ = Member(segment, *group, joined->consumer, joined->came_back);
    latency_.start(member_);
    copies_ = member_.copies;
    in_flight_ = std::min(segment.group(row()).in_flight, most_in_flight);
    careful_ = copies_ || in_flight_ != 0 || member_.order != Order::none;
    owed_.clear();  // of the group as it was before
    given_up_.clear();
    told_given_up_ = 0;
    told_below_ = 0;
    joined_ = true;
    stream_->note(Did::joined, row(), member_.consumer);
    return {};
}

void ConsumerCore::leave() noexcept {
    if (!joined_) return;
    joined_ = false;
    stream_->note(Did::left, row(), member_.consumer);
    if (member_.order == Order::strict) give_turn_back(member_);
    latency_.stop();  // the row may be another's from here on
    leave_group(stream_->segment(), stream_->id(), row(), member_.consumer);
    stream_->visits().leave(row());
}

void ConsumerCore::close() noexcept {
    if (closed_) return;
    poll_.reset();
    if (stream_->usable() == Code::ok) {
        for (auto& batch : batches_)
            if (batch->open) {
                close_batch(*batch);
                batch->open = true;  // its Batch still points here; it is empty now
            }
        leave();
    }
    closed_ = true;
}

/// After the group was dropped or moved: joins its new row, if there is one and no batch of the old one is open.
Result<void> ConsumerCore::rejoin_if_moved() {
    if (joined_ && member_.is_active()) [[likely]]
        return {};
    const bool finished = finish_closing_of(stream_->segment(), stream_->visits(), group_);
    for (const auto& batch : batches_)
        if (batch->open && batch->held != 0)
            return text_error(Code::no_group, 0,
                              "group %s was dropped or moved; close the open batches before the next read",
                              group_.c_str());
    if (!finished) return Code::empty;  // dropped or moved, which waits for a pin cell
    leave();
    return enter();
}

[[gnu::noinline]] BatchCore* ConsumerCore::find_ready_batch() noexcept {
    const auto ready = std::find_if(batches_.begin(), batches_.end(), [](const auto& batch) { return !batch->open; });
    return ready == batches_.end() ? nullptr : ready->get();
}

BatchCore& ConsumerCore::free_batch(std::size_t capacity) {
    if (BatchCore* const ready = find_ready_batch()) {
        ready->reserve(capacity);
        return *ready;
    }
    return *batches_.emplace_back(std::make_unique<BatchCore>(std::max(capacity, ready_entries)));
}

/// Fills a batch by `gather` and checks what was claimed. False if there was nothing, or an error is set.
template <class Gather>
bool ConsumerCore::fill(BatchCore& batch, std::size_t most, std::size_t max_bytes, Error& error, Gather gather) {
    Taking taking{std::span<Taken>(batch.taken.data(), most), 0, max_bytes, 0, stream_->now_ms()};
    if (copies_) {
        // Again where all that was taken was overwritten before it was copied; bounded, since producers may outrun us.
        taking.lost = &owed_;
        for (unsigned turn = 0; turn < copy_turns; ++turn, taking.count = taking.bytes = 0) {
            begin_copies(batch, most);
            gather(taking);
            if (taking.count != 0 && end_copies(batch, taking, error)) {
                count_delivered(batch, taking.now_ms);
                return true;
            }
            if (error == Code::corrupt || !member_.is_active()) return false;
            if (taking.count == 0 && find_begin(stream_->segment()) <= member_.claims_at) return false;
        }
        return false;
    }
    gather(taking);
    if (taking.count == 0) return false;
    check_claims(member_, taking);
    batch.count = batch.held = taking.count;
    if (taking.count == 0 || !show_all(batch, error)) return false;
    count_delivered(batch, taking.now_ms);
    return true;
}

[[gnu::noinline]] BatchCore* ConsumerCore::take_batch(const ReadOptions& options, BatchCore& batch,
                                                      std::size_t claimed) noexcept {
    Error error;  // of damage, which read_slowly meets again and says
    const bool found = fill(batch, options.max_entries, options.max_bytes, error, [&](Taking& taking) {
        taking.count = claimed;
        if (claimed == 0) take_new(member_, taking);
    });
    if (!found) return nullptr;
    batch.consumer = this;
    batch.open = true;
    return &batch;
}

Error ConsumerCore::damage(const Taken& taken) const noexcept {
    const Segment& segment = stream_->segment();
    return text_error(Code::corrupt, taken.sequence,
                      "entry %llu at byte %llu of the segment is damaged; `shmq ack %s %s %llu` skips it",
                      static_cast<unsigned long long>(taken.sequence),
                      static_cast<unsigned long long>(segment.offset_of(segment.payload()) +
                                                      (taken.place << stream_->geometry().unit_bits)),
                      stream_->name().c_str(), group_.c_str(), static_cast<unsigned long long>(taken.sequence));
}

/// Shows the whole batch. Damaged bytes: everything is given back and the error has the place.
bool ConsumerCore::show_all(BatchCore& batch, Error& error) noexcept {
    for (std::size_t i = 0; i < batch.count; ++i) {
        const Taken& taken = batch.taken[i];
        if (show(taken, batch.entries[i])) [[likely]]
            continue;
        error = damage(taken);
        batch.open = true;
        batch.consumer = this;
        close_batch(batch);
        return false;
    }
    return true;
}

Result<Batch> ConsumerCore::read_slowly(const ReadOptions& options) {
    if (const Code code = usable(); code != Code::ok) return code;
    if (options.max_entries == 0 || options.max_entries > most_entries)
        return option_error("max_entries", options.max_entries, 1, most_entries);
    BatchCore& batch = free_batch(options.max_entries);
    const bool claims = options.claim_idle != forever;
    const std::uint64_t idle_ms = claims ? to_ms(options.claim_idle) : 0;
    Error error;
    const auto look = [&] {
        if (auto joined = rejoin_if_moved(); !joined) {
            error = joined.error();
            return error.code() != Code::empty;
        }
        if (dead_waits(stream_->segment(), row())) [[unlikely]]
            move_dead_letters();
        const std::size_t most = room_in_flight(options.max_entries);
        if (most == 0) {
            error = in_flight_error();
            return true;
        }
        const bool found = fill(batch, most, options.max_bytes, error, [&](Taking& taking) {
            if (claims && !take_stale(member_, taking, idle_ms)) error = Error(Code::too_many_pins);
            if (taking.count != 0) stream_->note(Did::took_over, row(), taking.count, taking.room[0].sequence);
            if (member_.order == Order::strict) {
                if (taking.count != 0)
                    seize_turn(member_);  // from a holder that was idle so long
                else if (!has_turn(member_))
                    return;
            }
            if (!taking.is_full()) take_retry(member_, taking);
            if (taking.count > 1)  // stale and retried ones, in sequence order
                std::sort(taking.room.begin(), taking.room.begin() + static_cast<std::ptrdiff_t>(taking.count),
                          [](const Taken& a, const Taken& b) { return a.sequence < b.sequence; });
            // Behind what it held under its name before comes what others left, with the next read, and then new ones.
            const bool others_wait = member_.own_first && member_.any_retry();
            if (!taking.is_full() && !others_wait) take_new(member_, taking);
        });
        if (found) error = Error();
        return found || error.code() == Code::corrupt;
    };
    if (careful_ && joined_ && ++reads_ % reads_per_sweep == 0) sweep_some();
    error = Error(Code::empty);
    if (look()) [[likely]] {
        if (error.code() != Code::ok) return error;
    } else {
        if (options.wait > Duration{0}) stream_->note_again(Did::waits_to_read, row(), member_.next);
        // A careful one has not spun before it came here.
        const bool spun =
            careful_ && options.wait > Duration{0} && spin_until(std::min(options.wait, stream_->spin()), look);
        const Waited waited = spun ? Waited::done : stream_->wait_without_spin(row(), options.wait, options.stop, [&] {
            sweep_slice();
            return look();
        });
        if (waited == Waited::stopped) return Code::stopped;
        if (waited == Waited::removed) return Code::removed;
        if (waited == Waited::timeout || error.code() != Code::ok)
            return error.code() == Code::ok ? Error(Code::empty) : error;
    }
    batch.consumer = this;
    batch.open = true;
    return Batch(&batch);
}

void ConsumerCore::sweep_slice() noexcept {
    if (joined_) sweep(member_, records_per_slice, stream_->now_ms());
}

Result<Batch> ConsumerCore::claim(const ClaimOptions& options) {
    if (const Code code = usable(); code != Code::ok) return code;
    if (options.max_entries == 0 || options.max_entries > most_entries)
        return option_error("max_entries", options.max_entries, 1, most_entries);
    if (auto joined = rejoin_if_moved(); !joined) return joined.error();
    BatchCore& batch = free_batch(options.max_entries);
    Error error(Code::empty);
    const std::size_t most = room_in_flight(options.max_entries);
    if (most == 0) return in_flight_error();
    member_.next_stale_ms = 0;  // asked for: look at every one
    const bool found = fill(batch, most, ~std::size_t{0}, error, [&](Taking& taking) {
        if (!take_stale(member_, taking, to_ms(options.idle))) error = Error(Code::too_many_pins);
        if (taking.count != 0) stream_->note(Did::took_over, row(), taking.count, taking.room[0].sequence);
        if (member_.order == Order::strict && taking.count != 0) seize_turn(member_);
    });
    if (!found) return error;
    batch.consumer = this;
    batch.open = true;
    return Batch(&batch);
}

Taken* ConsumerCore::find(Sequence sequence, BatchCore** in) noexcept {
    // The newest batch that has it: after a claim from itself an entry stands in two of them.
    Taken* found = nullptr;
    for (auto& batch : batches_) {
        if (!batch->open) continue;
        for (std::size_t i = 0; i < batch->count; ++i) {
            Taken& taken = batch->taken[i];
            if (taken.sequence != sequence) continue;
            if (found != nullptr && (found->record >= taken.record)) continue;
            found = &taken;
            *in = batch.get();
        }
    }
    return found;
}

Result<void> ConsumerCore::ack(Sequence sequence) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    BatchCore* batch = nullptr;
    if (find(sequence, &batch) == nullptr) return Error(Code::not_pending, sequence);
    return ack_one(*batch, sequence);
}

Result<void> ConsumerCore::nack(Sequence sequence, std::optional<Duration> delay) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    BatchCore* batch = nullptr;
    if (find(sequence, &batch) == nullptr) return Error(Code::not_pending, sequence);
    return nack_one(*batch, sequence, delay);
}

Result<void> ConsumerCore::extend(Sequence sequence) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    BatchCore* batch = nullptr;
    if (find(sequence, &batch) == nullptr) return Error(Code::not_pending, sequence);
    return extend_one(*batch, sequence);
}

}  // namespace shmq::detail
