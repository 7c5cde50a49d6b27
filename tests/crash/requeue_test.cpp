// Who sends letters back is killed before every store, and the next one goes on: each comes back once.
#include <map>

#include "crash/access_points.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

constexpr std::uint64_t count = 3;

/// How often each entry stands in the stream.
std::map<std::uint64_t, int> count_entries(const Stream& stream) {
    std::map<std::uint64_t, int> counts;
    for (const Entry& entry : must(stream.range(1, ~Sequence{0}))) ++counts[*number_of(entry.payload())];
    return counts;
}

TEST(RequeuedLetters, killed_at_every_store_come_back_once) {
    for (std::uint64_t at = 1;; ++at) {
        SCOPED_TRACE("killed at point " + std::to_string(at));
        Folder folder;
        const std::string path = folder / "s";
        const std::string letters = folder / "letters";
        must(Stream::create(letters, small_options()));
        Stream stream = must(Stream::create(path, small_options()));
        GroupOptions options;
        options.delivery_limit = 1;
        options.dead_letter = letters;
        must(stream.create_group("g", Position::oldest(), options));
        for (std::uint64_t i = 0; i < count; ++i) must(stream.add(payload_of(i)));
        must(must(must(stream.consumer("g")).read()).nack());
        ASSERT_EQ(must(stream.move_dead("g")), count);
        Child child([&](Link&) {
            Stream own = must(Stream::open(path));
            arm(Point::death, path, at);
            const auto sent = own.requeue_letters("g", letters);
            disarm();
            require(sent);
            return 0;
        });
        const int status = child.wait();
        must(stream.requeue_letters("g", letters));
        for (const auto& [number, times] : count_entries(stream))
            EXPECT_EQ(times, 2) << "entry " << number << ": once as it was added first, once sent back";
        if (::testing::Test::HasFailure()) return;
        if (status == 0) {
            EXPECT_GT(at, 10u);
            return;
        }
        ASSERT_EQ(status, -SIGKILL);
    }
}

}  // namespace
}  // namespace shmq::test
