// Batches of groups that are not required: the trim point does not wait for what they hold, so entries are copied out
// (COPY), and what was overwritten before is told (LOSS, group/losses.hpp).
#include "api/consumer_core.hpp"
#include "group/group_options.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

Entry entry_of(const Taken& taken, const EntryFields& header, const std::byte* bytes) noexcept {
    const std::uint64_t distance = round_up(header.key_size, key_alignment);
    return Entry(taken.sequence, {bytes + distance, header.size}, header.key_size, static_cast<std::uint16_t>(distance),
                 header.time_ns, taken.deliveries, taken.taken_over, header.is_fields());
}

/// What was claimed, or held, can't be delivered any more: says so in the record, so that whoever looks for losses
/// finds it, should we die before we told it.
Finish give_up(const Segment& segment, std::uint32_t group, const Taken& taken) noexcept {
    std::uint64_t seen = taken.record;
    if (segment.record(group, taken.sequence)
            .compare_exchange(seen, with_state(taken.record, PendingState::retry), memory_order_seq_cst,
                              memory_order_acquire))
        return Finish::done;
    return refused(taken.record, seen);
}

}  // namespace

/// What the last read told was told, and what it was given was delivered.
void ConsumerCore::settle_told() noexcept {
    const Segment& segment = stream_->segment();
    raise_to(segment.group(row()).cursor, told_below_, memory_order_relaxed);  // relaxed: a hint
    const auto told = given_up_.begin() + static_cast<std::ptrdiff_t>(std::exchange(told_given_up_, 0));
    for (auto taken = given_up_.begin(); taken != told; ++taken) {
        std::uint64_t seen = with_state(taken->record, PendingState::retry);
        // It is finished; dying before leaves it to be told again. relaxed: nothing else is said by it.
        segment.record(row(), taken->sequence)
            .compare_exchange(seen, with_state(taken->record, PendingState::acked), memory_order_relaxed,
                              memory_order_relaxed);
    }
    given_up_.erase(given_up_.begin(), told);
}

void ConsumerCore::begin_copies(BatchCore& batch, std::size_t most) {
    batch.lost.clear();
    settle_told();
    // Each entry that it holds or is about to claim may be lost, and each claim may take the record of one.
    owed_.reserve(owed_.size() + count_held() + 2 * most);
    given_up_.reserve(given_up_.size() + count_held() + most);
    untold_ = find_losses(stream_->segment(), row(), losses_);
    member_.told_below = untold_.from;
    member_.claims_at = untold_.until;
    // Nothing was lost: said at once, also if there is nothing to read, so that nobody looks there again.
    if (losses_.empty() && untold_.from < untold_.until) shmq::tell_losses(stream_->segment(), row(), untold_, losses_);
}

bool ConsumerCore::end_copies(BatchCore& batch, Taking& taking, Error& error) {
    const Segment& segment = stream_->segment();
    if (batch.copies.size() < taking.count) batch.copies.resize(batch.taken.size());
    const bool active = member_.is_active();  // seq_cst, after the claims (DROP)
    std::size_t kept = 0;
    for (std::size_t i = 0; i < taking.count; ++i) {
        const Taken taken = taking.room[i];
        EntryFields header;
        const Copied copied =
            active ? copy_entry(segment, taken.sequence, batch.copies[kept], header) : Copied::corrupt;
        if (copied == Copied::done) {
            batch.entries[kept] = entry_of(taken, header, batch.copies[kept].room(0));
            batch.taken[kept++] = taken;
        } else if (copied == Copied::gone) {
            give_up(segment, row(), taken);
            owe(taken);
        } else {
            if (active) error = damage(taken);
            return give_up_copies(batch, kept, taking, i);
        }
    }
    batch.count = batch.held = kept;
    if (kept == 0) return false;
    tell_losses(batch);
    return true;
}

/// The group is gone, or an entry is damaged: gives back what was taken, and answers that there is nothing.
bool ConsumerCore::give_up_copies(BatchCore& batch, std::size_t kept, const Taking& taking, std::size_t from) noexcept {
    for (; from < taking.count; ++from) batch.taken[kept++] = taking.room[from];
    batch.count = batch.held = kept;
    batch.open = true;
    batch.consumer = this;
    close_batch(batch);
    return false;
}

/// The batch is whole: the losses go with it, unless others told them meanwhile. The exchange that says so is the last
/// word of a read, so that dying before it leaves them to others.
void ConsumerCore::tell_losses(BatchCore& batch) {
    const Segment& segment = stream_->segment();
    Word& count = segment.group(row()).lost;
    batch.lost.reserve(owed_.size() + losses_.size());
    const auto gather = [&] {
        batch.lost.assign(owed_.begin(), owed_.end());
        batch.lost.insert(batch.lost.end(), losses_.begin(), losses_.end());
        merge_lost(batch.lost);
        return count_lost(batch.lost);
    };
    const std::uint64_t counted = gather();
    // relaxed: a number for people. Before the exchange: dying in between counts them twice.
    if (counted != 0) count.fetch_add(counted, memory_order_relaxed);
    told_below_ = member_.next;
    const std::size_t ranges = losses_.size();
    const Sequence first = ranges == 0 ? 0 : losses_[0].first;
    shmq::tell_losses(segment, row(), untold_, losses_);
    if (losses_.size() != ranges || (ranges != 0 && losses_[0].first != first))
        count.fetch_add(gather() - counted, memory_order_relaxed);  // goes round: others counted theirs
    owed_.clear();                                                  // it keeps its room
    told_given_up_ = given_up_.size();
}

Finish ConsumerCore::give_copy_back(const Taken& taken, Ending ending, std::uint64_t now_ms,
                                    std::optional<std::uint32_t> delay_ms) noexcept {
    const Segment& segment = stream_->segment();
    const Finish finish = find_begin(segment) > taken.sequence
                              ? give_up(segment, row(), taken)
                              : give_back(segment, row(), taken.sequence, taken.record, ending, now_ms, delay_ms);
    // seq_cst: after the exchange. If the trim point passed the entry before this look, it is known to be lost; if it
    // passes it after, who looks for losses then sees the record (LOSS).
    if (segment.control().trim_point.load(memory_order_seq_cst) <= taken.sequence) return finish;
    if (finish != Finish::done && !is_overtaken(segment, row(), taken.sequence)) return finish;  // ended by others
    owe(taken);
    return ending == Ending::failed ? Finish::lapped : Finish::done;
}

/// An entry that was ours is lost. Both lists have had room since it was claimed.
void ConsumerCore::owe(const Taken& taken) noexcept {
    append_lost(owed_, taken.sequence, taken.sequence);
    given_up_.push_back(taken);
}

std::size_t ConsumerCore::count_held() const noexcept {
    std::size_t held = 0;
    for (const auto& batch : batches_) held += batch->open ? batch->held : 0;
    return held;
}

std::size_t ConsumerCore::room_in_flight(std::size_t wanted) const noexcept {
    if (in_flight_ == 0) return wanted;
    const std::size_t held = std::min<std::size_t>(count_held(), in_flight_);
    return std::min(wanted, in_flight_ - held);
}

Error ConsumerCore::in_flight_error() const noexcept {
    const std::size_t held = count_held();
    return text_error(Code::too_many_in_flight, held,
                      "the consumer holds %zu entries, as many as group %s allows; ack or give back some", held,
                      group_.c_str());
}

}  // namespace shmq::detail
