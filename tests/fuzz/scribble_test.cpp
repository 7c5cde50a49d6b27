// A process that has gone mad scribbles over a segment that others are at work on: over slots, records, tables and the
// headers of entries. Nobody crashes, no call hangs, and everybody leaves when asked to. Now and then it puts back the
// bytes of the beginning, under everybody's feet, so that there is always something that can go on.
#include <sys/mman.h>

#include <atomic>
#include <iostream>
#include <random>
#include <thread>

#include "fuzz/sample.hpp"
#include "fuzz/user.hpp"
#include "support/proof.hpp"
#include "support/stream_test.hpp"

namespace shmq::fuzz {
namespace {

using namespace std::chrono_literals;
using test::Child;
using test::Link;

constexpr unsigned longest_s = 60;  // of one round of a process, whose waits are of milliseconds
constexpr int processes = 6;

/// What the processes tell each other, beside the segment.
struct Progress {
    std::atomic<bool> leave{false};
    std::atomic<std::uint64_t> done[processes];     // calls that gave what was asked for
    std::atomic<std::uint64_t> refused[processes];  // calls that answered an error of the world
};

class Board {
public:
    Board()
        : progress_(new (::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                        Progress) {}
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;
    ~Board() { ::munmap(progress_, sizeof(Progress)); }
    [[nodiscard]] Progress* operator->() const { return progress_; }

private:
    Progress* progress_;
};

/// Repeats `round` until it is time to leave; a round that hangs is ended by SIGALRM.
int until_leaving(const Board& board, const std::function<void()>& round) {
    while (!board->leave.load()) {
        ::alarm(longest_s);
        round();
    }
    ::alarm(longest_s);  // also what is left to be closed has an end
    return 0;
}

/// Counts a call's answer. False if the handle should be given up: after an error that is none of a busy stream's.
template <class T>
bool fine(const Board& board, int who, const Result<T>& result) {
    if (result) {
        board->done[who].fetch_add(1);
        return true;
    }
    test::require(!result.error().message().empty());
    const Code code = result.error().code();
    if (code == Code::empty || code == Code::full || code == Code::fenced) return true;
    board->refused[who].fetch_add(1);
    return false;
}

int produce(const Board& board, int who, const std::string& path) {
    std::mt19937 random(static_cast<unsigned>(who));
    std::optional<Stream> stream;
    return until_leaving(board, [&] {
        if (!stream) {
            auto opened = Stream::open(path);
            if (fine(board, who, opened)) stream.emplace(std::move(*opened));
            return;
        }
        AddOptions options = keyed(random() % 2 == 0 ? "even" : "odd");
        options.wait = 1ms;
        if (!fine(board, who, stream->add(std::string(random() % 900, 'p'), options))) stream.reset();
    });
}

void look_at(const Batch& batch) {
    static volatile unsigned sink = 0;
    for (const Entry& entry : batch) {
        test::require(entry.payload().size() <= test::small_options().max_entry);
        for (const std::byte b : entry.payload()) sink = sink + static_cast<unsigned>(b);
        for (const std::byte b : entry.key()) sink = sink + static_cast<unsigned>(b);
    }
}

int consume(const Board& board, int who, const std::string& path) {
    std::mt19937 random(static_cast<unsigned>(who));
    std::optional<Stream> stream;
    std::optional<Consumer> consumer;
    return until_leaving(board, [&] {
        if (!stream) {
            auto opened = Stream::open(path);
            if (fine(board, who, opened)) stream.emplace(std::move(*opened));
            return;
        }
        if (!consumer) {
            auto joined = stream->consumer(group_names[random() % group_names.size()]);
            if (!fine(board, who, joined)) return stream.reset();
            consumer.emplace(std::move(*joined));
        }
        bool keep = random() % 64 != 0;
        {
            auto batch = consumer->read({.max_entries = 1 + random() % 6, .wait = 1ms, .claim_idle = 5ms});
            keep = fine(board, who, batch) && keep;
            if (batch) {
                look_at(*batch);
                keep = fine(board, who, random() % 4 == 0 ? batch->nack() : batch->ack()) && keep;
            }
        }
        if (keep) return;
        consumer.reset();
        if (random() % 4 == 0) stream.reset();
    });
}

/// Calls of every kind, at random; `read_only`: those that only look.
int operate(const Board& board, int who, const Sample& sample, bool read_only) {
    std::mt19937 random(static_cast<unsigned>(who));
    std::vector<std::uint8_t> bytes(60);
    return until_leaving(board, [&] {
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        Input input(bytes.data(), bytes.size());
        User user(sample.stream.path(), sample.letters.path(), read_only);
        bool open = true;
        while (open && !input.empty()) open = user.call(input);
        ++(open ? board->done[who] : board->refused[who]);
    });
}

/// One scribble: as a word of any value, a bit, another's word, or half of another's.
void scribble(Image& image, std::mt19937_64& random) {
    std::vector<std::uint8_t> bytes(32);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    Input input(bytes.data(), bytes.size());
    if (random() % 4 != 0) return image.change(input);
    const std::size_t at = image.place(input);
    const std::uint64_t other = image.word(image.place(input));
    image.set(at, random() % 2 == 0 ? (image.word(at) & 0xffff'ffff) | (other & ~std::uint64_t{0xffff'ffff})
                                    : (image.word(at) & ~std::uint64_t{0xffff'ffff}) | (other & 0xffff'ffff));
}

int go_mad(const Board& board, Sample& sample, std::uint64_t seed, std::uint64_t scribbles) {
    std::mt19937_64 random(seed);
    std::uint64_t seen = 0;
    for (std::uint64_t i = 0; i < scribbles; ++i) {
        ::alarm(longest_s);
        scribble(random() % 16 == 0 ? sample.letters : sample.stream, random);
        if (random() % 64 == 0) sample.restore();
        // The others get their turns: some scribbles come at once, most after somebody has done something.
        if (random() % 4 == 0) continue;
        for (int look = 0; look < 1000; ++look) {
            std::uint64_t now = 0;
            for (int who = 0; who < processes; ++who) now += board->done[who].load() + board->refused[who].load();
            if (std::exchange(seen, now) != now) break;
            std::this_thread::sleep_for(20us);
        }
    }
    return 0;
}

class Scribbled : public test::StreamTest {};

TEST_F(Scribbled, stream_crashes_and_holds_up_none_of_those_at_work) {
    const std::uint64_t seed = std::random_device{}();
    const std::uint64_t scribbles = test::whole_proof() ? 200'000 : 5'000;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sample sample(path("mad"));
    const Board board;
    const std::string& stream = sample.stream.path();
    std::vector<std::pair<const char*, Child>> children;
    children.emplace_back("producer", Child([&](Link&) { return produce(board, 0, stream); }));
    children.emplace_back("producer", Child([&](Link&) { return produce(board, 1, stream); }));
    children.emplace_back("consumer", Child([&](Link&) { return consume(board, 2, stream); }));
    children.emplace_back("consumer", Child([&](Link&) { return consume(board, 3, stream); }));
    children.emplace_back("operator", Child([&](Link&) { return operate(board, 4, sample, false); }));
    children.emplace_back("onlooker", Child([&](Link&) { return operate(board, 5, sample, true); }));
    Child mad([&](Link&) { return go_mad(board, sample, seed, scribbles); });
    EXPECT_EQ(mad.wait(), 0);
    board->leave = true;
    std::uint64_t done = 0;
    std::uint64_t refused = 0;
    for (int who = 0; who < processes; ++who) {
        auto& [name, child] = children[static_cast<std::size_t>(who)];
        EXPECT_EQ(child.wait(), 0) << name << " " << who;
        EXPECT_GT(board->done[who].load(), 0u) << name << " " << who;
        done += board->done[who].load();
        refused += board->refused[who].load();
    }
    std::cout << "seed " << seed << ": " << scribbles << " scribbles, " << done << " calls done, " << refused
              << " refused, nobody ended before time\n";
}

}  // namespace
}  // namespace shmq::fuzz
