// What a batch does with its entries, and the public classes of include/shmq/consumer.hpp (Consumer::read is in
// quick_read.cpp).
#include "api/consumer_core.hpp"
#include "group/group_options.hpp"
#include "group/order.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

Taken* find_in(BatchCore& batch, Sequence sequence) noexcept {
    const auto end = batch.taken.begin() + static_cast<std::ptrdiff_t>(batch.count);
    const auto found =
        std::find_if(batch.taken.begin(), end, [&](const Taken& taken) { return taken.sequence == sequence; });
    return found == end ? nullptr : &*found;
}

Result<void> answer(Finish finish, Sequence sequence) noexcept {
    if (finish == Finish::done) return {};
    if (finish == Finish::too_early) return Error(Code::out_of_order, sequence);
    if (finish == Finish::lapped) return Error(Code::trimmed, sequence);
    return Error(finish == Finish::fenced ? Code::fenced : Code::not_pending, sequence);
}

/// The delay of a nack in ms, checked; nullopt if the group's back-off decides.
Result<std::optional<std::uint32_t>> checked(std::optional<Duration> delay) noexcept {
    if (!delay) return std::optional<std::uint32_t>();
    const auto ms = delay_ms_of("delay (ms)", *delay);
    if (!ms) return ms.error();
    return std::optional<std::uint32_t>(*ms);
}

}  // namespace

Result<void> ConsumerCore::finished(BatchCore& batch, Taken& taken, Finish finish) noexcept {
    taken.record = 0;
    --batch.held;
    if (finish == Finish::done && !member_.is_active()) [[unlikely]]
        finish = Finish::fenced;
    if (finish == Finish::fenced) [[unlikely]]
        stream_->note(Did::was_fenced, row(), taken.sequence);
    return answer(finish, taken.sequence);
}

/// Of a group that keeps an order or hands out copies.
[[gnu::noinline]] Finish ConsumerCore::finish_carefully(const Taken& taken) noexcept {
    const Segment& segment = stream_->segment();
    if (member_.order != Order::none) return finish_in_order(member_, taken.sequence, taken.record);
    const Finish finish = finish_entry(segment, row(), taken.sequence, taken.record);
    const bool nothing_left = finish != Finish::done && copies_ && is_overtaken(segment, row(), taken.sequence);
    return nothing_left ? Finish::done : finish;
}

inline Finish ConsumerCore::finish_one(const Taken& taken) noexcept {
    if (careful_) [[unlikely]]
        return finish_carefully(taken);
    return finish_entry(stream_->segment(), row(), taken.sequence, taken.record);
}

inline void ConsumerCore::after_acks(const BatchCore& batch, std::size_t count) noexcept {
    after_finishing(member_.segment, row());
    if (count != 0 && member_.order != Order::none) [[unlikely]]
        finished_in_order(member_.segment, row(), static_cast<unsigned>(count));
    count_acked(batch, count);
}

Result<void> ConsumerCore::ack_all(BatchCore& batch) noexcept {
    if (usable() != Code::ok || careful_ || batch.held != batch.count || batch.count == 0) [[unlikely]]
        return ack_rest(batch, 0);
    const std::size_t ended = finish_in_ring(batch);
    if (ended != batch.count || !member_.is_active()) [[unlikely]]
        return ack_rest(batch, ended);
    batch.held = 0;
    lift_floor(batch);
    after_acks(batch, ended);
    return {};
}

/// All of a batch was acked. Relaxed: a hint, moved on only over that, and when the batch begins where it stands.
inline void ConsumerCore::lift_floor(const BatchCore& batch) noexcept {
    Word& floor = member_.row->floor;
    const Sequence first = batch.taken[0].sequence;
    const Sequence last = batch.taken[batch.count - 1].sequence;
    if (last - first == batch.count - 1 && floor.load(memory_order_relaxed) == first)
        floor.store(last + 1, memory_order_relaxed);
}

/// Of a batch that is whole: how many of it, from the first on, were finished where they were delivered.
inline std::size_t ConsumerCore::finish_in_ring(BatchCore& batch) noexcept {
    Taken* const taken = batch.taken.data();
    const std::size_t count = batch.count;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t held = taken[i].record;
        if (!finish_at(member_.record(taken[i].sequence), held)) [[unlikely]]
            return i;
        taken[i].record = 0;
    }
    return count;
}

