// The words and texts of errors.
#include "shmq/status.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <thread>

#include "base/error_detail.hpp"

namespace shmq {
namespace {

constexpr auto code_count = static_cast<unsigned>(Code::system) + 1;
constexpr unsigned ring_size = 16;

Code code_at(unsigned number) { return static_cast<Code>(number); }

TEST(Code, each_has_a_word_of_its_own) {
    std::set<std::string_view> words;
    for (unsigned i = 0; i < code_count; ++i) {
        const std::string_view word = code_word(code_at(i));
        EXPECT_FALSE(word.empty()) << i;
        EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << word;
        EXPECT_TRUE(words.insert(word).second) << word << " twice";
    }
}

TEST(Code, each_word_stands_at_its_own_code) {
    // The table is indexed by the code: one line out of place would give words to the wrong causes.
    EXPECT_EQ(code_word(Code::ok), "ok");
    EXPECT_EQ(code_word(Code::empty), "empty");
    EXPECT_EQ(code_word(Code::fenced), "fenced");
    EXPECT_EQ(code_word(Code::not_pending), "not_pending");
    EXPECT_EQ(code_word(Code::out_of_range), "out_of_range");
    EXPECT_EQ(code_word(Code::duplicate), "duplicate");
    EXPECT_EQ(code_word(Code::too_many_names), "too_many_names");
    EXPECT_EQ(code_word(Code::too_many_in_flight), "too_many_in_flight");
    EXPECT_EQ(code_word(Code::too_many_pins), "too_many_pins");
    EXPECT_EQ(code_word(Code::bad_option), "bad_option");
    EXPECT_EQ(code_word(Code::no_space), "no_space");
    EXPECT_EQ(code_word(Code::wrong_version), "wrong_version");
    EXPECT_EQ(code_word(Code::system), "system");
}

TEST(Code, each_has_a_meaning_that_begins_with_its_word) {
    for (unsigned i = 0; i < code_count; ++i) {
        const std::string text = Error(code_at(i)).message();
        const std::string begin = std::string(code_word(code_at(i))) + ": ";
        EXPECT_EQ(text.compare(0, begin.size(), begin), 0) << text;
        EXPECT_GE(text.size(), begin.size() + 4) << text;
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
}

TEST(Code, one_that_nobody_knows_reads_as_system) { EXPECT_EQ(code_word(static_cast<Code>(60'000)), "system"); }

TEST(Error, is_24_bytes_and_copied_freely) {
    EXPECT_EQ(sizeof(Error), 24u);
    EXPECT_TRUE(std::is_trivially_copyable_v<Error>);
}

TEST(Error, without_detail_shows_its_number_unless_it_is_zero) {
    EXPECT_NE(Error(Code::trimmed, 77).message().find("(77)"), std::string::npos);
    EXPECT_EQ(Error(Code::trimmed).message().find('('), std::string::npos);
}

TEST(Error, full_names_group_consumer_and_sequence) {
    const std::string text = full_error("slot", "orders", "worker-3", 1234).message();
    EXPECT_NE(text.find("no slot is free"), std::string::npos) << text;
    EXPECT_NE(text.find("group orders"), std::string::npos) << text;
    EXPECT_NE(text.find("consumer worker-3"), std::string::npos) << text;
    EXPECT_NE(text.find("entry 1234"), std::string::npos) << text;
    const std::string unread = full_error("slot", "orders", "", 1234).message();
    EXPECT_NE(unread.find("which nobody holds"), std::string::npos) << unread;
    const std::string nobody = full_error("chunk", "", "", 0).message();
    EXPECT_NE(nobody.find("no chunk is free: producers and loans hold them"), std::string::npos) << nobody;
}

TEST(Error, names_longer_than_their_room_are_cut_not_overrun) {
    const std::string text =
        full_error(std::string(500, 'w'), std::string(500, 'g'), std::string(500, 'c'), 1).message();
    EXPECT_NE(text.find(std::string(63, 'g') + " "), std::string::npos) << text;
    EXPECT_LT(text.size(), 400u);
    const std::string long_text(1000, 'x');
    EXPECT_LT(text_error(Code::corrupt, 0, "%s", long_text.c_str()).message().size(), 400u);
}

TEST(Error, texts_of_options_corruption_and_system_have_both_numbers) {
    EXPECT_NE(option_error("slots", 7, 8, 9).message().find("slots is 7; it must be 8 to 9"), std::string::npos);
    const Error differs = option_differs_error("chunks", 16, 32);
    EXPECT_EQ(differs.code(), Code::bad_option);
    EXPECT_NE(differs.message().find("asked to be 16, but the stream was made with 32"), std::string::npos);
    const Error corrupt = corrupt_error("magic", 24, 99);
    EXPECT_EQ(corrupt.number(), 24u);
    EXPECT_NE(corrupt.message().find("magic at byte 24"), std::string::npos);
    const Error refused = system_error("mmap", ENOMEM);
    EXPECT_EQ(refused.number(), std::uint64_t{ENOMEM});
    EXPECT_NE(refused.message().find("mmap: Cannot allocate memory"), std::string::npos) << refused.message();
}

TEST(Error, its_detail_is_kept_for_sixteen_errors_and_not_longer) {
    const Error first = text_error(Code::corrupt, 5, "the very first");
    for (unsigned later = 1; later < ring_size; ++later) {
        text_error(Code::system, 0, "later");
        ASSERT_NE(first.message().find("the very first"), std::string::npos) << "after " << later;
    }
    text_error(Code::system, 0, "one too many");
    const std::string text = first.message();
    EXPECT_EQ(text.find("the very first"), std::string::npos) << text;
    EXPECT_EQ(text.find("one too many"), std::string::npos) << "the text of another error: " << text;
    EXPECT_NE(text.find("corrupt: "), std::string::npos) << text;
    EXPECT_NE(text.find("(5)"), std::string::npos) << text;
}

TEST(Error, outcomes_do_not_push_details_out) {
    const Error first = text_error(Code::corrupt, 5, "the very first");
    for (unsigned i = 0; i < 4 * ring_size; ++i) static_cast<void>(Error(Code::empty, i));
    EXPECT_NE(first.message().find("the very first"), std::string::npos);
}

TEST(Error, a_slot_used_for_names_is_clean_for_a_text_and_the_other_way_round) {
    for (unsigned i = 0; i < 2 * ring_size; ++i) {
        const Error names = full_error("slot", "g", "c", i + 1);
        const Error text = text_error(Code::corrupt, i, "text %u", i);
        EXPECT_EQ(text.message(), "corrupt: text " + std::to_string(i));
        EXPECT_NE(names.message().find("entry " + std::to_string(i + 1)), std::string::npos);
    }
}

TEST(Error, in_another_thread_still_has_word_number_and_cure) {
    const Error error = text_error(Code::bad_option, 17, "only this thread knows");
    std::string elsewhere;
    std::thread([&] { elsewhere = error.message(); }).join();
    EXPECT_EQ(elsewhere.find("only this thread knows"), std::string::npos) << elsewhere;
    EXPECT_NE(elsewhere.find("bad_option: "), std::string::npos) << elsewhere;
    EXPECT_NE(elsewhere.find("(17)"), std::string::npos) << elsewhere;
}

}  // namespace
}  // namespace shmq
