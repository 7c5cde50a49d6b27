// The public class Waiter: reads its sources in order, and sleeps on all of them where none has anything.
#include "shmq/wait_many.hpp"

#include <vector>

#include "api/consumer_core.hpp"
#include "api/reader_core.hpp"

namespace shmq {

namespace detail {

namespace {

/// What is left of the limits that all sources share.
struct Budget {
    std::size_t entries;
    std::size_t bytes;
    bool touched = false;
    [[nodiscard]] bool is_spent() const noexcept { return touched && (entries == 0 || bytes == 0); }
    void take(std::span<const Entry> taken) noexcept {
        touched = true;
        entries -= std::min(entries, taken.size());
        if (bytes == ~std::size_t{0}) return;  // no limit: the headers need not be looked at
        for (const Entry& entry : taken) bytes -= std::min(bytes, entry.payload().size());
    }
};

}  // namespace

class WaiterCore {
public:
    std::uint32_t add(ConsumerCore* consumer, ReaderCore* reader, int priority);
    bool remove(std::uint32_t number) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return sources_.size(); }
    Result<std::span<Delivery>> wait(const WaitOptions& options);

private:
    struct Source {
        std::uint32_t number = 0;
        int priority = 0;
        ConsumerCore* consumer = nullptr;  // one of the two, or neither: the handle was closed before it was added
        ReaderCore* reader = nullptr;
        unsigned announced_bit = 0;
        bool gave = false;                // entries, in this wait
        std::vector<CopyBuffer> buffers;  // of a reader: one for each entry of a wait
        std::vector<Entry> copies;

        [[nodiscard]] StreamCore* stream() const noexcept {
            return consumer != nullptr ? &consumer->stream() : reader != nullptr ? &reader->stream() : nullptr;
        }
        [[nodiscard]] bool at_end() const noexcept { return reader != nullptr && reader->at_end(); }
        [[nodiscard]] unsigned bit() const noexcept {
            return consumer != nullptr ? consumer->sleeper_bit() : reader_bit;
        }
    };
    using Sources = std::vector<std::unique_ptr<Source>>;

    /// All sources, and a word of our own, to sleep on.
    struct Place {
        explicit Place(WaiterCore& core);
        void announce();
        void pause(std::uint64_t deadline_ns) noexcept;
        void wake_for_stop() noexcept;
        // Removed streams are each source's own matter.
        [[nodiscard]] static bool marked_removed() noexcept { return false; }
        [[nodiscard]] static bool removed() noexcept { return false; }

        WaiterCore& waiter;
        Duration spin{0};   // the longest of all streams
        Duration slice{0};  // likewise; so often all are looked at, but while all are still
        std::uint64_t scanned_ns;
        bool announced = false;
        bool slept = false;
        bool slept_long = false;
        bool sweeps = false;  // a slice is over since the last look
    };

    bool gather(const WaitOptions& options, Place& place);
    Error read_from(Source& source, const Budget& budget, Duration claim_idle, Delivery& delivery);
    static Error copy_from(Source& source, const Budget& budget);
    void pass_wake_on(Sources::const_iterator unread) const noexcept;
    void take_turns() noexcept;

