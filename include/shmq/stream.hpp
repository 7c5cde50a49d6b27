// A stream: the log and its groups, in one segment that every process maps.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shmq/consumer.hpp"
#include "shmq/entry.hpp"
#include "shmq/latency.hpp"
#include "shmq/options.hpp"
#include "shmq/reader.hpp"
#include "shmq/status.hpp"

namespace shmq {

namespace detail {
class StreamCore;
class ProducerCore;
class LoanCore;
}  // namespace detail

/// Whether the process behind an attachment lives. `unknown` when a copied file is looked at, `none` where nobody owns.
enum class Owner : std::uint8_t { none, alive, dead, unknown };

/// What a stream is and where it stands. A snapshot: every number was true at some moment of the call.
struct StreamInfo {
    std::string name;                     ///< as it was opened
    std::string path;                     ///< of the segment file
    StreamOptions options;                ///< with the values that were chosen for zeros
    std::uint64_t size = 0;               ///< of the segment, bytes
    std::uint64_t chunk_size = 0;         ///< bytes
    std::uint32_t place_unit = 0;         ///< what places count in, bytes
    Sequence first = 0;                   ///< oldest entry kept; equal to `next` if there is none
    Sequence next = 0;                    ///< what the next entry will get at least
    std::uint32_t chunks_free = 0;        ///< reusable now
    std::uint32_t chunks_owned = 0;       ///< being filled
    std::uint32_t chunks_unfinished = 0;  ///< left by a producer that ended, to be adopted
    std::uint32_t chunks_sealed = 0;      ///< full, with entries that are kept
    std::uint32_t pins = 0;               ///< chunks kept for views of former owners
    std::uint32_t parked = 0;             ///< stuck entries that left the ring
    std::uint32_t producers = 0;          ///< adding now
    std::uint32_t attachments = 0;        ///< open handles
    std::uint32_t format_version = 0;
    std::uint64_t created_ns = 0;  ///< when it was made, nanoseconds since 1970
    bool removed = false;
};

struct GroupInfo {
    std::string name;
    Sequence start = 0;           ///< first entry the group is concerned with
    Sequence floor = 0;           ///< every entry below is finished
    Sequence held_from = 0;       ///< lowest unfinished entry in the ring: the ones from there on hold their room
    Sequence next = 0;            ///< first entry that was never delivered
    std::uint64_t lag = 0;        ///< entries never delivered; exact
    std::uint64_t waiting = 0;    ///< of these passed over, since they wait for earlier ones of their key
    std::uint64_t pending = 0;    ///< delivered, not acked
    std::uint64_t retry = 0;      ///< waiting to be delivered again; the next two included
    std::uint64_t delayed = 0;    ///< of these not due yet
    std::uint64_t dead = 0;       ///< of these delivered no more
    std::uint64_t parked = 0;     ///< of waiting, pending and retry, entries that left the ring
    std::uint32_t consumers = 0;  ///< open now
    /// Of its oldest entry that is not finished: now less its time stamp, both by the wall clock, which may be set.
    /// nullopt if all are finished, or the stream keeps no times.
    std::optional<Duration> oldest_age;
    Sequence demoted_at = 0;  ///< of Retention::until, once it is lossy: the entry that was too old; else 0
    std::uint64_t lost = 0;   ///< entries it lost, of which its consumers were told or will be
    GroupOptions options;
};

struct PendingConsumer {
    std::string name;         ///< "#N" for an anonymous one in row N
    std::uint64_t count = 0;  ///< entries it holds
    Owner owner = Owner::none;
};

struct PendingSummary {
    std::uint64_t count = 0;  ///< delivered entries, and those that wait for retry, are delayed, or dead
    Sequence lowest = 0;      ///< 0 if there is none
    Sequence highest = 0;
    std::uint64_t lag = 0;                   ///< entries never delivered
    std::uint64_t parked = 0;                ///< of `count`, entries that left the ring
    std::vector<PendingConsumer> consumers;  ///< those open, and those that hold something
};

/// How the last delivery of a dead entry ended.
enum class DeadReason : std::uint8_t {
    none,       ///< it is not dead, or nobody knows
    nacked,     ///< its consumer gave it back
    claimed,    ///< somebody took it from its consumer
    died,       ///< its consumer's process died
    hand_overs  ///< it was handed over 65,535 times
};

struct PendingEntry {
    Sequence sequence = 0;
    std::optional<std::string> consumer;  ///< nullopt for an entry nobody holds
    std::optional<Duration> idle;         ///< since it was delivered or given back; nullopt if unknown, or delayed
    std::uint32_t deliveries = 0;         ///< that count, the running one included
    Owner owner = Owner::none;
    bool retry = false;      ///< waiting for retry
    bool exhausted = false;  ///< dead, and handed over 65,535 times: only Stream::ack ends it
    bool delayed = false;    ///< waiting until it is due
    bool dead = false;       ///< failed too often, and delivered no more
    bool parked = false;     ///< stuck so long that it left the ring; all that can be done with others can with it
    std::optional<Duration> due_in;  ///< of a delayed entry
    std::uint32_t failures = 0;      ///< nacks, and claims from somebody alive; at most 255 are counted
    std::uint32_t deaths = 0;        ///< owners that died; likewise
    DeadReason reason = DeadReason::none;
    bool moving = false;  ///< dead, and on its way to the group's dead-letter stream
};

struct ConsumerInfo {
    std::string group;
    std::string name;
    Owner owner = Owner::none;
    std::uint32_t attachment = 0;  ///< row of the handle it belongs to
};

struct AttachmentInfo {
    std::uint32_t row = 0;
    std::uint64_t incarnation = 0;
    Owner owner = Owner::none;
    std::int32_t pid = 0;          ///< in the PID namespace of that process
    std::uint64_t start_time = 0;  ///< of the process, clock ticks since boot
    std::string command;
    std::uint32_t chunks = 0;     ///< it fills
    std::uint32_t consumers = 0;  ///< it has open
};

/// A name under which what is added has numbers.
struct ProducerNameInfo {
    std::string name;
    std::uint64_t last_number = 0;  ///< of the last add; 0 if there was none
    Sequence last_sequence = 0;     ///< what it was given
    Owner owner = Owner::none;      ///< who adds under it now
    std::int32_t pid = 0;           ///< of that process, in its PID namespace; 0 if nobody
};

struct TrimReport {
    Sequence first = 0;                  ///< oldest entry that is kept now
    std::uint64_t trimmed = 0;           ///< entries given up by this call
    std::optional<std::string> held_by;  ///< the group that stopped it short
    Sequence held_at = 0;                ///< the entry that group still needs
};

struct RecoveryReport {
    std::uint32_t dead = 0;       ///< handles whose process had died
    std::uint32_t consumers = 0;  ///< consumers they had
    std::uint64_t entries = 0;    ///< handed to retry
    std::uint32_t chunks = 0;     ///< left for adoption
    std::uint64_t moved = 0;      ///< dead entries moved to the dead-letter streams of their groups
};

struct AddedBatch {
    Sequence first = 0;       ///< sequence of the first entry added
    Sequence last = 0;        ///< of the last one; entries of other producers may stand between
    std::size_t count = 0;    ///< how many were added; fewer than given if the ring became full
    std::size_t skipped = 0;  ///< of a producer with a name: those whose numbers were added before
};

/// Private bytes being filled. Dropping it without `commit` means nothing happened.
/// Threads: belongs to the thread of its producer. Must not outlive its producer.
class Loan {
public:
    Loan() noexcept = default;
    Loan(Loan&&) noexcept;
    Loan& operator=(Loan&&) noexcept;
    ~Loan();

