// Every bit of a segment's header, of its tables and of the headers of its entries, flipped one at a time: before the
// segment is opened, or under somebody who has it open, alternately. Then everything is done with it that can be done.
// No call crashes, hangs or answers an error without a word and a place; what is a hint changes no answer.
//
// ./run test takes each 16th bit from a random one on; ./run test proof takes all of them.
#include <sys/mman.h>

#include <iostream>
#include <random>
#include <set>

#include "fuzz/sample.hpp"
#include "fuzz/user.hpp"
#include "support/proof.hpp"
#include "support/stream_test.hpp"

namespace shmq::fuzz {
namespace {

using test::code_of;

constexpr unsigned longest_s = 60;  // of all calls after one flip, which take a millisecond

/// Bytes whose bits are flipped, and how they are called.
struct Range {
    std::string name;
    std::size_t from;
    std::size_t size;
};

/// What a child reports while it works: shared with its parent, which reads it when the child has ended.
struct Report {
    std::size_t bit = 0;        // that is flipped
    std::size_t same = 0;       // the entries were given as they are
    std::size_t refused = 0;    // a call said that something is wrong
    std::size_t different = 0;  // other entries were given, and no call said so
    std::size_t last = 0;       // bit that was one of these
};

class Shared {
public:
    Shared()
        : report_(new (::mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                      Report) {}
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    ~Shared() { ::munmap(report_, sizeof(Report)); }
    [[nodiscard]] Report& operator*() const { return *report_; }
    [[nodiscard]] Report* operator->() const { return report_; }

private:
    Report* report_;
};

/// The entries that a stream gives, and whether it refused any call on the way.
struct Answers {
    std::multiset<std::string> entries;  // whatever their order: what a wrong hint hides comes late
    bool refused = false;
};

constexpr int reads = 256;  // of each group, so that the look that every 64th of them takes comes by

void take(Answers& answers, std::string_view group, const Entry& entry) {
    std::string text(group);
    text += ' ' + std::to_string(entry.sequence()) + ' ';
    text += entry.text();
    text += text_of(entry.key());
    answers.entries.insert(text);
}

Answers answers_of(Stream& stream) {
    Answers answers;
    const auto copies = stream.range(0, ~Sequence{0});
    answers.refused = !copies;
    for (const Entry& entry : copies ? copies->entries() : std::span<const Entry>{}) take(answers, "", entry);
    for (const char* group : {"plain", "keyed"}) {
        auto consumer = stream.consumer(group, "bits");
        answers.refused = answers.refused || !consumer;
        if (!consumer) continue;
        // Reads on for a while after it was empty: by the way a reader looks for what a wrong hint hid.
        for (int i = 0; i < reads; ++i) {
            auto batch = consumer->read();
            if (!batch && batch.error().code() != Code::empty) answers.refused = true;
            if (!batch) continue;
            for (const Entry& entry : *batch) take(answers, group, entry);
            if (!batch->ack()) answers.refused = true;
        }
    }
    return answers;
}

class Bits : public test::StreamTest {
protected:
    [[nodiscard]] Range area(const std::string& name, AreaKind kind) const {
        const Area& found = sample_.stream.geometry().area(kind);
        return {name, found.offset, found.size()};
    }
    [[nodiscard]] Range field(const std::string& name, AreaKind kind, std::size_t offset, std::size_t size) const {
        return {name, sample_.stream.geometry().area(kind).offset + offset, size};
    }
    /// The header of each entry that is kept.
    [[nodiscard]] std::vector<Range> entry_headers() const {
        const Geometry& g = sample_.stream.geometry();
        std::vector<Range> ranges;
        for (std::uint64_t slot = 0; slot < g.slots; ++slot) {
            const std::uint64_t word = sample_.stream.word(g.area(AreaKind::slots).offset + 8 * slot);
            const std::size_t entry = (word & g.place_mask) << g.unit_bits;
            ranges.push_back({"entry header", g.area(AreaKind::payload).offset + entry, sizeof(EntryHeader)});
        }
        return ranges;
    }

    /// The answers before anything is flipped.
    [[nodiscard]] std::multiset<std::string> sound_answers() {
        sample_.restore();
        Answers answers;
        {
            Stream stream = must(Stream::open(sample_.stream.path()));
            answers = answers_of(stream);
        }
        sample_.restore();
        EXPECT_FALSE(answers.refused);
        EXPECT_FALSE(answers.entries.empty());
        return answers.entries;
    }

    void flip(std::size_t bit) {
        std::byte& byte = sample_.stream.bytes()[bit / 8];
        byte ^= std::byte{1} << (bit % 8);
    }

    /// Flips a bit, does everything (or, if it is `narrow_`, gets the entries and the histograms of a group), and puts
    /// all bytes back.
    void try_bit(std::size_t bit, bool attached, Report& report, const std::multiset<std::string>& sound) {
        std::optional<Result<Stream>> stream;
        {
            User user(sample_.stream.path(), sample_.letters.path());
            if (!attached) flip(bit);
            stream.emplace(Stream::open(sample_.stream.path()));
            if (attached) {
                static_cast<void>(user.open());
                flip(bit);
            }
            Answers answers;
            answers.refused = !*stream;
            if (*stream) answers = answers_of(**stream);
            if (answers.entries == sound)
                ++report.same;
            else if (answers.refused)
                ++report.refused;
            else
                ++report.different, report.last = bit;
            if (!narrow_) user.call_all();
            if (*stream && narrow_) test::require((*stream)->latency("plain"));
            stream.reset();
        }
        sample_.restore();
    }

