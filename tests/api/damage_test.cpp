// Segments that are not what shmq writes: each gets an error word, or works where the byte does not matter; none
// crashes or hangs.
#include <fstream>
#include <random>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Damaged : public StreamTest {
protected:
    [[nodiscard]] static std::string bytes_in(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    static void write(const std::string& file, const std::string& bytes) {
        std::ofstream(file, std::ios::binary | std::ios::trunc)
            .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    /// The bytes of a stream with entries, a group, pending ones and a retry.
    [[nodiscard]] std::string sound_bytes() const {
        {
            Stream stream = create_with_group();
            add(stream, 5);
            must(stream.add_fields({{"name", "value"}, {"n", "1"}}));
            Consumer consumer = must(stream.consumer("g", "one"));
            Batch batch = must(consumer.read(reading(4)));
            must(batch.ack(1));
            must(batch.nack(2));
        }
        return bytes_in(path());
    }
};

/// Everything a process may do with a stream, each answer an error or a value.
void use(const std::string& path) {
    auto stream = Stream::open(path);
    if (!stream) return;
    const auto fine = [](const auto& result) { require(result || !result.error().message().empty()); };
    fine(stream->info());
    fine(stream->groups());
    fine(stream->attachments());
    fine(stream->pending("g"));
    fine(stream->pending_entries("g"));
    fine(stream->range(0, ~Sequence{0}));
    fine(stream->reverse_range(~Sequence{0}, 0));
    const Position now = Position::at_time(std::chrono::system_clock::now());
    fine(stream->range(now, now));
    fine(stream->add("more"));
    fine(stream->recover());
    if (auto reader = stream->reader())
        for (int i = 0; i < 40; ++i) fine(reader->next());
    if (auto consumer = stream->consumer("g", "two")) {
        for (int i = 0; i < 40; ++i) {
            auto batch = consumer->read();
            if (!batch) break;
            for (const Entry& entry : *batch) {
                require(entry.payload().size() <= 3000);
                fine(entry.fields());
            }
            fine(batch->ack());
        }
        fine(consumer->claim(ClaimOptions{}));
    }
    fine(stream->create_group("h"));
    fine(stream->move_group("g", Position::oldest()));
    fine(stream->trim_keep(1));
    fine(stream->drop_group("g"));
}

TEST_F(Damaged, every_truncation_of_the_file_is_corrupt) {
    const std::string bytes = sound_bytes();
    for (std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{4095}, std::size_t{4096}, bytes.size() / 2, bytes.size() - 1}) {
        write(path("t"), bytes.substr(0, size));
        const auto opened = Stream::open(path("t"));
        ASSERT_EQ(code_of(opened), Code::corrupt) << size;
        EXPECT_TRUE(contains(opened.error().message(), std::to_string(size))) << opened.error().message();
        EXPECT_EQ(bytes_in(path("t")), bytes.substr(0, size)) << "something was written";
    }
}

TEST_F(Damaged, another_format_version_is_named) {
    std::string bytes = sound_bytes();
    bytes[8] = static_cast<char>(bytes[8] + 1);
    write(path("v"), bytes);
    const auto opened = Stream::open(path("v"));
    ASSERT_EQ(code_of(opened), Code::wrong_version);
    EXPECT_TRUE(contains(opened.error().message(), std::to_string(format_version + 1))) << opened.error().message();
    EXPECT_EQ(bytes_in(path("v")), bytes) << "something was written";
}

TEST_F(Damaged, any_byte_of_the_first_page_flipped_is_an_error_and_nothing_is_written) {
    const std::string sound = sound_bytes();
    for (std::size_t at = 0; at < 4096; ++at) {
        std::string bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
        write(path("h"), bytes);
        const auto opened = Stream::open(path("h"));
        const Code code = code_of(opened);
        EXPECT_TRUE(code == Code::corrupt || code == Code::wrong_version) << "byte " << at << ": " << code_word(code);
        if (at % 64 == 0) {
            EXPECT_EQ(bytes_in(path("h")), bytes) << "something was written";
        }
    }
}

TEST_F(Damaged, flipped_bytes_of_tables_and_payload_neither_crash_nor_hang) {
    const std::string sound = sound_bytes();
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    for (int turn = 0; turn < 1500; ++turn) {
        std::string bytes = sound;
        const int flips = 1 + static_cast<int>(random() % 4);
        std::size_t last = 0;
        for (int i = 0; i < flips; ++i) {
            last = 4096 + random() % (bytes.size() - 4096);
            bytes[last] = static_cast<char>(
                turn % 3 == 0 ? random() : static_cast<unsigned char>(bytes[last]) ^ std::uint64_t{1} << random() % 8);
        }
        write(path("f"), bytes);
        const int status = in_child([&] {
            ::alarm(60);
            use(path("f"));
            return 0;
        });
        ASSERT_EQ(status, 0) << "seed " << seed << ", turn " << turn << ", last byte " << last;
    }
}

TEST_F(Damaged, every_word_of_the_tables_full_of_ones_neither_crashes_nor_hangs) {
    const std::string sound = sound_bytes();
    const std::size_t payload = 16 * 1024;
    for (std::size_t at = 4096; at + 8 <= sound.size() - payload; at += at < 8192 ? 8 : 56) {
        std::string bytes = sound;
        bytes.replace(at, 8, 8, '\xff');
        write(path("o"), bytes);
        const int status = in_child([&] {
            ::alarm(60);
            use(path("o"));
            return 0;
        });
        EXPECT_EQ(status, 0) << "word at " << at;
    }
}

TEST_F(Damaged, a_file_of_something_else_is_not_removed) {
    write(path("text"), std::string(10'000, 'a'));
    EXPECT_EQ(code_of(Stream::remove(path("text"))), Code::corrupt);
    EXPECT_TRUE(std::filesystem::exists(path("text")));
}

}  // namespace
}  // namespace shmq::test
