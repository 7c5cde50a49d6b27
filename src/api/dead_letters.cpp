// Movers: one session opens the target, settles what was left half done, and moves what is dead.
#include "api/dead_letters.hpp"

#include <filesystem>

#include "api/consumer_core.hpp"
#include "api/producer_core.hpp"
#include "api/reader_core.hpp"
#include "group/dead_move.hpp"
#include "group/group_options.hpp"
#include "group/group_row.hpp"
#include "group/order.hpp"
#include "log/copy.hpp"

namespace shmq::detail {

namespace {

constexpr std::size_t most_in_read = 64;  // entries that one read moves

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) noexcept {
    hash ^= value + 0x9e37'79b9'7f4a'7c15 + (hash << 6) + (hash >> 2);
    hash *= 0xbf58'476d'1ce4'e5b9;
    return hash ^ hash >> 31;
}

/// Which segment it is, never 0.
std::uint64_t hash_of(const HomeFile& home) noexcept {
    const std::uint64_t hash = mixed(mixed(mixed(1, home.device), home.inode), home.created_ns);
    return hash != 0 ? hash : 1;
}

HomeFile home_of(const StreamCore& stream) noexcept { return shmq::home_of(stream.segment().base()); }

bool is_same(const HomeFile& a, const HomeFile& b) noexcept { return a.device == b.device && a.inode == b.inode; }

std::string_view word_of(DeadReason reason) noexcept {
    switch (reason) {
        case DeadReason::none: break;
        case DeadReason::nacked: return "nacked";
        case DeadReason::claimed: return "claimed";
        case DeadReason::died: return "died";
        case DeadReason::hand_overs: return "hand-overs";
    }
    return "unknown";
}

Error missing(std::string_view group, const std::string& target) noexcept {
    return text_error(Code::no_stream, 0,
                      "dead entries of group %.*s move to stream %s, which is not there; `shmq create %s` makes it",
                      static_cast<int>(group.size()), group.data(), target.c_str(), target.c_str());
}

/// Whether a group of `target` moves its dead entries to `source`.
bool sends_back(const StreamCore& target, const HomeFile& source) {
    const Segment& segment = target.segment();
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row) {
        if (!is_in_directory(segment, row) || !has_dead_letter(segment.group(row))) continue;
        const auto path = os::segment_path(options_of(segment.group(row)).dead_letter);
        if (!path) continue;
        const auto file = os::open_segment(*path, false);
        if (!file) continue;
        const auto identity = os::identity(*file);
        if (identity && is_same({identity->device, identity->inode, 0}, source)) return true;
    }
    return false;
}

Result<void> check_target(const StreamCore& source, const StreamCore& target) noexcept {
    if (is_same(home_of(source), home_of(target)))
        return text_error(Code::bad_option, 0, "dead_letter is the stream itself (%s); choose another stream",
                          target.path().c_str());
    if (target.geometry().producer_names == 0)
        return text_error(Code::bad_option, 0,
                          "dead_letter is %s, which keeps no names of producers; create it with --producer-names 1 or "
                          "more",
                          target.name().c_str());
    return {};
}

/// One mover at work. It exists only while this process is the group's mover.
class Mover {
public:
    Mover(StreamCore& source, std::uint32_t group) noexcept
        : source_(source), row_(group), group_(row_name(source.segment().group(group).name)) {}
    Mover(const Mover&) = delete;
    Mover& operator=(const Mover&) = delete;
    ~Mover() {
        producer_.reset();  // the name first, so that the next mover finds it free
        if (is_mover_) give_back_mover(segment(), source_.id(), row_);
    }

    /// Becomes the mover, opens the target, and settles what the mover before left.
    Result<void> begin();
    /// Moves one entry; true if it was.
    Result<bool> move(Sequence sequence);

private:
    [[nodiscard]] const Segment& segment() const noexcept { return source_.segment(); }
    Result<void> become_mover();
    Result<void> open_target();
    void settle(bool target_is_gone) noexcept;
    Result<Sequence> add_letter(const DeadMove& move, const EntryFields& header, const DeliveryFacts& facts);

    StreamCore& source_;
    std::uint32_t row_;
    RowName group_;
    bool is_mover_ = false;
    std::shared_ptr<StreamCore> target_;
    std::unique_ptr<ProducerCore> producer_;
    CopyBuffer buffer_;
};