    /// `size` bytes inside the segment that nobody else reads or writes, aligned to 32 (16 with a key). Not zeroed.
    [[nodiscard]] std::span<std::byte> bytes() const noexcept;
    /// Adds the first `used` bytes as one entry; `used` at most the size asked for. The loan is over afterwards, but
    /// for `full`: then it can be committed again. Errors: `full`, `stopped`, `removed`, `too_large`, `closed`,
    /// `forked`.
    Result<Sequence> commit(std::size_t used);
    Result<Sequence> commit() { return commit(bytes().size()); }

private:
    friend class detail::ProducerCore;
    explicit Loan(detail::LoanCore* core) noexcept : core_(core) {}
    detail::LoanCore* core_ = nullptr;
};

/// Adds entries; owns chunks of the payload.
/// Threads: one at a time; each thread that adds takes its own. fork: in the child every call answers `forked`.
class Producer {
public:
    Producer() noexcept;
    Producer(Producer&&) noexcept;
    Producer& operator=(Producer&&) noexcept;
    ~Producer();

    /// Copies `payload` into the segment and adds it as one entry. All of it happens or nothing, also if the process is
    /// killed inside. No system call while there is room and nobody sleeps; no allocation.
    /// Errors: `full` after the wait, `too_large`, `stopped`, `removed`, `too_many_producers`, `not_allowed`, `forked`.
    Result<Sequence> add(Bytes payload, const AddOptions& options = {});
    Result<Sequence> add(std::string_view payload, const AddOptions& options = {}) {
        return add(bytes_of(payload), options);
    }
    /// Adds several entries in their order, each with the options' key. Stops at the first that does not fit within the
    /// wait; an error is returned only if none was added.
    Result<AddedBatch> add(std::span<const Bytes> payloads, const AddOptions& options = {});
    /// Adds pairs of names and values as one entry, written straight into the segment. Errors: as add, and those of
    /// Fields::encoded_size. Bytes that Fields::encode made, and entries of another stream, are added by `add` or
    /// `loan` with `options.fields`, which answer `bad_option` if they are none.
    Result<Sequence> add_fields(std::span<const Field> fields, const AddOptions& options = {});
    Result<Sequence> add_fields(std::initializer_list<Field> fields, const AddOptions& options = {}) {
        return add_fields(std::span<const Field>(fields.begin(), fields.size()), options);
    }
    /// Lends `size` bytes to be filled in place; the key is taken now. Several loans may be open, committed in any
    /// order. `options.wait` bounds the wait for a chunk now and for a slot at commit. Errors: as add, and
    /// `too_many_loans`.
    Result<Loan> loan(std::size_t size, const AddOptions& options = {});

