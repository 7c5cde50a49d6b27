// The options of every call, with units, limits and defaults. Plain values; copied freely.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace shmq {

/// The place of an entry in the total order of its stream, which is also its id. Dense, from 1 on; 0 is never used.
using Sequence = std::uint64_t;

/// How long to wait. Rounded up to nanoseconds; negative counts as zero.
using Duration = std::chrono::nanoseconds;

/// Waits without an end (but a stop_token, a removed stream or data ends it).
inline constexpr Duration forever = Duration::max();

using Bytes = std::span<const std::byte>;

/// The bytes of a text, without copying it. The text must outlive the result.
[[nodiscard]] inline Bytes bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}
/// Bytes seen as text, without copying them.
[[nodiscard]] inline std::string_view text_of(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline constexpr std::size_t max_stream_name = 200;  ///< bytes in the name of a stream
inline constexpr std::size_t max_name = 63;          ///< bytes in the name of a group, consumer or producer
inline constexpr std::size_t max_key = 1024;         ///< bytes in the key of an entry

/// What an entry's time stamp is. Nanoseconds since 1970 in all but `off`. docs/performance.md has the cost of each.
enum class TimeStamps : std::uint32_t {
    off,     ///< none, the time of every entry is 0
    coarse,  ///< CLOCK_REALTIME_COARSE, exact to one tick of the kernel (1 to 10 ms)
    precise  ///< CLOCK_REALTIME
};

/// The geometry of a stream, fixed when it is made. A zero in options given to `open` means "whatever it was made
/// with".
struct StreamOptions {
    std::uint64_t slots = 65'536;         ///< entries kept at most; power of two, 8 to 2^28
    std::uint64_t payload = 32ull << 20;  ///< bytes for entries with their headers and keys; 4 KiB to 1 TiB
    /// Parts the payload is handed out in; 8 to 65,536, and 1,024 x slots. 0 means parts of 16 KiB, but at most 256 of
    /// them, and at least two for each producer.
    std::uint32_t chunks = 0;
    std::uint64_t max_entry = 0;           ///< largest entry, bytes; 0 means payload / 8, or less if the chunks ask so
    std::uint32_t producers = 64;          ///< producers that add at one time; 1 to 4,096
    std::uint32_t groups = 8;              ///< groups; 0 to 24
    std::uint32_t consumers = 64;          ///< consumers per group; 1 to 1,023
    std::uint32_t attachments = 256;       ///< open handles; 1 to 4,095
    std::uint32_t producer_names = 64;     ///< names of producers that number what they add; 0 to 4,096
    std::uint32_t key_stripes = 1024;      ///< of each group that orders by key; 0 (no such groups) to 65,536
    std::uint32_t parking = 64;            ///< stuck entries that may leave the ring; 0 to 1,024
    bool histograms = true;                ///< room for histograms of delays, 4 KiB for each consumer of each group
    bool recorders = true;                 ///< what each handle did last, who changed what; 1,088 bytes a handle
    std::uint32_t mode = 0600;             ///< permission bits of the file, not masked by umask
    TimeStamps time = TimeStamps::coarse;  ///< time stamp of each entry
    Sequence first_sequence = 1;           ///< the sequence of the first entry; 1 to 2^62
};

/// What `Stream::open` is asked for.
struct OpenOptions {
    bool read_only = false;  ///< map for reading only: Reader, range and the lists work, nothing else does
    /// Longest sleep before a waiter looks by itself for what is new and for the dead; 1 ms to 100 ms. Five times as
    /// long once nothing was added for a second and its group has finished all; docs/protocol.md says what that may
    /// cost.
    Duration slice{50'000'000};
    /// How long a waiter looks on before it sleeps; 0 to 1 s. With 2 us or more a consumer that waits, and keeps up
    /// with entries that come fast, leaves the producer 2 us to itself now and then, for the sake of the rate.
    Duration spin{5'000};
};

/// Options of one add.
struct AddOptions {
    Bytes key{};               ///< up to `max_key` bytes, stored with the entry
    Duration wait{0};          ///< how long to wait for room
    std::stop_token stop{};    ///< ends the wait
    bool fields = false;       ///< the payload is bytes that Fields::encode made; see fields.hpp
    std::uint64_t number = 0;  ///< of a producer with a name: this add's number; 0 means the next one
};

/// A moment as entries are stamped with it. `std::chrono::system_clock::now() - 5min` is one.
using TimePoint = std::chrono::sys_time<std::chrono::nanoseconds>;

/// A place in a stream: where a group, a reader or a range begins, or where a range ends. As an end it is included.
class Position {
public:
    /// The oldest entry that is kept.
    [[nodiscard]] static constexpr Position oldest() noexcept { return {Kind::oldest, 0}; }
    /// The present end: as a beginning only what comes later, as an end all there is now.
    [[nodiscard]] static constexpr Position newest() noexcept { return {Kind::newest, 0}; }
    /// `sequence` is the first entry, or the last.
    [[nodiscard]] static constexpr Position at(Sequence sequence) noexcept { return {Kind::sequence, sequence}; }
    /// The first entry that is kept and stamped `time` or later, or the present end if there is none yet; as an end the
    /// last one stamped `time` or earlier. What lies between two such places is all given, whatever its stamps.
    ///
    /// Stamps are made before an entry is published (a loan's when it is lent), and the clock may be set, so they
    /// follow the order of entries only nearly. A halving search is corrected by a look at 4,096 entries: it is exact
    /// for a stream of at most so many slots, and where no two entries stand further apart in the wrong order. A stream
    /// without time stamps answers `bad_option`.
    [[nodiscard]] static constexpr Position at_time(TimePoint time) noexcept {
        const std::int64_t ns = time.time_since_epoch().count();
        return {Kind::time, ns < 0 ? 0 : static_cast<std::uint64_t>(ns)};
    }

    enum class Kind : std::uint8_t { oldest, newest, sequence, time };
    [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
    [[nodiscard]] constexpr Sequence sequence() const noexcept { return number_; }
    /// Nanoseconds since 1970; times before are taken for it.
    [[nodiscard]] constexpr std::uint64_t time_ns() const noexcept { return number_; }

private:
    constexpr Position(Kind kind, std::uint64_t number) noexcept : kind_(kind), number_(number) {}
    Kind kind_;
    std::uint64_t number_;
};

/// How the waits between failed deliveries of one entry grow.
enum class BackOff : std::uint8_t {
    fixed,    ///< each as long as the first
    doubling  ///< each twice as long as the one before, up to the longest
};

/// How long an entry waits after a failed delivery before it is delivered again: a nack without a delay of its own, or
/// the death of its consumer. Rounded up to milliseconds; at most 2^31 - 1 of them (24 days). Measured by a clock that
/// is exact to one tick of the kernel (1 to 10 ms) and stands still while the machine is suspended.
struct RetryPlan {
    Duration first_delay{0};  ///< 0: at once
    BackOff kind = BackOff::fixed;
    Duration most_delay{0};  ///< of doubling: the longest wait; 0 means as long as can be
};

/// In which order the entries of a group are given out and finished.
enum class Order : std::uint8_t {
    none,    ///< in sequence order, whoever finishes first
    by_key,  ///< those of one key one after the other, others flow past
    strict   ///< all of them one after the other, by one consumer at a time; the others stand by
};

/// What happens to entries that a group has not finished when their room is needed.
enum class Retention : std::uint8_t {
    required,  ///< they are kept; adds wait, or answer `full`
    lossy,     ///< they are lost, and the group is told which (Batch::lost)
    /// Required until the group is GroupOptions::behind late, then lossy for good, or until it is moved. Decided when
    /// its room is needed, by the realtime clock and the time stamp of its oldest unfinished entry.
    until
};
// The consumers of a group that is not required are given copies: the bytes of each entry are copied once, and what is
// overwritten meanwhile is told as lost. Such a group keeps no order, parks nothing, and has no dead-letter stream.

/// The options of a group, fixed when it is made; a moved group keeps them.
struct GroupOptions {
    RetryPlan retry{};
    /// Failed deliveries and deaths after which an entry is delivered no more but waits, *dead*, for
    /// Stream::requeue_dead or Stream::drop_dead; 0 means no limit, at most 255.
    std::uint32_t delivery_limit = 0;
    Order order = Order::none;
    Retention retention = Retention::required;
    Duration behind{0};           ///< of Retention::until: age of its oldest unfinished entry; 1 ms to 2^31 - 1 ms
    std::uint32_t in_flight = 0;  ///< entries one consumer may hold at a time; 0 means no limit, at most 65,535
    /// Stream that dead entries are moved to, as Stream::open takes it, at most 255 bytes; empty: they wait in the
    /// group. Needs a delivery_limit. It has to be there, with names of producers, and to be another stream. Each
    /// process looks a name up in its own default folder. What a letter is: docs/protocol.md, Dead letters.
    std::string dead_letter{};
    bool histograms = false;  ///< keep histograms of its delays, if the stream has room for them
};

/// What one read may take, and how long it may wait for it.
struct ReadOptions {
    std::size_t max_entries = 64;             ///< 1 to 4,096
    std::size_t max_bytes = ~std::size_t{0};  ///< payload bytes; one entry is given even if it is larger
    Duration wait{0};                         ///< how long to wait for the first entry
    Duration claim_idle = forever;            ///< take over entries that were delivered at least so long ago
    std::stop_token stop{};                   ///< ends the wait
};

/// What one claim may take.
struct ClaimOptions {
    Duration idle{0};              ///< delivered at least so long ago
    std::size_t max_entries = 64;  ///< 1 to 4,096
};

/// Which pending entries are listed.
struct PendingFilter {
    std::string_view consumer{};  ///< only this consumer's; empty means all
    Duration idle{0};             ///< only those delivered, or given back, at least so long ago
    Sequence from = 0;            ///< first sequence looked at
    Sequence to = ~Sequence{0};   ///< last sequence looked at
    std::size_t max_entries = ~std::size_t{0};
    bool only_dead = false;  ///< only what is delivered no more
};

}  // namespace shmq