    /// Tries each `stride`th bit of the ranges in children, a new one after each that does not end well.
    Report try_all(const std::vector<Range>& ranges, std::size_t stride) {
        if (test::whole_proof()) stride = 1;
        const std::size_t start = std::random_device{}() % stride;
        const std::multiset<std::string> sound = sound_answers();
        Report sum;
        for (const Range& range : ranges) {
            const Shared shared;
            std::size_t next = start % (8 * range.size);
            for (int ended = 0; next < 8 * range.size && ended < 5;) {
                const int status = test::in_child([&] {
                    for (std::size_t bit = next; bit < 8 * range.size; bit += stride) {
                        shared->bit = bit;
                        ::alarm(longest_s);
                        try_bit(8 * range.from + bit, bit / stride % 2 == 1, *shared, sound);
                    }
                    return 0;
                });
                if (status == 0) break;
                const std::size_t bit = shared->bit;
                ADD_FAILURE() << range.name << ": bit " << bit % 8 << " of byte " << range.from + bit / 8 << " ("
                              << bit / 8 << " in its table), attached " << bit / stride % 2 << ": status " << status;
                ++ended;
                next = bit + stride;
                sample_.restore();
            }
            if (shared->different != 0)
                std::cout << range.name << ": " << shared->different << " gave other entries, the last of them bit "
                          << shared->last % 8 << " of byte " << shared->last / 8 - range.from << " in it\n";
            sum.same += shared->same;
            sum.refused += shared->refused;
            sum.different += shared->different;
        }
        std::cout << ranges.front().name << " and others: " << sum.same + sum.refused + sum.different << " bits, each "
                  << stride << "th from " << start << " on; " << sum.same << " changed no answer, " << sum.refused
                  << " were told, " << sum.different << " gave other entries\n";
        return sum;
    }

    Sample sample_{path("bits")};
    bool narrow_ = false;
};

TEST_F(Bits, of_the_header_are_refused_when_it_is_opened_and_change_nothing_later) {
    const Report report = try_all({{"header", 0, sizeof(Header)}}, 16);
    EXPECT_EQ(report.different, 0u);
    EXPECT_GT(report.same, 0u);
    EXPECT_GT(report.refused, 0u);
}

TEST_F(Bits, of_the_common_words_and_of_owners_crash_nobody) {
    try_all({area("control", AreaKind::control), area("attachments", AreaKind::attachments),
             area("producers", AreaKind::producers), area("chunks", AreaKind::chunks),
             area("producer names", AreaKind::named_producers), area("parking", AreaKind::parking),
             area("pins", AreaKind::pins)},
            16);
}

TEST_F(Bits, of_groups_and_consumers_crash_nobody) {
    try_all({area("groups", AreaKind::groups), area("consumers", AreaKind::consumers)}, 16);
}

TEST_F(Bits, of_slots_and_records_crash_nobody) {
    try_all(
        {area("slots", AreaKind::slots), area("records", AreaKind::records), area("deliveries", AreaKind::deliveries),
         area("key stripes", AreaKind::key_stripes), area("key links", AreaKind::key_links)},
        16);
}

TEST_F(Bits, of_entry_headers_crash_nobody) { try_all(entry_headers(), 16); }

/// The histograms of one group row, which are as large as all other tables together.
class HistogramBits : public Bits, public ::testing::WithParamInterface<std::uint32_t> {};

TEST_P(HistogramBits, change_no_answer) {
    const std::size_t size = sample_options().consumers * sizeof(HistogramRow);
    narrow_ = true;
    const Report report = try_all({field("histograms", AreaKind::histograms, GetParam() * size, size)}, 256);
    EXPECT_EQ(report.refused, 0u);
    EXPECT_EQ(report.different, 0u);
}
INSTANTIATE_TEST_SUITE_P(GroupRow, HistogramBits, ::testing::Range(0u, sample_options().groups + 1));

TEST_F(Bits, of_hints_change_no_answer) {
    std::vector<Range> hints{field("tail", AreaKind::control, offsetof(Control, tail), 8),
                             field("room wanted", AreaKind::control, offsetof(Control, room_wanted), 8),
                             field("scanned ms", AreaKind::control, offsetof(Control, scanned_ms), 8),
                             area("retry index", AreaKind::retry)};
    for (std::size_t row = 0; row < group_names.size(); ++row) {
        const std::size_t group = row * sizeof(GroupRow);
        hints.push_back(field("cursor", AreaKind::groups, group + offsetof(GroupRow, cursor), 8));
        hints.push_back(field("floor", AreaKind::groups, group + offsetof(GroupRow, floor), 8));
        hints.push_back(field("due", AreaKind::groups, group + offsetof(GroupRow, due), 4));
        hints.push_back(field("dead waits", AreaKind::groups, group + offsetof(GroupRow, dead_waits), 8));
    }
    const Report report = try_all(hints, 4);
    EXPECT_EQ(report.refused, 0u);
    EXPECT_EQ(report.different, 0u);
}

}  // namespace
}  // namespace shmq::fuzz