Result<void> Mover::become_mover() {
    OwnerWord owner{};
    is_mover_ = take_mover(segment(), source_.id(), row_, owner);
    // Each turn scans once; somebody else may begin in between, and is then alive.
    for (int turn = 0; !is_mover_ && turn < 4 && source_.owner_of(owner) != Owner::alive; ++turn) {
        source_.scan_now();
        is_mover_ = take_mover(segment(), source_.id(), row_, owner);
    }
    if (is_mover_) return {};
    const std::uint32_t owner_row = std::min(owner.row, source_.geometry().attachments - 1);
    const std::uint32_t pid = segment().attachment(owner_row).pid.load(memory_order_relaxed);  // for people
    return text_error(Code::busy, pid, "process %u, which lives, is moving dead entries of group %.*s", pid,
                      static_cast<int>(group_.size), group_.bytes);
}

Result<void> Mover::open_target() {
    const std::string name = options_of(segment().group(row_)).dead_letter;
    auto target = StreamCore::open(name, OpenOptions{});
    if (!target) return target.error().code() == Code::no_stream ? missing(group_.view(), name) : target.error();
    if (auto fine = check_target(source_, **target); !fine) return fine;
    auto producer = ProducerCore::with_name(*target, letter_producer("dead", source_, group_.view()));
    if (!producer) return producer.error();
    target_ = std::move(*target);
    producer_ = std::move(*producer);
    return {};
}

/// Ends what the mover before left. A letter to another segment of the target's name went with that segment, or never
/// was: the entry is moved anew.
void Mover::settle(bool target_is_gone) noexcept {
    const auto move = unsettled_move(segment(), row_);
    if (!move) return;
    const bool added =
        !target_is_gone && move->target == hash_of(home_of(*target_)) && producer_->last_add().number == move->number;
    if (added)
        finish_move(segment(), row_, *move);
    else
        undo_move(segment(), row_, *move);
}

Result<void> Mover::begin() {
    if (auto fine = become_mover(); !fine) return fine;
    auto opened = open_target();
    if (opened || opened.error().code() == Code::no_stream) settle(!opened);
    return opened;
}

/// `header` and the buffer hold a copy of the entry.
Result<Sequence> Mover::add_letter(const DeadMove& move, const EntryFields& header, const DeliveryFacts& facts) {
    const std::byte* const bytes = buffer_.room(0);
    const PendingWord dead = unpack_pending(source_.geometry(), move.record);
    const std::string failures = std::to_string(facts.failures);
    const std::string deaths = std::to_string(facts.deaths);
    const std::string from = std::to_string(move.sequence);
    const std::string time = std::to_string(header.time_ns);
    const std::string stream = source_.name()[0] == '.' ? absolute_path(source_) : source_.name();
    const Field fields[] = {{"stream", stream},
                            {"group", group_.view()},
                            {"sequence", from},
                            {"failures", failures},
                            {"deaths", deaths},
                            {"reason", word_of(reason_of(dead, facts))},
                            {"time_ns", time},
                            {"kind", header.is_fields() ? std::string_view("fields") : std::string_view("bytes")},
                            {"payload", Bytes{bytes + round_up(header.key_size, key_alignment), header.size}}};
    AddOptions options;
    options.key = {bytes, header.key_size};
    options.number = move.number;
    return producer_->add_fields(fields, options);
}

Result<bool> Mover::move(Sequence sequence) {
    if (!may_finish(segment(), row_, sequence)) return Error(Code::out_of_order, sequence);
    auto found = find_movable(segment(), row_, sequence);
    if (!found) {
        // Ended meanwhile; or marked, although nobody moves it: only damage does that.
        undo_move(segment(), row_, {sequence, 0, 0, 0});
        found = find_movable(segment(), row_, sequence);
    }
    if (!found) return false;
    EntryFields header;
    if (!copy_entry_at(segment(), found->place, buffer_, header)) {
        if (!find_movable(segment(), row_, sequence)) return false;  // ended meanwhile
        const std::uint64_t offset =
            segment().offset_of(segment().payload()) + (found->place << segment().geometry().unit_bits);
        return text_error(Code::corrupt, sequence,
                          "entry %llu at byte %llu of the segment is dead and damaged; `shmq ack` ends it",
                          static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(offset));
    }
    const DeadMove move{sequence, producer_->last_add().number + 1, hash_of(home_of(*target_)), found->record};
    const auto facts = begin_move(segment(), row_, move, source_.now_ms());
    if (!facts) return false;
    const auto added = add_letter(move, header, *facts);
    if (!added) {
        undo_move(segment(), row_, move);
        return added.error();
    }
    finish_move(segment(), row_, move);
    return true;
}

