// Failures name what was found; the caller's SCOPED_TRACE names operation, ring and point.
#include "crash/survivor.hpp"

#include <algorithm>

#include "crash/key_order.hpp"

namespace shmq::test {

Survivor::Survivor(const std::string& path, const StreamOptions& options, Ring ring, Order order, bool holds)
    : options_(options), stream_(must(Stream::create(path, options))), order_(order) {
    must(stream_.create_group("work", Position::oldest(), group_options()));
    if (ring == Ring::middle)
        for (int i = 0; i < 5; ++i) add(60 + 200 * static_cast<std::size_t>(i));
    if (ring == Ring::wrap) {
        Consumer consumer = must(stream_.consumer("work", "builder"));
        for (int i = 0; i < 13; ++i) {
            add(100);
            Batch batch = must(consumer.read());
            finish(batch);
        }
        for (int i = 0; i < 6; ++i) add(100);
    }
    if (ring == Ring::full)
        while (add(100)) continue;
    stream_ = must(Stream::open(path));  // its producer is closed, so that chunks stand unfinished
    start_ = must(stream_.group("work")).start;
    if (!holds) return;
    holder_ = must(stream_.consumer("work", "holder"));
    if (auto batch = holder_.read(reading(6))) held_ = std::move(*batch);
}

template <class Call>
auto Survivor::timed(Call call) {
    const auto begin = std::chrono::steady_clock::now();
    auto answer = call();
    longest_call_ = std::max<std::chrono::nanoseconds>(longest_call_, std::chrono::steady_clock::now() - begin);
    return answer;
}

GroupOptions Survivor::group_options() const {
    GroupOptions group;
    group.histograms = true;
    group.order = order_;
    return group;
}

/// The line of an entry that was added here; 0 if it is in none.
int Survivor::line_of_entry(Sequence sequence) const {
    const auto known = order_ == Order::none ? known_.end() : known_.find(sequence);
    return known == known_.end() ? 0 : line_of(order_, key_of(known->second));
}

bool Survivor::add(std::size_t size) {
    const std::string key = order_ == Order::none ? std::string() : key_of(number_);
    AddOptions add;
    add.key = bytes_of(key);
    const auto sequence = stream_.add(payload_of(number_, size), add);
    if (!sequence) {
        EXPECT_EQ(sequence.error().code(), Code::full) << sequence.error().message();
        return false;
    }
    EXPECT_TRUE(known_.emplace(*sequence, number_++).second) << *sequence << " was given to two entries";
    return true;
}

/// Acks every entry of the batch, each for the first time.
void Survivor::finish(Batch& batch) {
    for (const Entry& entry : batch) {
        EXPECT_TRUE(number_of(entry.payload())) << entry.sequence();
        if (const auto known = known_.find(entry.sequence()); known != known_.end()) {
            EXPECT_EQ(number_of(entry.payload()), known->second);
        }
        if (!batch.ack(entry.sequence())) continue;
        EXPECT_TRUE(acked_.insert(entry.sequence()).second || helped_to_move_) << entry.sequence() << " acked twice";
        const int line = line_of_entry(entry.sequence());
        if (line == 0) continue;
        EXPECT_LT(last_acked_[line], entry.sequence()) << "acked out of order";
        last_acked_[line] = entry.sequence();
    }
}

/// Whatever others took of it, the bytes are there still, and an ack says what is so.
void Survivor::finish_what_is_held() {
    for (Batch* batch : {&claimed_, &behind_, &held_}) {
        finish(*batch);
        batch->close();
    }
    taker_ = Consumer();
    holder_ = Consumer();
}

void Survivor::lap(Effect effect) {
    // The actor's move may be completed by us, between two entries.
    helped_to_move_ = effect == Effect::moves && !moved_;
    const auto may_be_gone = [&](const Error& error) {
        return error.code() == Code::no_group && effect == Effect::drops && !moved_;
    };
    auto consumer = stream_.consumer("work", "lapper");
    EXPECT_TRUE(consumer || may_be_gone(consumer.error())) << consumer.error().message();
    for (std::uint64_t i = 0; i < 2 * options_.slots + 3; ++i) {
        const std::size_t size = i % 7 == 3 ? 1500 : 100;
        const bool added = timed([&] { return add(size); });
        while (consumer) {
            auto batch = timed([&] { return consumer->read(reading(8)); });
            if (!batch) {
                EXPECT_TRUE(batch.error().code() == Code::empty || may_be_gone(batch.error()))
                    << batch.error().message();
                break;
            }
            for (const Entry& entry : *batch) EXPECT_EQ(wrong_to_give(stream_, order_, entry, "lapper"), "");
            finish(*batch);
        }
        if (added) continue;
        if (consumer)
            if (auto batch = timed([&] { return consumer->claim(ClaimOptions{}); })) finish(*batch);
        // However far the actor came with the group, it does not hold the room: what it held is claimed, or gone. Only
        // a group of its own may, which nobody reads.
        if ((effect != Effect::none || moved_) && code_of(stream_.group("fresh")) == Code::no_group) {
            EXPECT_TRUE(add(size)) << "the stream is held up";
        }
    }
}

void Survivor::move_and_lap(Effect effect) {
    if (const auto moved = stream_.move_group("work", Position::newest()); code_of(moved) == Code::no_group)
        must(stream_.create_group("work", Position::newest(), group_options()));  // the actor dropped it
    else
        must(moved);
    lap_moved(effect);
}

void Survivor::drop_make_and_lap(Effect effect) {
    if (const auto dropped = stream_.drop_group("work"); code_of(dropped) != Code::no_group) must(dropped);
    must(stream_.create_group("work", Position::newest(), group_options()));
    lap_moved(effect);
}

void Survivor::take_over() {
    ClaimOptions first;
    first.max_entries = 1;
    taker_ = must(stream_.consumer("work", "taker"));
    if (auto batch = taker_.claim(first)) claimed_ = std::move(*batch);
    if (auto batch = taker_.read(reading(2))) behind_ = std::move(*batch);
    for (const Batch* batch : {&claimed_, &behind_})
        for (const Entry& entry : *batch) EXPECT_EQ(wrong_to_give(stream_, order_, entry, "taker"), "");
}

/// What the actor had decided was completed before the group was moved here, and what it had not decided is void now:
/// while it stands still, nothing moves the group again.
void Survivor::lap_moved(Effect effect) {
    moved_ = true;
    start_ = must(stream_.group("work")).start;
    acked_.clear();
    last_acked_.clear();
    lap(effect);
    EXPECT_EQ(must(stream_.group("work")).start, start_);
}

void Survivor::check_log() {
    const StreamInfo info = must(stream_.info());
    const Copies copies = must(stream_.range(info.first, info.next));
    ASSERT_EQ(copies.size(), info.next - info.first);
    for (std::size_t i = 0; i < copies.size(); ++i) {
        EXPECT_EQ(copies[i].sequence(), info.first + i);
        const auto number = number_of(copies[i].payload());
        EXPECT_TRUE(number) << "bytes of " << copies[i].sequence();
        if (const auto known = known_.find(copies[i].sequence()); known != known_.end()) {
            EXPECT_EQ(number, known->second);
        }
    }
    for (const auto& [sequence, number] : known_) EXPECT_LT(sequence, info.next) << "a committed entry is lost";
}

void Survivor::drain(Effect effect, std::set<Sequence> may_be_acked) {
    if (code_of(stream_.group("work")) == Code::no_group) {
        EXPECT_EQ(effect, Effect::drops) << "the group is gone";
        must(stream_.create_group("work", Position::oldest(), group_options()));
        acked_.clear();
        last_acked_.clear();
    }
    const bool counts = effect != Effect::moves;
    const GroupInfo before = must(stream_.group("work"));
    const StreamInfo info = must(stream_.info());                // of now: acks may lift the trim point
    const GroupLatency latency = must(stream_.latency("work"));  // each entry once at most, whoever died
    EXPECT_LE(latency.added_to_delivered.count, info.next - 1);
    EXPECT_LE(latency.delivered_to_acked.count, info.next - 1);
    Consumer consumer = must(stream_.consumer("work", "survivor"));
    std::set<Sequence> delivered;
    must(stream_.requeue_dead("work"));
    for (;;) {
        const bool more_comes = must(stream_.group("work")).delayed != 0;
        auto batch = consumer.read(reading(5, more_comes ? forever : Duration{0}));
        if (!batch) {
            EXPECT_EQ(batch.error().code(), Code::empty) << batch.error().message();
            break;
        }
        for (const Entry& entry : *batch) {
            EXPECT_TRUE(number_of(entry.payload())) << entry.sequence();
            EXPECT_EQ(wrong_to_give(stream_, order_, entry, "survivor"), "");
            EXPECT_TRUE(delivered.insert(entry.sequence()).second) << entry.sequence() << " delivered twice";
            if (counts) {
                EXPECT_FALSE(acked_.contains(entry.sequence())) << entry.sequence() << " delivered after its ack";
            }
            EXPECT_TRUE(batch->ack(entry.sequence())) << entry.sequence();
        }
    }
    for (Sequence s = before.start; counts && s < info.next; ++s)
        EXPECT_TRUE(delivered.contains(s) || acked_.contains(s) || may_be_acked.contains(s))
            << s << " was lost for the group";
    check_finished_in_order(before.start, info.next, delivered);
    if (!counts) check_moved(before.start, info.next, delivered, may_be_acked);
    const GroupInfo after = must(stream_.group("work"));
    EXPECT_EQ(after.lag, 0u);
    EXPECT_EQ(after.pending, 0u);
    EXPECT_EQ(after.retry, 0u);
    EXPECT_EQ(after.consumers, 1u);
}

/// What nobody had to be given any more, of each line, is its beginning: it was finished in sequence order.
void Survivor::check_finished_in_order(Sequence start, Sequence next, const std::set<Sequence>& delivered) {
    std::map<int, Sequence> unfinished;
    for (Sequence s = start; s < next; ++s) {
        const int line = line_of_entry(s);
        if (line == 0) continue;
        const Sequence first_unfinished = unfinished.contains(line) ? unfinished[line] : s;
        if (delivered.contains(s)) unfinished.try_emplace(line, s);
        EXPECT_TRUE(delivered.contains(s) || first_unfinished == s) << s << " finished before " << first_unfinished;
    }
}

/// A group that was to be moved is where it was, with what is not acked; or at its new place, with all from there on.
/// What is not acked may be parked, so it is looked for below the ring too; and the actor acked whatever it told of,
/// before it came to the move, which acks nothing.
void Survivor::check_moved(Sequence start, Sequence next, const std::set<Sequence>& delivered,
                           const std::set<Sequence>& acked_by_actor) {
    std::set<Sequence> kept;
    std::set<Sequence> unacked;
    for (Sequence s = start; s < next; ++s) {
        kept.insert(s);
        if (acked_.contains(s)) continue;
        if (start != start_ || !acked_by_actor.contains(s)) unacked.insert(s);
    }
    if (helped_to_move_) {  // who acked what before the move and what after is not known
        EXPECT_TRUE(std::includes(delivered.begin(), delivered.end(), unacked.begin(), unacked.end()))
            << "the moved group misses entries";
        return;
    }
    EXPECT_TRUE(delivered == kept || (start == start_ && delivered == unacked)) << "the moved group misses entries";
}

void Survivor::go_on() {
    if (code_of(stream_.group("fresh")) == Code::ok) must(stream_.drop_group("fresh"));  // it would hold the ring
    Consumer consumer = must(stream_.consumer("work", "survivor"));
    for (std::uint64_t i = 0; i < 3 * options_.slots; ++i) {
        const auto sequence = stream_.add(payload_of(i, i % 5 == 4 ? 2800 : 100 + i));
        ASSERT_TRUE(sequence) << sequence.error().message();
        auto batch = consumer.read();
        ASSERT_TRUE(batch) << batch.error().message();
        EXPECT_EQ(sequences_of(batch->entries()), std::vector<Sequence>{*sequence});
        EXPECT_EQ(number_of((*batch)[0].payload()), i);
        EXPECT_TRUE(batch->ack());
    }
    // Every chunk but the producers' own can be filled.
    std::uint64_t fitted = 0;
    for (; stream_.add(payload_of(fitted, 990)); ++fitted) continue;
    EXPECT_GE(fitted, std::min<std::uint64_t>(options_.slots, options_.chunks - 4)) << "chunks are lost";
    for (; fitted > 0; --fitted) EXPECT_TRUE(must(consumer.read(reading(1))).ack());
}

void Survivor::check_rows() {
    std::vector<Producer> producers;
    stream_ = must(Stream::open(must(stream_.info()).path));
    for (std::uint32_t i = 0; i < options_.producers; ++i) {
        producers.push_back(must(stream_.producer()));
        const auto added = producers.back().add(payload_of(i));
        EXPECT_TRUE(added) << "producer rows are lost: " << added.error().message();
    }
    producers.clear();
    {
        std::vector<Consumer> consumers;
        for (std::uint32_t i = 0; i < options_.consumers; ++i) {
            auto consumer = stream_.consumer("work");
            ASSERT_TRUE(consumer) << "consumer rows are lost: " << consumer.error().message();
            consumers.push_back(std::move(*consumer));
        }
        while (auto batch = consumers[0].read()) must(batch->ack());
    }
    const StreamInfo info = must(stream_.info());
    EXPECT_EQ(info.chunks_owned, 0u);
    EXPECT_EQ(info.producers, 0u);
    EXPECT_EQ(info.pins, 0u);
    EXPECT_EQ(info.attachments, 1u);
    std::vector<Stream> streams;
    for (std::uint32_t i = 1; i < options_.attachments; ++i) {
        auto stream = Stream::open(info.path);
        ASSERT_TRUE(stream) << "attachment rows are lost: " << stream.error().message();
        streams.push_back(std::move(*stream));
    }
}

void Survivor::check_groups() {
    for (int turn = 0; turn < 3; ++turn) {
        std::vector<std::string> made;
        for (std::size_t count = must(stream_.groups()).size(); count < options_.groups; ++count) {
            made.push_back("made" + std::to_string(count));
            const auto created = stream_.create_group(made.back());
            EXPECT_TRUE(created) << "group rows are lost: " << created.error().message();
        }
        EXPECT_TRUE(stream_.move_group("work", Position::newest()));
        for (const std::string& name : made) EXPECT_TRUE(stream_.drop_group(name));
    }
}

void Survivor::check(Effect effect, const std::vector<Sequence>& may_be_acked, const std::vector<Sequence>& acked) {
    ASSERT_TRUE(stream_.recover());
    for (const Sequence sequence : acked) EXPECT_TRUE(acked_.insert(sequence).second) << sequence << " acked by both";
    EXPECT_EQ(wrong_in_flight(stream_, order_, true), "");
    finish_what_is_held();
    check_log();
    // Where there is room: into chunks that the actor left, beside what stands there.
    for (const std::size_t size : {400u, 400u, 100u, 900u}) add(size);
    check_log();
    if (::testing::Test::HasFatalFailure()) return;
    drain(effect, {may_be_acked.begin(), may_be_acked.end()});
    go_on();
    if (::testing::Test::HasFatalFailure()) return;
    check_rows();
    check_groups();
}

}  // namespace shmq::test