    // Of a producer with a name (Stream::producer), 0 and empty otherwise. Each add has a number, AddOptions::number
    // or else the next one, and numbers only grow. Adding the last number again adds nothing and gives the sequence it
    // got; a lower one answers `duplicate` (number: the last one). So whoever does not know what became of an add, by
    // a crash of its own too, adds it again under its number. A batch numbers its entries on from `number` and skips
    // those that were added before; a loan is given its number at commit.
    [[nodiscard]] std::string_view name() const noexcept;
    [[nodiscard]] std::uint64_t last_number() const noexcept;  ///< also of a former process of this name; 0: none
    [[nodiscard]] Sequence last_sequence() const noexcept;     ///< its sequence, also when it was trimmed since

    /// Leaves the chunk, and the name, to the next producer. Open loans are dropped. Idempotent.
    void close() noexcept;

private:
    friend class Stream;
    explicit Producer(std::unique_ptr<detail::ProducerCore> core) noexcept;
    std::unique_ptr<detail::ProducerCore> core_;
};

/// An open stream.
///
/// Lifetime: producers, consumers and readers made from it keep the segment mapped after the Stream itself is closed.
/// Threads: `add` and `loan` use a producer of the handle and belong to one thread at a time; everything else may be
/// called from several. fork: the child's handles answer `forked`; it opens the stream again. A child made by a bare
/// clone(2) or vfork(2) must exec or exit.
class Stream {
public:
    Stream() noexcept;
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    /// Makes the segment; it appears under its name only when it is whole. Names: docs of `shmq create`, or README.
    /// Errors: `exists`, `bad_name`, `bad_option`, `no_space`, `not_allowed`, `system`.
    static Result<Stream> create(std::string_view name, const StreamOptions& options = {},
                                 const OpenOptions& open = {});
    /// Errors: `no_stream`, `bad_name`, `not_allowed`, `corrupt`, `wrong_version`, `too_many_attachments`, `system`.
    static Result<Stream> open(std::string_view name, const OpenOptions& open = {});
    /// Opens, or makes it if it is not there; `bad_option` with both values if it was made with others. A zero in
    /// `options` (mode and first_sequence always) accepts whatever is there.
    static Result<Stream> open_or_create(std::string_view name, const StreamOptions& options = {},
                                         const OpenOptions& open = {});
    /// Takes the name away. Attached processes finish: adds answer `removed`, reads deliver what is there and then
    /// answer `removed`.
    static Result<void> remove(std::string_view name);
    /// Path of the segment of a name.
    static Result<std::string> path_of(std::string_view name);
    /// Names of the streams in the default folder, sorted.
    static Result<std::vector<std::string>> list();