/// Whether an error is of this one entry, so that others can be moved all the same.
bool is_of_one_entry(Code code) noexcept {
    return code == Code::too_large || code == Code::corrupt || code == Code::out_of_order;
}

}  // namespace

std::string absolute_path(const StreamCore& stream) {
    return std::filesystem::absolute(stream.path()).lexically_normal().string();
}

// It need not be another name when the group is made anew: numbers go on, and an intent is never older than its group.
std::string letter_producer(std::string_view prefix, const StreamCore& from, std::string_view group) {
    std::uint64_t hash = hash_of(home_of(from));
    for (const char c : group) hash = mixed(hash, static_cast<unsigned char>(c));
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
    std::string name = std::string(prefix) + "." + digits + "." + std::string(group);
    name.resize(std::min(name.size(), max_name));
    return name;
}

Result<void> check_dead_letter(const StreamCore& source, GroupOptions& options) {
    if (options.dead_letter.empty()) return {};
    if (auto fine = check_options(options); !fine) return fine;
    OpenOptions read_only;
    read_only.read_only = true;
    const auto target = StreamCore::open(options.dead_letter, read_only);
    if (!target) {
        if (target.error().code() != Code::no_stream) return target.error();
        return text_error(Code::no_stream, 0,
                          "dead_letter is %s, and there is no such stream; `shmq create %s` makes it",
                          options.dead_letter.c_str(), options.dead_letter.c_str());
    }
    if (auto fine = check_target(source, **target); !fine) return fine;
    if (sends_back(**target, home_of(source)))
        return text_error(Code::bad_option, 0, "dead_letter is %s, a group of which moves its dead entries back here",
                          options.dead_letter.c_str());
    if (options.dead_letter[0] == '.')  // a path from where this process stands, which others do not
        options.dead_letter = absolute_path(**target);
    return check_options(options);
}

MoveReport move_dead(StreamCore& source, std::uint32_t group, std::size_t most) {
    const Segment& segment = source.segment();
    MoveReport report;
    const auto later = [&](const Error& why) {
        if (report.why.code() == Code::ok) report.why = why;
        expect_dead(segment, group, source.now_ms(), move_again_ms);
    };
    Mover mover(source, group);
    if (auto begun = mover.begin(); !begun) {
        later(begun.error());
        return report;
    }
    const std::vector<Sequence> dead = dead_to_move(segment, group, most);
    for (const Sequence sequence : dead) {
        const auto moved = mover.move(sequence);
        report.moved += moved && *moved ? 1u : 0u;
        if (moved) continue;
        later(moved.error());
        if (!is_of_one_entry(moved.error().code())) break;
    }
    if (dead.size() == most && report.why.code() == Code::ok)
        expect_dead(segment, group, source.now_ms(), 0);  // there may be more
    return report;
}

Result<void> settle_move(StreamCore& source, std::uint32_t group) {
    Mover mover(source, group);
    auto begun = mover.begin();
    // Without the target the letter is gone too, and the entry is as it was.
    return !begun && begun.error().code() == Code::no_stream ? Result<void>() : begun;
}

std::uint64_t move_all_dead(StreamCore& source) {
    const Segment& segment = source.segment();
    std::uint64_t moved = 0;
    for (std::uint32_t row = 0; row < segment.geometry().group_rows; ++row) {
        if (!is_in_directory(segment, row)) continue;
        const Visit visit(source.visits(), row);
        const GroupWord word = unpack_group(segment.group(row).word.load(memory_order_seq_cst));
        if (word.state != GroupState::active || !has_dead_letter(segment.group(row))) continue;
        if (dead_to_move(segment, row, 1).empty()) continue;
        moved += move_dead(source, row).moved;
    }
    return moved;
}

DeadReason reason_of(const PendingWord& dead, const DeliveryFacts& facts) noexcept {
    if (dead.handover >= last_handover) return DeadReason::hand_overs;
    switch (facts.ending) {
        case Ending::released: break;
        case Ending::failed: return DeadReason::nacked;
        case Ending::claimed: return DeadReason::claimed;
        case Ending::died: return DeadReason::died;
    }
    return DeadReason::none;
}

void ConsumerCore::move_dead_letters() {
    const std::uint64_t now_ms = stream_->now_ms();
    if (now_ms < next_move_ms_) return;
    const MoveReport report = move_dead(*stream_, row(), most_in_read);
    // Who could not goes on with what it is here for, and tries again later.
    next_move_ms_ = report.why.code() == Code::ok ? 0 : now_ms + move_again_ms;
}

}  // namespace shmq::detail