    Sources sources_;  // in the order in which they are read
    Sources removed_;  // since the last wait, whose entries they may still hold
    std::vector<Delivery> deliveries_;
    std::vector<os::WaitWord> words_;
    Atomic<std::uint32_t> stops_{0};  // the word of our own: moved on by a stop token
    std::uint32_t next_number_ = 0;
};

std::uint32_t WaiterCore::add(ConsumerCore* consumer, ReaderCore* reader, int priority) {
    auto source = std::make_unique<Source>();
    source->number = next_number_++;
    source->priority = priority;
    source->consumer = consumer;
    source->reader = reader;
    const auto behind =
        std::find_if(sources_.begin(), sources_.end(), [&](const auto& other) { return other->priority < priority; });
    sources_.insert(behind, std::move(source));
    return next_number_ - 1;
}

bool WaiterCore::remove(std::uint32_t number) noexcept {
    const auto found =
        std::find_if(sources_.begin(), sources_.end(), [&](const auto& source) { return source->number == number; });
    if (found == sources_.end()) return false;
    removed_.push_back(std::move(*found));
    sources_.erase(found);
    return true;
}

/// Entries of a reader, copied into the source's buffers.
Error WaiterCore::copy_from(Source& source, const Budget& budget) {
    ReaderCore& reader = *source.reader;
    if (const Code code = reader.stream().usable(); code != Code::ok) return Error(code);
    source.copies.clear();
    std::size_t bytes = 0;
    while (source.copies.size() < budget.entries) {
        if (source.buffers.size() == source.copies.size()) source.buffers.emplace_back();
        Entry entry;
        const Copied copied = reader.look(entry, source.buffers[source.copies.size()]);
        if (copied == Copied::corrupt && source.copies.empty()) return reader.damage();
        if (copied != Copied::done) break;
        const std::size_t size = entry.payload().size();
        if (!source.copies.empty() && size > budget.bytes - std::min(budget.bytes, bytes)) break;
        bytes += size;
        source.copies.push_back(entry);
        reader.accept();
    }
    if (!source.copies.empty()) return {};
    return Error(is_removed(reader.stream().segment()) ? Code::removed : Code::empty);
}

Error WaiterCore::read_from(Source& source, const Budget& budget, Duration claim_idle, Delivery& delivery) {
    if (source.reader != nullptr) {
        const Error error = copy_from(source, budget);
        if (error == Code::ok) delivery.copies_ = source.copies;
        return error;
    }
    if (source.consumer == nullptr) return Error(Code::closed);
    ReadOptions reading;
    reading.max_entries = budget.entries;
    reading.max_bytes = budget.bytes;
    reading.claim_idle = claim_idle;
    auto batch = source.consumer->read(reading);
    if (!batch) return batch.error();
    delivery.batch_ = *std::move(batch);
    return {};
}

/// Reads every source while the limits last. True if any gave entries, or the reason why it does not.
bool WaiterCore::gather(const WaitOptions& options, Place& place) {
    Budget budget{options.max_entries, options.max_bytes};
    const bool sweeps = std::exchange(place.sweeps, false);
    for (auto at = sources_.begin(); at != sources_.end(); ++at) {
        if (budget.is_spent()) {
            if (place.slept) pass_wake_on(at);
            break;
        }
        Source& source = **at;
        if (sweeps && source.consumer != nullptr) source.consumer->sweep_slice();
        Delivery delivery;
        Error error = read_from(source, budget, options.claim_idle, delivery);
        // Removed by hand perhaps, without the mark that the read sees.
        if (error == Code::empty && place.announced && source.stream()->removed()) {
            error = read_from(source, budget, options.claim_idle, delivery);
            if (error == Code::empty) error = Error(Code::removed);
        }
        if (error == Code::empty && !source.at_end()) continue;
        delivery.source_ = source.number;
        delivery.error_ = error;
        source.gave = error == Code::ok;
        if (source.gave) budget.take(delivery.entries());
        deliveries_.push_back(std::move(delivery));
    }
    return !deliveries_.empty();
}

/// The wake that ended our sleep may have been for a source that we do not come to: another sleeper of its group shall
/// have it, who else would find it only at the end of a slice.
void WaiterCore::pass_wake_on(Sources::const_iterator unread) const noexcept {
    for (; unread != sources_.end(); ++unread)
        if ((*unread)->consumer != nullptr)
            entries_came((*unread)->stream()->segment(), sleeper_mask((*unread)->bit()), 1);
}

/// Among sources of one priority, those that gave something go behind those that did not.
void WaiterCore::take_turns() noexcept {
    for (auto first = sources_.begin(); first != sources_.end();) {
        const int priority = (*first)->priority;
        const auto last = std::find_if(first, sources_.end(), [&](const auto& s) { return s->priority != priority; });
        auto unmoved = last;
        while (first != unmoved)
            if (std::exchange((*first)->gave, false))
                std::rotate(first, first + 1, last), --unmoved;
            else
                ++first;
        first = last;
    }
}

WaiterCore::Place::Place(WaiterCore& core) : waiter(core), scanned_ns(os::monotonic_ns()) {
    for (const auto& source : waiter.sources_) {
        const StreamCore* stream = source->stream();
        if (stream == nullptr) continue;
        spin = std::max(spin, stream->spin());
        slice = std::max(slice, stream->longest_sleep());
    }
}

void WaiterCore::Place::announce() {
    announced = true;
    waiter.words_.clear();
    // acquire: a stop requested before is seen by the look that follows; a later one changes the word.
    waiter.words_.push_back({&waiter.stops_, waiter.stops_.load(memory_order_acquire)});
    for (const auto& source : waiter.sources_) {
        StreamCore* stream = source->stream();
        if (stream == nullptr || stream->usable() != Code::ok || stream->read_only()) continue;
        const unsigned bit = source->announced_bit = source->bit();
        waiter.words_.push_back({&wake_word(stream->segment(), bit), announce_sleeper(stream->segment(), bit)});
    }
}

void WaiterCore::Place::pause(std::uint64_t deadline_ns) noexcept {
    for (const auto& source : waiter.sources_)
        if (!source->stream()->read_only() && source->bit() != source->announced_bit)
            return;  // its group was moved meanwhile, so it was announced in the wrong place
    slept = true;
    Duration sleep = forever;  // until one of them wants to be looked at
    for (const auto& source : waiter.sources_) sleep = std::min(sleep, source->stream()->longest_sleep(source->bit()));
    slept_long |= sleep > slice;
    const std::uint64_t before = os::monotonic_ns();
    const std::uint64_t rest = deadline_ns > before ? deadline_ns - before : 0;
    os::futex_wait_any(waiter.words_,
                       Duration{static_cast<std::int64_t>(std::min(rest, static_cast<std::uint64_t>(sleep.count())))});
    const std::uint64_t now = os::monotonic_ns();
    if (now - scanned_ns < static_cast<std::uint64_t>(slice.count())) return;
    scanned_ns = now;
    sweeps = true;
    for (const auto& source : waiter.sources_)
        if (!source->stream()->read_only()) source->stream()->scan_if_due();
}

void WaiterCore::Place::wake_for_stop() noexcept {
    waiter.stops_.fetch_add(1, memory_order_release);
    os::futex_wake(waiter.stops_, 1);
}

Result<std::span<Delivery>> WaiterCore::wait(const WaitOptions& options) {
    deliveries_.clear();
    removed_.clear();
    if (options.max_entries == 0 || options.max_entries > ConsumerCore::most_entries)
        return option_error("max_entries", options.max_entries, 1, ConsumerCore::most_entries);
    if (sources_.empty())
        return text_error(Code::bad_option, 0, "the waiter has no source; add a consumer or a reader before the wait");
    Place place(*this);
    const auto look = [&] { return gather(options, place); };
    const Waited waited = spin_until(std::min(options.wait, place.spin), look)
                              ? Waited::done
                              : wait_in_slices(place, options.wait, options.stop, look);
    if (waited == Waited::stopped) return Code::stopped;
    if (waited != Waited::done) return Code::empty;
    if (place.slept_long)
        for (const auto& source : sources_)
            if (source->gave) source->stream()->hand_watch_on(source->bit());
    take_turns();
    return std::span<Delivery>(deliveries_);
}

}  // namespace detail

Waiter::Waiter() : core_(std::make_unique<detail::WaiterCore>()) {}
Waiter::Waiter(Waiter&&) noexcept = default;
Waiter& Waiter::operator=(Waiter&&) noexcept = default;
Waiter::~Waiter() = default;
std::uint32_t Waiter::add(Consumer& consumer, int priority) {
    if (!core_) core_ = std::make_unique<detail::WaiterCore>();  // moved from
    return core_->add(consumer.core_.get(), nullptr, priority);
}
std::uint32_t Waiter::add(Reader& reader, int priority) {
    if (!core_) core_ = std::make_unique<detail::WaiterCore>();
    return core_->add(nullptr, reader.core_.get(), priority);
}
bool Waiter::remove(std::uint32_t source) noexcept { return core_ && core_->remove(source); }
std::size_t Waiter::size() const noexcept { return core_ ? core_->size() : 0; }
Result<std::span<Delivery>> Waiter::wait(const WaitOptions& options) {
    return core_ ? core_->wait(options) : Result<std::span<Delivery>>(Code::closed);
}

}  // namespace shmq
