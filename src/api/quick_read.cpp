// The read of every day: new entries of a group that is as it was. Whatever else there may be is left to read_slowly.
//
// One function from the public call to the claim, since a reader of single entries pays for each instruction here with
// each entry.
#include "api/consumer_core.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

namespace {

constexpr std::uint64_t records_per_sweep = 16;

}  // namespace

inline ConsumerCore::Look ConsumerCore::look_quickly(const ReadOptions& options, std::uint64_t& slot) noexcept {
    if (stream_->usable() != Code::ok || !joined_ || careful_ || options.claim_idle != forever) return Look::unusual;
    if (options.max_entries - 1 >= ready_entries || member_.any_retry() || !member_.is_active() || any_due())
        return Look::unusual;
    if (++reads_ % reads_per_sweep == 0) [[unlikely]]
        sweep_some();
    slot = look_at_next(member_);
    if (!is_unpublished(member_, slot)) [[likely]]
        return Look::something;
    return is_removed(member_.segment) ? Look::unusual : Look::nothing;
}

inline BatchCore* ConsumerCore::take_quickly(const ReadOptions& options, std::uint64_t slot) noexcept {
    prefetch_entry(member_.segment, slot & member_.segment.geometry().place_mask);
    BatchCore* const batch = ready_batch();
    if (batch == nullptr) [[unlikely]]
        return nullptr;
    if (options.max_entries != 1) return take_batch(options, *batch, 0);
    const std::uint64_t now_ms = stream_->now_ms();
    Taken& taken = batch->taken[0];
    if (!take_next(member_, slot, now_ms, taken)) [[unlikely]]
        return take_batch(options, *batch, 0);
    send_for_later(member_);
    if (!claims_stand(member_, taken.sequence) || !show(taken, batch->entries[0])) [[unlikely]]
        return take_batch(options, *batch, 1);
    batch->count = batch->held = 1;
    batch->consumer = this;
    batch->open = true;
    count_delivered(*batch, now_ms);
    return batch;
}

[[gnu::noinline]] void ConsumerCore::sweep_some() noexcept { sweep(member_, records_per_sweep, stream_->now_ms()); }

void ConsumerCore::hold_back() noexcept {
    const auto look_at_nothing = [] { return false; };
    spin_until(HoldBack::span, look_at_nothing);
    // relaxed: nothing is read by it.
    hold_back_.learn(stream_->segment().published(member_.next + HoldBack::enough - 1, memory_order_relaxed));
}

bool ConsumerCore::spin_for_next(const ReadOptions& options) noexcept {
    constexpr int looks_per_clock = 16;  // the clock costs as much as a few looks
    const Duration span = std::min(options.wait, stream_->spin());
    const std::uint64_t start = os::monotonic_ns();
    unsigned looks = 0;
    do {
        for (int i = 0; i < looks_per_clock; ++i) {
            pause();  // leaves the line to whoever writes it
            ++looks;
            if (member_.any_retry()) return true;
            if (is_unpublished(member_, look_at_next(member_))) continue;
            if (span >= HoldBack::span && hold_back_.wants(looks)) hold_back();
            return true;
        }
        if (any_due()) return true;
    } while (os::monotonic_ns() - start < static_cast<std::uint64_t>(span.count()));
    return false;
}

Result<Batch> ConsumerCore::read(const ReadOptions& options) {
    std::uint64_t slot = 0;
    const Look look = look_quickly(options, slot);
    if (look == Look::something) [[likely]]
        if (BatchCore* const batch = take_quickly(options, slot)) [[likely]]
            return Batch(batch);
    return read_further(options, look);
}

[[gnu::noinline]] Result<Batch> ConsumerCore::read_further(const ReadOptions& options, Look look) {
    while (look == Look::nothing) {  // ends when there is an entry, the spin is over, or something is unusual
        if (options.wait <= Duration{0}) return Code::empty;
        if (!spin_for_next(options)) break;
        std::uint64_t slot = 0;
        look = look_quickly(options, slot);
        if (look != Look::something) continue;
        if (BatchCore* const batch = take_quickly(options, slot)) return Batch(batch);
    }
    return read_slowly(options);
}

}  // namespace shmq::detail

namespace shmq {

[[gnu::flatten]] Result<Batch> Consumer::read(const ReadOptions& options) {
    if (!core_) [[unlikely]]
        return Code::closed;
    auto batch = core_->read(options);
    if (!batch && core_->polled() && batch.error() == Code::empty) [[unlikely]]
        batch = core_->arm_after_empty(options);
    return batch;
}

}  // namespace shmq
