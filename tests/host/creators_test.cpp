// Many processes that make one stream at the same moment: one wins, the others find it whole; and makers that are
// killed anywhere leave a whole stream or nothing, under no name, hidden or not.
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <random>

#include "support/proof.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

/// A place in shared memory where a number of processes meet.
class Meeting {
public:
    explicit Meeting(unsigned processes)
        : barrier_(static_cast<pthread_barrier_t*>(
              ::mmap(nullptr, sizeof(pthread_barrier_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
        pthread_barrierattr_t shared;
        ::pthread_barrierattr_init(&shared);
        ::pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
        ::pthread_barrier_init(barrier_, &shared, processes);
    }
    Meeting(const Meeting&) = delete;
    Meeting& operator=(const Meeting&) = delete;
    ~Meeting() { ::munmap(barrier_, sizeof *barrier_); }
    void wait() const { ::pthread_barrier_wait(barrier_); }

private:
    pthread_barrier_t* barrier_;
};

class Creators : public StreamTest {};

constexpr unsigned creators = 8;

StreamOptions options_of(unsigned creator) {
    StreamOptions options = small_options();
    options.attachments = creators + 2;
    options.producers = creators;
    options.max_entry = 1000 + creator;  // tells whose stream it is
    return options;
}

TEST_F(Creators, eight_at_once_have_one_winner_in_every_round) {
    const std::uint64_t rounds = whole_proof() ? 10'000 : 500;
    const Meeting meeting(creators);
    std::vector<Child> children;
    for (unsigned creator = 0; creator < creators; ++creator)
        children.emplace_back([&, creator](Link& link) {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                const std::string name = path("round" + std::to_string(round));
                meeting.wait();
                auto made = Stream::create(name, options_of(creator));
                require(made || code_of(made) == Code::exists);
                Stream stream = made ? must(std::move(made)) : must(Stream::open(name));
                const std::uint64_t maker = must(stream.info()).options.max_entry - 1000;
                require(!made || maker == creator);
                must(stream.add(payload_of(creator)));
                link.send((made ? 256 : 0) + maker);
                meeting.wait();
                if (creator == 0) {
                    std::vector<std::uint64_t> numbers;
                    for (const Entry& entry : must(stream.range(at(1), at(16))))
                        numbers.push_back(number_of(entry.payload()).value_or(99));
                    std::sort(numbers.begin(), numbers.end());
                    require(numbers == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7});
                    must(Stream::remove(name));
                }
            }
            return 0;
        });
    for (std::uint64_t round = 0; round < rounds; ++round) {
        unsigned winners = 0;
        std::vector<std::uint64_t> makers;
        for (const Child& child : children) {
            const auto said = child.receive();
            ASSERT_TRUE(said) << "round " << round;
            winners += *said >= 256 ? 1u : 0u;
            makers.push_back(*said % 256);
        }
        ASSERT_EQ(winners, 1u) << "round " << round;
        ASSERT_EQ(std::count(makers.begin(), makers.end(), makers[0]), creators) << "round " << round;
    }
    for (Child& child : children) EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(folder_.count(), 0u);
}

TEST_F(Creators, that_open_or_create_all_get_the_same_stream) {
    const std::uint64_t rounds = whole_proof() ? 2'000 : 100;
    const Meeting meeting(creators);
    std::vector<Child> children;
    for (unsigned creator = 0; creator < creators; ++creator)
        children.emplace_back([&, creator](Link&) {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                const std::string name = path("round" + std::to_string(round));
                meeting.wait();
                Stream stream = must(Stream::open_or_create(name, options_of(0)));
                must(stream.add(payload_of(creator)));
                meeting.wait();
                require(must(stream.info()).next == at(creators + 1));
                meeting.wait();
                if (creator == 0) must(Stream::remove(name));
            }
            return 0;
        });
    for (Child& child : children) EXPECT_EQ(child.wait(), 0);
    EXPECT_EQ(folder_.count(), 0u);
}

TEST_F(Creators, killed_at_any_moment_leave_a_whole_stream_or_nothing) {
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    const int rounds = whole_proof() ? 3'000 : 200;
    int left = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<Child> children;
        const Meeting meeting(3);
        for (unsigned creator = 0; creator < 2; ++creator)
            children.emplace_back([&, creator](Link& link) {
                meeting.wait();
                static_cast<void>(Stream::create(path(), options_of(creator)));
                link.send();
                return link.receive() ? 0 : 1;
            });
        meeting.wait();
        ::usleep(static_cast<useconds_t>(random() % 600));
        for (Child& child : children) child.kill();
        // A maker without a name of its own yet leaves nothing at all, so there is one file or none.
        ASSERT_LE(folder_.count(), 1u) << "seed " << seed << ", round " << round;
        if (folder_.count() == 0) continue;
        ++left;
        Stream stream = must(Stream::open(path()));
        EXPECT_EQ(must(stream.add("whole")), at(1));
        EXPECT_EQ(must(stream.attachments()).size(), 1u) << "seed " << seed;
        must(Stream::remove(path()));
    }
    RecordProperty("left", left);
    EXPECT_EQ(folder_.count(), 0u);
}

}  // namespace
}  // namespace shmq::test