/// The same for whatever else there may be; the first `ended` of the batch are finished.
[[gnu::noinline]] Result<void> ConsumerCore::ack_rest(BatchCore& batch, std::size_t ended) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    const bool whole = batch.count != 0 && batch.held == batch.count;  // none of it was nacked or handed on before
    Sequence first_held = ended != 0 ? batch.taken[0].sequence : 0;
    Sequence first_refused = 0;
    Finish why = Finish::done;
    std::size_t acked = ended;
    for (std::size_t i = ended; i < batch.count; ++i) {
        Taken& taken = batch.taken[i];
        if (taken.record == 0) continue;
        if (first_held == 0) first_held = taken.sequence;
        const Finish finish = finish_one(taken);
        if (finish == Finish::done)
            ++acked;
        else if (first_refused == 0) {
            first_refused = taken.sequence;
            why = finish;
        }
        if (finish == Finish::too_early) continue;  // stays held
        taken.record = 0;
        ++ended;
    }
    batch.held -= ended;
    if (first_held != 0 && !member_.is_active()) [[unlikely]]
        return Error(Code::fenced, first_held);
    if (whole && first_refused == 0) lift_floor(batch);
    after_acks(batch, acked);
    if (why == Finish::fenced) [[unlikely]]
        stream_->note(Did::was_fenced, row(), first_refused);
    return answer(why, first_refused);
}

Result<void> ConsumerCore::ack_one(BatchCore& batch, Sequence sequence) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    Taken* taken = find_in(batch, sequence);
    if (taken == nullptr || taken->record == 0) return Error(Code::not_pending, sequence);
    const Finish finish = finish_one(*taken);
    if (finish == Finish::too_early) return answer(finish, sequence);
    after_acks(batch, finish == Finish::done ? 1 : 0);
    return finished(batch, *taken, finish);
}

Finish ConsumerCore::give_back_one(const Taken& taken, Ending ending, std::uint64_t now_ms,
                                   std::optional<std::uint32_t> delay_ms) noexcept {
    if (copies_) return give_copy_back(taken, ending, now_ms, delay_ms);
    return give_back_in_order(member_, taken.sequence, taken.record, ending, now_ms, delay_ms);
}

Result<void> ConsumerCore::nack_one(BatchCore& batch, Sequence sequence, std::optional<Duration> delay) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    const auto delay_ms = checked(delay);
    if (!delay_ms) return delay_ms.error();
    Taken* taken = find_in(batch, sequence);
    if (taken == nullptr || taken->record == 0) return Error(Code::not_pending, sequence);
    const Finish finish = give_back_one(*taken, Ending::failed, stream_->now_ms(), *delay_ms);
    entries_came(stream_->segment(), sleeper_mask(row()), 1);
    stream_->note(Did::gave_back, row(), sequence, 1);
    return finished(batch, *taken, finish);
}

Result<void> ConsumerCore::extend_one(BatchCore& batch, Sequence sequence) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    Taken* taken = find_in(batch, sequence);
    if (taken == nullptr || taken->record == 0) return Error(Code::not_pending, sequence);
    if (copies_ && find_begin(stream_->segment()) > sequence) return {};  // nobody can be given it any more
    const Finish held = extend_entry(stream_->segment(), row(), sequence, taken->record, stream_->now_ms());
    if (held != Finish::done) return finished(batch, *taken, held);
    if (!member_.is_active()) return finished(batch, *taken, Finish::fenced);
    return {};
}

bool ConsumerCore::holds(BatchCore& batch, Sequence sequence) const noexcept {
    const Taken* taken = usable() == Code::ok ? find_in(batch, sequence) : nullptr;
    return taken != nullptr && taken->record != 0 && member_.is_active() &&
           look_at_delivery(stream_->segment(), row(), sequence, taken->record) == Finish::done;
}

Result<void> ConsumerCore::nack_all(BatchCore& batch, std::optional<Duration> delay) noexcept {
    const auto delay_ms = checked(delay);
    if (!delay_ms) return delay_ms.error();
    return give_back_all(batch, Ending::failed, *delay_ms);
}

Result<void> ConsumerCore::give_back_all(BatchCore& batch, Ending ending,
                                         std::optional<std::uint32_t> delay_ms) noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    Result<void> first_error;
    const std::uint64_t now = stream_->now_ms();
    const std::size_t held = batch.held;
    // From the last on: where there is an order, what is behind is given back first.
    for (std::size_t i = batch.count; i-- > 0 && batch.held != 0;) {
        Taken& taken = batch.taken[i];
        if (taken.record == 0) continue;
        const Finish finish = give_back_one(taken, ending, now, delay_ms);
        auto result = finished(batch, taken, finish);
        if (first_error && !result) first_error = result;
    }
    if (held != 0) entries_came(stream_->segment(), sleeper_mask(row()), static_cast<unsigned>(held));
    if (held != 0 && ending == Ending::failed) stream_->note(Did::gave_back, row(), batch.taken[0].sequence, held);
    return first_error;
}