    // Adding: see Producer.
    Result<Sequence> add(Bytes payload, const AddOptions& options = {});
    Result<Sequence> add(std::string_view payload, const AddOptions& options = {}) {
        return add(bytes_of(payload), options);
    }
    Result<AddedBatch> add(std::span<const Bytes> payloads, const AddOptions& options = {});
    Result<Sequence> add_fields(std::span<const Field> fields, const AddOptions& options = {});
    Result<Sequence> add_fields(std::initializer_list<Field> fields, const AddOptions& options = {}) {
        return add_fields(std::span<const Field>(fields.begin(), fields.size()), options);
    }
    Result<Loan> loan(std::size_t size, const AddOptions& options = {});
    /// A producer of its own, for another thread.
    Result<Producer> producer();
    /// A producer with a name and numbers: nothing is added twice (see Producer). The stream keeps the name for good.
    /// Errors: `busy` (number: the pid that adds under it), `too_many_names`, `bad_name`, `not_allowed`.
    Result<Producer> producer(std::string_view name);
    /// The names there are, and how far each has come.
    Result<std::vector<ProducerNameInfo>> producer_names() const;

    // Groups. `required`: nothing a group has not acked is ever overwritten.
    /// Errors: `exists`, `bad_name`, `too_many_groups`, `trimmed` and `out_of_range` (for a sequence), `bad_option`
    /// (for a time, in a stream without time stamps), `not_allowed`; `too_many_pins` if a group of this name was
    /// dropped and still waits for room in the pin table.
    /// With options also `bad_option` for what a group can't have, and `no_stream` if its dead-letter stream is not
    /// there.
    Result<void> create_group(std::string_view group, Position from = Position::oldest(),
                              const GroupOptions& options = {});
    /// What its consumers hold is forgotten; their acks answer `fenced`, their reads `no_group`. Views stay readable.
    /// Decided by one step, which others complete if this process does not. Errors: `no_group`, `too_many_pins`; then
    /// nothing was changed.
    Result<void> drop_group(std::string_view group);
    /// The group goes on with its options at `to`, forwards or backwards, with nothing pending; what was held before is
    /// fenced. Open consumers go on in the moved group with their next read. Decided as a drop is. Errors: those of
    /// both above.
    Result<void> move_group(std::string_view group, Position to);
    Result<std::vector<GroupInfo>> groups() const;
    Result<GroupInfo> group(std::string_view group) const;
    /// How long its entries waited: histograms of both delays since it was made or moved (GroupOptions::histograms).
    Result<GroupLatency> latency(std::string_view group) const;

    /// Joins a group. An empty name makes an anonymous consumer.
    /// Errors: `no_group`, `busy` (number: the pid that owns the name), `bad_name`, `too_many_consumers`,
    /// `not_allowed`.
    Result<Consumer> consumer(std::string_view group, std::string_view name = {});
    Result<std::vector<ConsumerInfo>> consumers(std::string_view group) const;

