// Four producers and four consumers in two groups are killed and stopped at random, one every 1 to 10 ms, and started
// anew at once. In the end nothing may be lost, doubled, out of order or still held; what a death had in its hands, and
// only that, may have been delivered twice.
//
// SHMQ_KILL_SECONDS says how long, 30 by default; each round of ten begins with a new stream.
#include <cstdlib>
#include <optional>
#include <random>
#include <thread>

#include "kill/workers.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds round_length{10};

std::chrono::seconds whole_length() {
    const char* const text = std::getenv("SHMQ_KILL_SECONDS");
    return std::chrono::seconds(text == nullptr ? 30 : std::strtol(text, nullptr, 10));
}

struct Tally {
    std::uint64_t kills = 0;
    std::uint64_t stops = 0;
    std::uint64_t entries = 0;
    std::uint64_t redelivered = 0;
};

/// A place for one process after the other.
class Slot {
public:
    Slot(std::string path, Ledger& ledger, std::uint32_t number)
        : path_(std::move(path)), ledger_(ledger), number_(number) {
        start();
    }

    void kill() {
        if (child_->has_ended()) ledger_.violate("the process of slot " + std::to_string(number_) + " ended by itself");
        ledger_.will_be_killed(life_);
        child_->kill();  // a stopped one too
        resume_at_.reset();
        start();
    }
    void stop_until(Clock::time_point when) {
        if (!resume_at_) ::kill(child_->pid(), SIGSTOP);
        resume_at_ = when;
    }
    void resume_if_due(Clock::time_point now) {
        if (!resume_at_ || now < *resume_at_) return;
        child_->resume();
        resume_at_.reset();
    }
    void expect_good_end() {
        EXPECT_EQ(child_->wait(), 0) << "of slot " << number_;
        child_.reset();
    }

private:
    void start() {
        life_ = ledger_.begin_life();
        const bool produces = number_ < producers_in_loop;
        child_.emplace([&](Link&) {
            return produces ? produce(path_, ledger_, number_, life_)
                            : consume(path_, ledger_, number_ - producers_in_loop, life_);
        });
    }

    std::string path_;
    Ledger& ledger_;
    std::uint32_t number_;
    std::uint32_t life_ = 0;
    std::optional<Child> child_;
    std::optional<Clock::time_point> resume_at_;
};

/// Nothing is held by anybody, and all of the ring and of the payload can be used.
void expect_rest(const std::string& path) {
    Stream stream = must(Stream::open(path));
    must(stream.recover());
    const StreamInfo info = must(stream.info());
    EXPECT_EQ(info.attachments, 1u);
    EXPECT_EQ(info.producers, 0u);
    EXPECT_EQ(info.chunks_owned, 0u);
    EXPECT_EQ(info.pins, 0u);
    EXPECT_EQ(info.parked, 0u);
    for (const GroupInfo& group : must(stream.groups())) {
        EXPECT_EQ(group.pending, 0u) << group.name;
        EXPECT_EQ(group.consumers, 0u) << group.name;
    }
    std::uint64_t fitted = 0;
    for (const std::string payload = payload_of(1, info.chunk_size - 200); stream.add(payload); ++fitted) continue;
    EXPECT_GE(fitted, info.options.chunks - 4) << "chunks are lost";
    stream = must(Stream::open(path));
    while (stream.add("x")) continue;
    const StreamInfo full = must(stream.info());
    EXPECT_GE(full.next - full.first, fitted);
}

class KillLoop : public ::testing::Test {
protected:
    void work(Ledger& ledger, std::vector<Slot>& slots, Clock::time_point until) {
        while (Clock::now() < until && ledger.violations() == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(1000 + random_() % 9000));
            const auto now = Clock::now();
            for (Slot& slot : slots) slot.resume_if_due(now);
            Slot& slot = slots[random_() % slots.size()];
            if (random_() % 5 == 0) {
                slot.stop_until(now + std::chrono::milliseconds(1 + random_() % 40));
                ++tally_.stops;
            } else {
                slot.kill();
                ++tally_.kills;
            }
        }
        for (Slot& slot : slots) slot.resume_if_due(Clock::time_point::max());
    }

    void run_round(Clock::duration length) {
        const Folder folder;
        const std::string path = folder / "s";
        Ledger ledger;
        {
            Stream stream = must(Stream::create(path, kill_options()));
            GroupOptions keyed;
            keyed.order = Order::by_key;
            must(stream.create_group(group_names[0]));
            must(stream.create_group(group_names[1], Position::oldest(), keyed));
        }
        std::vector<Slot> slots;
        slots.reserve(producers_in_loop + consumers_in_loop);
        for (std::uint32_t i = 0; i < producers_in_loop + consumers_in_loop; ++i) slots.emplace_back(path, ledger, i);
        work(ledger, slots, Clock::now() + length);
        ledger.enter(Phase::draining);
        for (std::size_t i = 0; i < producers_in_loop; ++i) slots[i].expect_good_end();
        ledger.enter(Phase::ending);
        for (std::size_t i = producers_in_loop; i < slots.size(); ++i) slots[i].expect_good_end();
        const Sequence next = must(must(Stream::open(path)).info()).next;
        ledger.check(next);
        EXPECT_EQ(ledger.violations(), 0u);
        expect_rest(path);
        EXPECT_EQ(folder.count(), 1u);
        tally_.entries += next - 1;
        tally_.redelivered += ledger.redelivered();
    }

    const std::uint64_t seed_ = std::random_device()();
    std::mt19937_64 random_{seed_};
    Tally tally_;
};

TEST_F(KillLoop, loses_doubles_disorders_and_leaks_nothing) {
    SCOPED_TRACE("seed " + std::to_string(seed_));
    const auto end = Clock::now() + whole_length();
    while (Clock::now() < end && !HasFailure()) run_round(std::min<Clock::duration>(end - Clock::now(), round_length));
    EXPECT_GT(tally_.kills, 0u);
    std::printf("%llu kills and %llu stops among %llu entries, of which %llu were delivered again: %s\n",
                static_cast<unsigned long long>(tally_.kills), static_cast<unsigned long long>(tally_.stops),
                static_cast<unsigned long long>(tally_.entries), static_cast<unsigned long long>(tally_.redelivered),
                HasFailure() ? "something is wrong" : "0 lost, 0 doubled, 0 out of order, nothing held");
}

}  // namespace
}  // namespace shmq::test