void ConsumerCore::close_batch(BatchCore& batch) noexcept {
    if (!batch.open) return;
    // acquire: a claimer sets it before it takes the entry from us, which our last exchange on that entry saw (PIN).
    if (stream_->usable() == Code::ok && (batch.held != 0 || member_.pinned->load(memory_order_acquire) != 0))
        [[unlikely]]
        let_go(batch);
    batch.open = false;
    batch.count = 0;
    batch.held = 0;
    spare_ = &batch;
    if (!batch.lost.empty()) [[unlikely]]
        batch.lost.clear();
}

/// Gives back what is left of a batch, and frees the chunks that were pinned for its bytes.
[[gnu::noinline]] void ConsumerCore::let_go(BatchCore& batch) noexcept {
    if (closed_) return;
    if (batch.held != 0) static_cast<void>(give_back_all(batch, Ending::released, 0));
    batch.open = false;
    Word& pinned = *member_.pinned;
    if (pinned.load(memory_order_acquire) == 0 || !joined_) return;  // as in close_batch
    pinned.exchange(0, memory_order_seq_cst);  // before the look, so that a later pin sets it again
    bool kept = false;
    free_pins(member_.segment, row(), member_.consumer, [&](ChunkSpan chunks) {
        for (const auto& other : batches_)
            for (std::size_t i = 0; other->open && i < other->count; ++i) {
                const std::uint64_t chunk =
                    (other->taken[i].place << stream_->geometry().unit_bits) / stream_->geometry().chunk_size;
                if (chunk == chunks.first) return kept = true;
            }
        return false;
    });
    if (kept) pinned.store(1, memory_order_seq_cst);
}

}  // namespace shmq::detail

namespace shmq {

detail::BatchCore* Batch::core() const noexcept { return static_cast<detail::BatchCore*>(head_); }

std::span<const LostRange> Batch::lost() const noexcept {
    return head_ == nullptr ? std::span<const LostRange>{} : std::span<const LostRange>(core()->lost);
}
Result<void> Batch::ack() noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->ack_all(*core());
}
Result<void> Batch::ack(Sequence sequence) noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->ack_one(*core(), sequence);
}
Result<void> Batch::ack(std::span<const Sequence> sequences) noexcept {
    Result<void> first_error;
    for (const Sequence sequence : sequences) {
        auto result = ack(sequence);
        if (first_error && !result) first_error = result;
    }
    return first_error;
}
Result<void> Batch::nack(Sequence sequence) noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->nack_one(*core(), sequence, std::nullopt);
}
Result<void> Batch::nack() noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->nack_all(*core(), std::nullopt);
}
Result<void> Batch::nack(Sequence sequence, Duration delay) noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->nack_one(*core(), sequence, delay);
}
Result<void> Batch::nack(Duration delay) noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->nack_all(*core(), delay);
}
Result<void> Batch::extend(Sequence sequence) noexcept {
    if (head_ == nullptr || core()->consumer == nullptr) return Code::closed;
    return core()->consumer->extend_one(*core(), sequence);
}
bool Batch::holds(Sequence sequence) const noexcept {
    return head_ != nullptr && core()->consumer != nullptr && core()->consumer->holds(*core(), sequence);
}
void Batch::release() noexcept {
    detail::BatchCore* const batch = core();
    head_ = nullptr;
    if (batch->consumer == nullptr)
        delete batch;
    else
        batch->consumer->close_batch(*batch);
}

Consumer::Consumer() noexcept = default;
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&&) noexcept = default;
Consumer::~Consumer() = default;
Consumer::Consumer(std::unique_ptr<detail::ConsumerCore> core) noexcept : core_(std::move(core)) {}
Result<Batch> Consumer::claim(const ClaimOptions& options) {
    return core_ ? core_->claim(options) : Result<Batch>(Code::closed);
}
Result<void> Consumer::ack(Sequence sequence) noexcept {
    return core_ ? core_->ack(sequence) : Result<void>(Code::closed);
}
Result<void> Consumer::nack(Sequence sequence) noexcept {
    return core_ ? core_->nack(sequence, std::nullopt) : Result<void>(Code::closed);
}
Result<void> Consumer::nack(Sequence sequence, Duration delay) noexcept {
    return core_ ? core_->nack(sequence, delay) : Result<void>(Code::closed);
}
Result<void> Consumer::extend(Sequence sequence) noexcept {
    return core_ ? core_->extend(sequence) : Result<void>(Code::closed);
}
std::string_view Consumer::name() const noexcept {
    return core_ ? std::string_view(core_->name()) : std::string_view{};
}
std::string_view Consumer::group() const noexcept {
    return core_ ? std::string_view(core_->group()) : std::string_view{};
}
void Consumer::close() noexcept {
    if (core_) core_->close();
}

}  // namespace shmq
