// What stands behind a Consumer and its Batches.
#pragma once

#include <memory>
#include <vector>

#include "api/core.hpp"
#include "api/hold_back.hpp"
#include "api/latency_keeper.hpp"
#include "api/reader_core.hpp"
#include "group/delays.hpp"
#include "group/deliver.hpp"
#include "group/finish.hpp"
#include "group/losses.hpp"
#include "group/pins.hpp"

namespace shmq::detail {

/// The entries of one batch. Pooled by its consumer.
class BatchCore : public BatchHead {
public:
    explicit BatchCore(std::size_t capacity) { reserve(capacity); }
    void reserve(std::size_t capacity) {
        taken.resize(std::max(taken.size(), capacity));
        entries.resize(taken.size());
        first = entries.data();
    }

    ConsumerCore* consumer = nullptr;  // null: the consumer was closed
    std::vector<Taken> taken;
    std::vector<Entry> entries;
    std::vector<CopyBuffer> copies;  // of a group that hands out copies: one for each entry; they grow, and stay
    std::vector<LostRange> lost;
    std::size_t held = 0;  // entries neither acked nor given back
    bool open = false;
    std::uint64_t delivered_at = 0;  // for `LatencyKeeper::acked`
};

class ConsumerCore {
public:
    static constexpr std::size_t most_entries = 4096;

    static Result<std::unique_ptr<ConsumerCore>> join(std::shared_ptr<StreamCore> stream, std::string_view group,
                                                      std::string_view name);
    ConsumerCore(std::shared_ptr<StreamCore> stream, std::string_view group, std::string_view name);
    ConsumerCore(const ConsumerCore&) = delete;
    ConsumerCore& operator=(const ConsumerCore&) = delete;
    ~ConsumerCore();

    Result<Batch> read(const ReadOptions& options);
    Result<Batch> claim(const ClaimOptions& options);
    Result<void> ack(Sequence sequence) noexcept;
    Result<void> nack(Sequence sequence, std::optional<Duration> delay) noexcept;
    Result<void> extend(Sequence sequence) noexcept;
    void close() noexcept;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const std::string& group() const noexcept { return group_; }

    // For who waits on many: where it sleeps, and what a waiting consumer does at the end of a slice.
    [[nodiscard]] StreamCore& stream() noexcept { return *stream_; }
    [[nodiscard]] unsigned sleeper_bit() const noexcept { return row(); }
    void sweep_slice() noexcept;

    // poll_fd, in polled.cpp.
    Result<int> poll_fd();
    [[nodiscard]] bool polled() const noexcept { return poll_ != nullptr; }
    /// After a read that found nothing: looks once more and leaves the descriptor to the poll thread.
    Result<Batch> arm_after_empty(const ReadOptions& options);

