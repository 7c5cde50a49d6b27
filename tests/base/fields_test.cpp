// The bytes of fields: what is written is what the header says byte for byte, and bytes of anybody are read in bounds.
#include "shmq/fields.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace shmq {
namespace {

using namespace std::string_literals;

static_assert(std::ranges::forward_range<Fields> && std::ranges::view<Fields>);

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<Field> views_of(const Pairs& pairs) {
    std::vector<Field> fields;
    for (const auto& [name, value] : pairs) fields.emplace_back(name, std::string_view(value));
    return fields;
}

Result<std::string> encoded(const Pairs& pairs) {
    const auto fields = views_of(pairs);
    const auto size = Fields::encoded_size(fields);
    if (!size) return size.error();
    std::string bytes(*size + 1, '#');  // one more, to see that it stays
    const auto written = Fields::encode(fields, std::as_writable_bytes(std::span(bytes)));
    if (!written) return written.error();
    EXPECT_EQ(*written, *size);
    EXPECT_EQ(bytes.back(), '#');
    bytes.pop_back();
    return bytes;
}
Result<Pairs> decoded(std::string_view bytes) {
    const auto fields = Fields::parse(bytes_of(bytes));
    if (!fields) return fields.error();
    Pairs pairs;
    for (const auto& [name, value] : *fields) pairs.emplace_back(name, text_of(value));
    EXPECT_EQ(pairs.size(), fields->size());
    return pairs;
}
Code refusal(const Pairs& pairs) {
    const auto bytes = encoded(pairs);
    return bytes ? Code::ok : bytes.error().code();
}
// Where what is wrong begins; -1 if the bytes are fields.
std::int64_t wrong_at(std::string_view bytes) {
    const auto fields = Fields::parse(bytes_of(bytes));
    if (fields) return -1;
    EXPECT_EQ(fields.error().code(), Code::corrupt);
    return static_cast<std::int64_t>(fields.error().number());
}

TEST(FieldsEncoding, is_what_the_header_says_byte_for_byte) {
    EXPECT_EQ(encoded({}).value(), "\0"s);
    EXPECT_EQ(encoded({{"k", "v"}}).value(), "\1\1\1kv"s);
    EXPECT_EQ(encoded({{"name", ""}, {"n", "a=b"}}).value(), "\2\4\0name\1\3na=b"s);
    const std::string value(300, 'x');
    EXPECT_EQ(encoded({{"k", value}}).value(), "\1\1\xac\2k"s + value);
    Pairs many;
    for (int i = 0; i < 200; ++i) many.emplace_back(std::to_string(i), "");
    EXPECT_EQ(encoded(many).value().substr(0, 5),
              "\xc8\1\1\0"
              "0"s);
}

TEST(FieldsEncoding, what_was_written_is_read_in_its_order) {
    const Pairs pairs{{"b", "1"}, {"a", ""}, {std::string(255, 'n'), std::string(70'000, 'v')}, {"\0\xff"s, "\0=\n"s}};
    EXPECT_EQ(decoded(encoded(pairs).value()).value(), pairs);
    EXPECT_EQ(decoded(encoded({}).value()).value(), Pairs{});
    Pairs most;
    for (std::size_t i = 0; i < max_fields; ++i) most.emplace_back(std::to_string(i), std::to_string(i * i));
    EXPECT_EQ(decoded(encoded(most).value()).value(), most);
}

TEST(FieldsEncoding, refuses_names_that_are_empty_too_long_or_there_already_and_too_much) {
    EXPECT_EQ(refusal({{"", "v"}}), Code::bad_name);
    EXPECT_EQ(refusal({{std::string(256, 'n'), "v"}}), Code::bad_name);
    EXPECT_EQ(refusal({{"a", "1"}, {"b", "2"}, {"a", "3"}}), Code::bad_name);
    Pairs many;
    for (std::size_t i = 0; i <= max_fields; ++i) many.emplace_back(std::to_string(i), "");
    EXPECT_EQ(refusal(many), Code::too_large);
    const Pairs repeated{{"a", "1"}, {"b", "2"}, {"a", "3"}};
    EXPECT_EQ(Fields::encoded_size(views_of(repeated)).error().number(), 2u);
    const std::byte byte{};
    const Field large("k", Bytes(&byte, std::size_t{1} << 32));
    EXPECT_EQ(Fields::encoded_size({&large, 1}).error().code(), Code::too_large);
}

TEST(FieldsEncoding, refuses_room_that_is_too_small_and_leaves_it_alone) {
    std::string room(4, '#');
    const Field field("k", "v");
    const auto written = Fields::encode({&field, 1}, std::as_writable_bytes(std::span(room)));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), Code::too_large);
    EXPECT_EQ(room, "####");
}

TEST(FieldsReading, finds_a_value_where_it_lies_and_of_two_names_the_first) {
    const std::string bytes = encoded({{"a", "1"}, {"b", ""}, {"c", "33"}}).value();
    const Fields fields = Fields::parse(bytes_of(bytes)).value();
    EXPECT_EQ(text_of(fields.find("c").value()), "33");
    EXPECT_EQ(text_of(fields.find("c").value()).data(), bytes.data() + bytes.size() - 2) << "not copied";
    EXPECT_TRUE(fields.find("b").value().empty());
    EXPECT_FALSE(fields.find("d"));
    EXPECT_FALSE(fields.find(""));
    EXPECT_FALSE(Fields().find("a"));
    const std::string twice = "\2\1\1a1\1\1a2"s;
    EXPECT_EQ(text_of(Fields::parse(bytes_of(twice)).value().find("a").value()), "1");
}

TEST(FieldsReading, refuses_every_cut_and_everything_behind) {
    const std::string bytes = encoded({{"a", "1"}, {"bb", std::string(200, 'x')}, {"c", ""}}).value();
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_GE(wrong_at(bytes.substr(0, size)), 0) << size;
    EXPECT_EQ(wrong_at(bytes), -1);
    EXPECT_EQ(wrong_at(bytes + "x"), static_cast<std::int64_t>(bytes.size()));
}

TEST(FieldsReading, says_where_what_is_wrong_begins) {
    EXPECT_EQ(wrong_at(""), 0);
    EXPECT_EQ(wrong_at("hello"), 1) << "104 pairs, of which the first is cut short";
    EXPECT_EQ(wrong_at("\1\0\0"s), 1) << "a name of no bytes";
    EXPECT_EQ(wrong_at("\2\1\1kv\1\5kv"s), 5) << "a value that is cut short";
    EXPECT_EQ(wrong_at("\1\1\x81\0kv"s), 1) << "a number longer than it needs to be";
    EXPECT_EQ(wrong_at("\1\1\xff\xff\xff\xff\x1fkv"s), 1) << "a number above 2^32 - 1";
    EXPECT_EQ(wrong_at("\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1kv"s), 1) << "a number without an end";
    EXPECT_EQ(wrong_at("\x81\x08"s), 0) << "1,025 pairs";
    EXPECT_EQ(wrong_at("\x80"s), 0) << "a count that is cut short";
}

/// Bytes whose last one stands before a page that can't be touched, so that reading on is a crash.
class Guarded {
public:
    Guarded()
        : all_(static_cast<char*>(
              ::mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        EXPECT_EQ(::mprotect(all_ + size, size, PROT_NONE), 0);
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { ::munmap(all_, 2 * size); }

    std::span<char> put(std::string_view bytes) {
        char* const to = all_ + size - bytes.size();
        std::memcpy(to, bytes.data(), bytes.size());
        return {to, bytes.size()};
    }

private:
    static constexpr std::size_t size = 8192;
    char* all_;
};

Pairs random_pairs(std::mt19937_64& random) {
    Pairs pairs;
    const std::size_t count = random() % 6;
    for (std::size_t i = 0; i < count; ++i)
        pairs.emplace_back(std::to_string(i) + std::string(random() % 9, 'n'), std::string(random() % 300, 'v'));
    return pairs;
}

void damage(std::mt19937_64& random, std::string& bytes) {
    for (std::uint64_t turns = random() % 4; turns > 0 && !bytes.empty(); --turns) {
        const std::size_t place = random() % bytes.size();
        switch (random() % 4) {
            case 0: bytes.resize(place); break;
            case 1: bytes.insert(place, 1, static_cast<char>(random())); break;
            case 2: bytes[place] = static_cast<char>(bytes[place] ^ (1 << random() % 8)); break;
            default: bytes[place] = static_cast<char>(random());
        }
    }
}

TEST(FieldsReading, of_random_damage_stays_in_bounds_and_what_is_taken_has_one_encoding) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Guarded guarded;
    int taken = 0;
    for (int turn = 0; turn < 100'000; ++turn) {
        std::string bytes = encoded(random_pairs(random)).value();
        damage(random, bytes);
        const std::span<char> at = guarded.put(bytes);
        const auto pairs = decoded({at.data(), at.size()});
        if (!pairs) continue;
        ++taken;
        const auto again = encoded(*pairs);
        if (again)
            ASSERT_EQ(*again, bytes);
        else
            ASSERT_EQ(again.error().code(), Code::bad_name) << "damage can make names equal, and no more";
    }
    EXPECT_GT(taken, 1'000);
    EXPECT_LT(taken, 99'000);
}

TEST(FieldsReading, of_bytes_that_change_after_they_were_found_good_stays_in_bounds) {
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Guarded guarded;
    for (int turn = 0; turn < 100'000; ++turn) {
        const std::span<char> at = guarded.put(encoded(random_pairs(random)).value());
        const Fields fields = Fields::parse(std::as_bytes(at)).value();
        for (char& byte : at)
            if (random() % 8 == 0) byte = static_cast<char>(random());
        std::size_t shown = 0;
        for (const Field& field : fields) {
            ++shown;
            ASSERT_GE(field.name.data(), at.data());
            ASSERT_LE(field.text().data() + field.value.size(), at.data() + at.size());
        }
        ASSERT_LE(shown, fields.size());
        static_cast<void>(fields.find("0"));
    }
}

}  // namespace
}  // namespace shmq