    // An operator's words: whoever holds the entry.
    /// Finishes a pending entry. Errors: `not_pending`, `no_group`, `out_of_range`, `too_many_pins`.
    Result<void> ack(std::string_view group, Sequence sequence);
    /// Gives a pending entry back for retry, counted as a failed delivery.
    Result<void> nack(std::string_view group, Sequence sequence);
    /// The same, with a wait of `delay` whatever the group says. What waits already is left as it is by both.
    Result<void> nack(std::string_view group, Sequence sequence, Duration delay);
    /// Takes what was delivered at least `idle` ago from whoever holds it, also from the living, and gives it back for
    /// retry; how many. The late ack of who held it answers `fenced`. Errors: those of a consumer and its claim.
    Result<std::uint64_t> claim(std::string_view group, const ClaimOptions& options);
    /// Makes a pending entry dead, whoever holds it: it is delivered no more (see below), whatever the group's limit.
    Result<void> make_dead(std::string_view group, Sequence sequence);
    /// Dead entries: failed as often as the group's `delivery_limit` says, or handed over 65,535 times. They stay
    /// pending and keep their room.
    Result<std::vector<PendingEntry>> dead(std::string_view group) const;
    /// Gives one, or all, back for retry with its counts begun anew; for all, says how many. Errors: `not_pending` if
    /// it is not dead or was handed over 65,535 times, `no_group`, `out_of_range`; `busy` (number: the pid) while a
    /// living process moves it to the dead-letter stream.
    Result<void> requeue_dead(std::string_view group, Sequence sequence);
    Result<std::uint64_t> requeue_dead(std::string_view group);
    /// Finishes one, or all; otherwise likewise.
    Result<void> drop_dead(std::string_view group, Sequence sequence);
    Result<std::uint64_t> drop_dead(std::string_view group);
    /// Moves the group's dead entries to its dead-letter stream, each exactly once; how many. Consumers of the group do
    /// so by themselves when they read. The error is that of the first that could not be moved; it stays dead, and the
    /// others are moved all the same: `bad_option` if the group has no dead-letter stream, `busy` (number: the pid)
    /// while a living process moves, `no_stream`, `full`, `too_large`, and whatever opening a stream may answer.
    Result<std::uint64_t> move_dead(std::string_view group);
    /// Adds entries of the group again that were moved to the stream `letters`, in their order, as new entries with
    /// their old key and payload, which every group of this stream is given. Each is sent back once, whatever earlier
    /// calls died of; the letters stay where they are. How many were added. An error ends it, and the next call goes on
    /// from there: `full`, `too_large`, `busy` (number: the pid) while a living process does the same,
    /// `too_many_names`, and whatever opening a stream may answer.
    Result<std::uint64_t> requeue_letters(std::string_view group, std::string_view letters);
    Result<PendingSummary> pending(std::string_view group) const;
    Result<std::vector<PendingEntry>> pending_entries(std::string_view group, const PendingFilter& filter = {}) const;

    // Reading without a group.
    Result<Reader> reader(Position from = Position::oldest());
    /// A reader of the entries between two places, both included and both found now.
    Result<Reader> reader(Position from, Position to);
    /// Copies of the entries from `first` to `last`, both included, at most `max_entries`, ascending; what is trimmed
    /// or not yet added is left out.
    Result<Copies> range(Sequence first, Sequence last, std::size_t max_entries = ~std::size_t{0}) const;
    /// The same, descending from `last`.
    Result<Copies> reverse_range(Sequence last, Sequence first, std::size_t max_entries = ~std::size_t{0}) const;
    /// The same between two places, such as the times of Position::at_time.
    Result<Copies> range(Position from, Position to, std::size_t max_entries = ~std::size_t{0}) const;
    Result<Copies> reverse_range(Position to, Position from, std::size_t max_entries = ~std::size_t{0}) const;

    // Retention.
    /// Gives up entries below `sequence`, as far as every group has finished them. `out_of_range` beyond the end.
    Result<TrimReport> trim_before(Sequence sequence);
    /// Gives up entries before a place, likewise: with Position::at_time those stamped earlier. A stamp is taken before
    /// its entry is added, so of entries added at nearly the same moment one more or less may go.
    Result<TrimReport> trim_before(Position position);
    /// Gives up all but the newest `count` entries, likewise.
    Result<TrimReport> trim_keep(std::uint64_t count);
    /// Gives up all but the newest entries that together take at most `bytes` of the payload area (header 32, key and
    /// payload, rounded up to the unit, which is 32 unless the payload is huge), likewise. Looks at each kept entry.
    Result<TrimReport> trim_keep_bytes(std::uint64_t bytes);

    /// Looks for dead owners now and hands on what they held, and moves what is dead to dead-letter streams. The first
    /// report of a handle includes what opening it found.
    Result<RecoveryReport> recover();

    [[nodiscard]] Result<StreamInfo> info() const;
    Result<std::vector<AttachmentInfo>> attachments() const;

    /// Detaches. Producers, consumers and readers made from this handle stay usable. Idempotent.
    void close() noexcept;

private:
    explicit Stream(std::shared_ptr<detail::StreamCore> core) noexcept;
    Result<Reader> make_reader(Position from, std::optional<Position> to);
    std::shared_ptr<detail::StreamCore> core_;
    std::unique_ptr<detail::ProducerCore> producer_;
};

}  // namespace shmq