    // For the batches.
    Result<void> ack_all(BatchCore& batch) noexcept;
    Result<void> ack_one(BatchCore& batch, Sequence sequence) noexcept;
    [[nodiscard]] bool holds(BatchCore& batch, Sequence sequence) const noexcept;
    Result<void> extend_one(BatchCore& batch, Sequence sequence) noexcept;
    Result<void> nack_one(BatchCore& batch, Sequence sequence, std::optional<Duration> delay) noexcept;
    Result<void> nack_all(BatchCore& batch, std::optional<Duration> delay) noexcept;
    void close_batch(BatchCore& batch) noexcept;

private:
    enum class Look : std::uint8_t { something, nothing, unusual };
    /// The common case: new entries only, the group as it was. Whatever else there may be is left to read_slowly.
    /// `slot` is the next entry's.
    [[gnu::always_inline]] inline Look look_quickly(const ReadOptions& options, std::uint64_t& slot) noexcept;
    /// Takes what was seen there; null if anything is unusual: nothing was taken then.
    [[gnu::always_inline]] inline BatchCore* take_quickly(const ReadOptions& options, std::uint64_t slot) noexcept;
    /// The same for more than one entry, and where anything is unusual; the first `claimed` of the batch are claimed.
    BatchCore* take_batch(const ReadOptions& options, BatchCore& batch, std::size_t claimed) noexcept;
    /// A batch that is not open, with room for `ready_entries`; null if there is none.
    [[nodiscard]] BatchCore* ready_batch() noexcept {
        BatchCore* const spare = std::exchange(spare_, nullptr);
        return spare != nullptr && !spare->open ? spare : find_ready_batch();
    }
    [[nodiscard]] BatchCore* find_ready_batch() noexcept;
    void sweep_some() noexcept;
    /// What a read does that found no more than `look` at once.
    Result<Batch> read_further(const ReadOptions& options, Look look);
    /// Looks on for as long as a waiter spins; true as soon as there may be something.
    bool spin_for_next(const ReadOptions& options) noexcept;
    /// Looks at nothing for a moment, and learns whether more came.
    void hold_back() noexcept;
    Result<Batch> read_slowly(const ReadOptions& options);
    Result<void> enter();
    void leave() noexcept;
    /// Moves what is dead to the group's dead-letter stream, if it has one. dead_letters.cpp.
    void move_dead_letters();
    [[nodiscard]] Code usable() const noexcept {
        const Code code = stream_->usable();
        return code == Code::ok && closed_ ? Code::closed : code;
    }
    Result<void> rejoin_if_moved();
    BatchCore& free_batch(std::size_t capacity);
    template <class Gather>
    bool fill(BatchCore& batch, std::size_t most, std::size_t max_bytes, Error& error, Gather gather);
    // Groups that hand out copies, in batch_copies.cpp.
    /// Before claims: looks for losses, and says from where on may be claimed.
    void begin_copies(BatchCore& batch, std::size_t most);
    /// After claims: copies what was taken, and tells losses. As `fill`.
    bool end_copies(BatchCore& batch, Taking& taking, Error& error);
    bool give_up_copies(BatchCore& batch, std::size_t kept, const Taking& taking, std::size_t from) noexcept;
    void tell_losses(BatchCore& batch);
    /// Ends the delivery of an entry that was handled, as its group wants it.
    Finish finish_one(const Taken& taken) noexcept;
    Finish finish_carefully(const Taken& taken) noexcept;
    std::size_t finish_in_ring(BatchCore& batch) noexcept;
    Result<void> ack_rest(BatchCore& batch, std::size_t ended) noexcept;
    void let_go(BatchCore& batch) noexcept;
    void lift_floor(const BatchCore& batch) noexcept;
    void after_acks(const BatchCore& batch, std::size_t count) noexcept;
    Finish give_back_one(const Taken& taken, Ending ending, std::uint64_t now_ms,
                         std::optional<std::uint32_t> delay_ms) noexcept;
    Finish give_copy_back(const Taken& taken, Ending ending, std::uint64_t now_ms,
                          std::optional<std::uint32_t> delay_ms) noexcept;
    void owe(const Taken& taken) noexcept;
    void settle_told() noexcept;
    /// How many more entries it may hold, at most `wanted`.
    [[nodiscard]] std::size_t room_in_flight(std::size_t wanted) const noexcept;
    [[nodiscard]] std::size_t count_held() const noexcept;
    [[nodiscard]] Error in_flight_error() const noexcept;
    [[nodiscard]] Error damage(const Taken& taken) const noexcept;
    [[gnu::always_inline]] inline bool show(const Taken& taken, Entry& entry) const noexcept;
    bool show_all(BatchCore& batch, Error& error) noexcept;
    void count_delivered(BatchCore& batch, std::uint64_t now_ms) noexcept {
        if (latency_.keeps())
            batch.delivered_at = latency_.delivered({batch.taken.data(), batch.count}, batch.entries, now_ms);
    }
    void count_acked(const BatchCore& batch, std::uint64_t count) noexcept {
        if (latency_.keeps() && count != 0) latency_.acked(batch.delivered_at, count);
    }
    Result<void> give_back_all(BatchCore& batch, Ending ending, std::optional<std::uint32_t> delay_ms) noexcept;
    /// Whether a delayed entry may have come due. One load of a line that is_active loads too, if nothing is delayed.
    [[nodiscard]] bool any_due() const noexcept {
        const std::uint32_t hint = member_.row->due.load(memory_order_relaxed);  // as due_hint
        return hint != 0 && is_due(hint, stream_->now_ms());
    }
    Result<void> finished(BatchCore& batch, Taken& taken, Finish finish) noexcept;
    [[nodiscard]] Taken* find(Sequence sequence, BatchCore** batch) noexcept;
    [[nodiscard]] std::uint32_t row() const noexcept { return member_.group.row; }

    static constexpr std::size_t ready_entries = 256;     // so many a read finds room for without allocating
    static constexpr std::uint32_t reads_per_sweep = 64;  // each such read looks at a few records by the way

    std::shared_ptr<StreamCore> stream_;
    std::string group_;
    std::string name_;
    Member member_;
    LatencyKeeper latency_;
    bool joined_ = false;
    bool closed_ = false;
    std::uint32_t reads_ = 0;         // until the next sweep
    std::uint64_t next_move_ms_ = 0;  // no dead entry is moved before
    bool careful_ = false;  // its group copies, limits what is in flight, or keeps an order: nothing is read quickly
    bool copies_ = false;   // its group hands out copies
    HoldBack hold_back_;    // in spin_for_next
    std::uint32_t in_flight_ = 0;    // of its group; 0: no limit
    Sequence told_below_ = 0;        // of the last read: all below were delivered, or told as lost
    Untold untold_;                  // of the read that is under way
    std::vector<LostRange> losses_;  // of the same
    std::vector<LostRange> owed_;    // what it alone knows to be lost, to be told with the next entries
    std::vector<Taken> given_up_;    // the same with their records
    std::size_t told_given_up_ = 0;  // so many of these, the first, were told with the last read
    std::vector<std::unique_ptr<BatchCore>> batches_;
    BatchCore* spare_ = nullptr;  // the one of them that was closed last, unless it is open again
    std::unique_ptr<PollSource> poll_;
};

/// What the user sees of an entry that was taken; false if its bytes are damaged.
inline bool ConsumerCore::show(const Taken& taken, Entry& entry) const noexcept {
    EntryAt at;
    if (!find_entry(member_.segment, taken.place, at)) [[unlikely]]
        return false;
    entry = Entry(taken.sequence, {member_.segment.payload() + at.payload_offset, at.header.size}, at.header.key_size,
                  static_cast<std::uint16_t>(round_up(at.header.key_size, key_alignment)), at.header.time_ns,
                  taken.deliveries, taken.taken_over, at.header.is_fields());
    return true;
}

}  // namespace shmq::detail
