// Two handles at work on the same few entries: all that the one does comes between two accesses of the other, at each
// place in turn. Both must come to a valid end, and the accounts must be right.
//
// In one process and without waiting, so that a thousand such orders take a second; where a process stands still and
// others lap the ring meanwhile is stop_test.cpp.
#include <algorithm>

#include "crash/interruption.hpp"
#include "crash/survivor.hpp"
#include "support/proof.hpp"

namespace shmq::test {
namespace {

/// Of these is what comes in between. None of them is about the group as a whole, and none fills the ring.
constexpr std::string_view others[] = {
    "add_over_chunks", "use_loans",     "close_producer", "add_numbered", "read_new",    "read_retry",
    "claim",           "ack_all",       "nack",           "read_due",     "close_batch", "close_consumer",
    "operator_ack",    "operator_nack", "extend",         "create_group", "trim",        "recover"};

const Operation& operation_named(std::string_view name) {
    const auto all = operations();
    return *std::find_if(all.begin(), all.end(), [&](const Operation& one) { return one.name == name; });
}

/// Of the selection, each operation meets a third of the others, and each pair begins at another place.
constexpr std::uint64_t selected_step = 11;
constexpr std::uint64_t proof_step = 5;  // each pair begins at another place, so that each place is met by some
std::uint64_t step() { return whole_proof() ? proof_step : selected_step; }
bool is_selected(std::size_t one, std::size_t other) { return whole_proof() || (one + other) % 3 == 0; }

void begin(Actor& actor, const std::string& path, const Operation& operation, const char* suffix) {
    actor.path = path;
    actor.suffix = suffix;
    actor.stream = must(Stream::open(path));
    operation.prepare(actor);
}

/// What it holds may be acked by its operation; what it was told before is known.
std::vector<Sequence> may_ack(const Actor& actor, const Operation& operation) {
    std::vector<Sequence> all = actor.told;
    if (operation.may_ack)
        for (const Entry& entry : actor.batch) all.push_back(entry.sequence());
    return all;
}

void expect_bytes(const Actor& actor) {
    for (const Batch* batch : {&actor.batch, &actor.other_batch, &actor.behind})
        for (const Entry& entry : *batch) EXPECT_TRUE(number_of(entry.payload())) << entry.sequence();
}

/// Whether it may end deliveries of others, or its own in another way than by its batches. Where there is an order, who
/// is given an earlier entry takes the later ones back.
bool takes_away(const Operation& operation) {
    const std::string_view name = operation.name;
    return name.find("claim") != std::string_view::npos || name.find("operator") != std::string_view::npos;
}
void expect_held(const Actor& actor) {
    for (const Batch* batch : {&actor.batch, &actor.other_batch, &actor.behind})
        for (const Entry& entry : *batch)
            EXPECT_TRUE(batch->holds(entry.sequence())) << entry.sequence() << " was taken away";
}

class Interleaved : public ::testing::TestWithParam<std::size_t> {};

/// False if the one was through before its access `at`.
bool interleave(const Operation& one, const Operation& other, Ring ring, std::uint64_t at) {
    SCOPED_TRACE(std::string(other.name) + " before access " + std::to_string(at) + " of " + one.name + ", ring " +
                 std::to_string(static_cast<int>(ring)));
    Folder folder;
    Survivor survivor(folder / "s", small_options(), ring, one.order, one.survivor_holds);
    std::vector<Sequence> may_be_acked;
    bool came = false;
    {
        Actor first;
        Actor second;
        begin(first, folder / "s", one, "");
        begin(second, folder / "s", other, "2");
        second.next_number *= 2;
        may_be_acked = may_ack(first, one);
        const std::vector<Sequence> of_second = may_ack(second, other);
        may_be_acked.insert(may_be_acked.end(), of_second.begin(), of_second.end());
        first.told.clear();
        second.told.clear();
        came = interrupt([&] { one.act(first); }, std::nullopt, at, [&] { other.act(second); });
        for (const Sequence sequence : second.told)
            EXPECT_EQ(std::count(first.told.begin(), first.told.end(), sequence), 0) << sequence << " acked by both";
        expect_bytes(first);
        expect_bytes(second);
        if (!takes_away(one) && !takes_away(other) && one.order == Order::none) {
            expect_held(first);
            expect_held(second);
        }
    }
    survivor.check(one.effect, may_be_acked, {});
    return came;
}

TEST_P(Interleaved, with_others_between_any_two_accesses_leaves_nothing_lost_or_held) {
    const Operation& one = operations()[GetParam()];
    if (one.opens || one.effect != Effect::none) return;  // stop_test.cpp
    std::uint64_t tried = 0;
    std::uint64_t first = GetParam();
    for (std::size_t other = 0; other < std::size(others); ++other)
        for (const Ring ring : {Ring::middle, Ring::full}) {
            if (!is_selected(GetParam(), other)) continue;
            first = first % step() + 1;
            for (std::uint64_t at = first; interleave(one, operation_named(others[other]), ring, at); at += step()) {
                ++tried;
                if (HasFailure()) return;
            }
            if (HasFailure()) return;
        }
    std::printf("%-16s interleaved at %llu points\n", one.name, static_cast<unsigned long long>(tried));
}

INSTANTIATE_TEST_SUITE_P(Operation, Interleaved, ::testing::Range<std::size_t>(0, operations().size()),
                         [](const auto& parameter) { return std::string(operations()[parameter.param].name); });

}  // namespace
}  // namespace shmq::test
