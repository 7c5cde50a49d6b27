// Making, opening and removing streams: what each caller is answered, and that nothing half-made or left over is ever
// seen.
#include <sys/stat.h>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Streams : public StreamTest {};

TEST_F(Streams, the_second_creator_is_told_that_it_exists) {
    const Stream stream = create();
    const auto second = Stream::create(path(), small_options());
    ASSERT_EQ(code_of(second), Code::exists);
    EXPECT_TRUE(contains(second.error().message(), path()));
}

TEST_F(Streams, of_many_creators_at_once_one_wins_and_the_others_find_it_whole) {
    for (int turn = 0; turn < 20; ++turn) {
        const std::string name = path("race" + std::to_string(turn));
        std::vector<Child> children;
        for (int i = 0; i < 4; ++i)
            children.emplace_back([&](Link& link) {
                static_cast<void>(link.receive());
                auto made = Stream::create(name, small_options());
                if (made) return 1;
                require(code_of(made) == Code::exists);
                return code_of(Stream::open(name)) == Code::ok ? 0 : 2;
            });
        for (const Child& child : children) child.send();
        int winners = 0;
        for (Child& child : children) {
            const int status = child.wait();
            EXPECT_LE(status, 1);
            winners += status;
        }
        EXPECT_EQ(winners, 1);
    }
}

TEST_F(Streams, a_half_made_stream_is_never_seen) {
    for (int turn = 0; turn < 20; ++turn) {
        Child maker([&](Link& link) {
            link.send();
            for (;;) {
                auto made = Stream::create(path("k"), small_options());
                require(made || code_of(made) == Code::exists);
                made = Code::closed;
                static_cast<void>(Stream::remove(path("k")));
            }
            return 0;
        });
        ASSERT_TRUE(maker.receive());
        for (int i = 0; i < 50; ++i) {
            const auto stream = Stream::open(path("k"));
            EXPECT_TRUE(stream || code_of(stream) == Code::no_stream) << stream.error().message();
        }
        maker.kill();
        EXPECT_LE(folder_.count(), 1u);
    }
}

TEST_F(Streams, options_that_differ_are_answered_with_both_values) {
    const Stream stream = create();
    const auto differs = [&](auto change, const char* name, const char* wanted, const char* found) {
        StreamOptions options = small_options();
        change(options);
        const auto opened = Stream::open_or_create(path(), options);
        ASSERT_EQ(code_of(opened), Code::bad_option) << name;
        const std::string text = opened.error().message();
        EXPECT_TRUE(contains(text, name) && contains(text, wanted) && contains(text, found)) << text;
    };
    differs([](StreamOptions& o) { o.slots = 32; }, "slots", "32", "16");
    differs([](StreamOptions& o) { o.payload = 32 * 1024; }, "payload", "32768", "16384");
    differs([](StreamOptions& o) { o.producers = 2; }, "producers", "2", "3");
    differs([](StreamOptions& o) { o.consumers = 7; }, "consumers", "7", "4");
    differs([](StreamOptions& o) { o.groups = 5; }, "groups", "5", "3");
    differs([](StreamOptions& o) { o.attachments = 9; }, "attachments", "9", "8");
    differs([](StreamOptions& o) { o.max_entry = 2000; }, "max_entry", "2000", "3000");
    differs([](StreamOptions& o) { o.time = TimeStamps::off; }, "time", "0", "1");
}

TEST_F(Streams, zeros_and_the_same_options_accept_what_is_there) {
    const Stream stream = create();
    EXPECT_TRUE(Stream::open_or_create(path(), small_options()));
    StreamOptions zeros = small_options();
    zeros.slots = zeros.payload = zeros.max_entry = 0;
    zeros.chunks = zeros.producers = zeros.consumers = zeros.attachments = 0;
    EXPECT_TRUE(Stream::open_or_create(path(), zeros));
    EXPECT_EQ(must(Stream::open_or_create(path("new"), small_options()).value().info()).options.slots, 16u);
}

TEST_F(Streams, no_stream_bad_names_and_other_files_have_their_words) {
    EXPECT_EQ(code_of(Stream::open(path("none"))), Code::no_stream);
    EXPECT_EQ(code_of(Stream::remove(path("none"))), Code::no_stream);
    const Environment folder("SHMQ_DIR", folder_.path());
    EXPECT_EQ(code_of(Stream::open("none")), Code::no_stream);
    for (const std::string name :
         {"", ".hidden", "-dash", "with space", "sl/ash", "new\nline", "gr\xc3\xbc\xc3\x9f", "a*b"})
        EXPECT_EQ(code_of(Stream::create(name, small_options())), Code::bad_name) << name;
    EXPECT_EQ(code_of(Stream::create(std::string(201, 'n'), small_options())), Code::bad_name);
    EXPECT_EQ(code_of(Stream::create(std::string("nul\0nul", 7), small_options())), Code::bad_name);
    EXPECT_TRUE(Stream::create(std::string(200, 'n'), small_options()));
    ::mkdir(path("folder").c_str(), 0700);
    EXPECT_EQ(code_of(Stream::open(path("folder"))), Code::not_allowed);
    ASSERT_EQ(::symlink(path("none").c_str(), path("link").c_str()), 0);
    EXPECT_EQ(code_of(Stream::open(path("link"))), Code::not_allowed);
}

TEST_F(Streams, a_name_stands_in_the_folder_that_the_environment_names) {
    const Environment folder("SHMQ_DIR", folder_.path());
    const Stream stream = must(Stream::create("named", small_options()));
    EXPECT_EQ(must(Stream::path_of("named")), folder_ / "named.shmq");
    EXPECT_TRUE(std::filesystem::exists(folder_ / "named.shmq"));
    EXPECT_EQ(must(Stream::list()), std::vector<std::string>{"named"});
    must(Stream::remove("named"));
    EXPECT_TRUE(must(Stream::list()).empty());
    EXPECT_EQ(folder_.count(), 0u);
}

TEST_F(Streams, absurd_sizes_are_clean_errors_with_numbers_and_leave_nothing_behind) {
    const auto refused = [&](auto change, Code code, const char* first, const char* second) {
        StreamOptions options = small_options();
        change(options);
        const auto made = Stream::create(path(), options);
        ASSERT_EQ(code_of(made), code);
        const std::string text = made.error().message();
        EXPECT_TRUE(contains(text, first) && contains(text, second)) << text;
        EXPECT_EQ(folder_.count(), 0u);
    };
    refused([](StreamOptions& o) { o.slots = 0; }, Code::bad_option, "0", "8");
    refused([](StreamOptions& o) { o.slots = 100; }, Code::bad_option, "100", "128");
    refused([](StreamOptions& o) { o.slots = std::uint64_t{1} << 40; }, Code::bad_option, "1099511627776", "268435456");
    refused([](StreamOptions& o) { o.payload = 1; }, Code::bad_option, "1", "4096");
    refused([](StreamOptions& o) { o.chunks = 4; }, Code::bad_option, "4", "8");
    refused([](StreamOptions& o) { o.producers = 15; }, Code::bad_option, "16", "15");
    refused([](StreamOptions& o) { o.max_entry = 1 << 20; }, Code::bad_option, "1048576", "max_entry");
    refused([](StreamOptions& o) { o.consumers = 0; }, Code::bad_option, "0", "1023");
    refused([](StreamOptions& o) { o.mode = 01777; }, Code::bad_option, "mode", "511");
    refused([](StreamOptions& o) { o.first_sequence = 0; }, Code::bad_option, "first_sequence", "1");
}

TEST_F(Streams, a_segment_larger_than_the_file_system_is_refused_with_both_numbers) {
    StreamOptions options = small_options();
    options.payload = std::uint64_t{1} << 40;
    options.max_entry = 0;
    const auto made = Stream::create(path(), options);
    ASSERT_EQ(code_of(made), Code::no_space);
    EXPECT_GE(made.error().number(), options.payload);
    const std::string text = made.error().message();
    EXPECT_TRUE(contains(text, std::to_string(made.error().number()))) << text;
    EXPECT_EQ(folder_.count(), 0u);
}

TEST_F(Streams, the_mode_is_0600_unless_asked_and_no_umask_changes_it) {
    const auto mode_of = [&](const std::string& name) {
        struct stat status {};
        ::stat(path(name).c_str(), &status);
        return status.st_mode & 07777u;
    };
    const mode_t before = ::umask(0);
    const Stream first = create();
    EXPECT_EQ(mode_of("s"), 0600u);
    ::umask(0077);
    StreamOptions options = small_options();
    options.mode = 0664;
    EXPECT_TRUE(Stream::create(path("shared"), options));
    EXPECT_EQ(mode_of("shared"), 0664u);
    ::umask(before);
}

TEST_F(Streams, another_user_is_not_allowed) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
    const Stream stream = create();
    EXPECT_EQ(in_child([&] {
                  require(::setgid(65'534) == 0 && ::setuid(65'534) == 0);
                  require(code_of(Stream::open(path())) == Code::not_allowed);
                  OpenOptions read_only;
                  read_only.read_only = true;
                  require(code_of(Stream::open(path(), read_only)) == Code::not_allowed);
                  require(code_of(Stream::create(path("other"), small_options())) == Code::not_allowed);
                  require(code_of(Stream::remove(path())) == Code::not_allowed);
                  return 0;
              }),
              0);
    EXPECT_TRUE(Stream::open(path()));
}

TEST_F(Streams, a_remove_that_is_not_allowed_leaves_it_in_use) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
    StreamOptions options = small_options();
    options.mode = 0666;
    Stream stream = create(options);  // in a folder of ours: another user may use it, and not remove it
    EXPECT_EQ(in_child([&] {
                  require(::setgid(65'534) == 0 && ::setuid(65'534) == 0);
                  require(code_of(Stream::remove(path())) == Code::not_allowed);
                  return 0;
              }),
              0);
    EXPECT_TRUE(stream.add("x"));
}

TEST_F(Streams, a_read_only_handle_looks_and_changes_nothing) {
    Stream writer = create_with_group();
    add(writer, 3);
    OpenOptions read_only;
    read_only.read_only = true;
    Stream stream = must(Stream::open(path(), read_only));
    EXPECT_EQ(code_of(stream.add("x")), Code::not_allowed);
    EXPECT_EQ(code_of(stream.loan(1)), Code::not_allowed);
    EXPECT_EQ(code_of(stream.producer()), Code::not_allowed);
    EXPECT_EQ(code_of(stream.create_group("h")), Code::not_allowed);
    EXPECT_EQ(code_of(stream.drop_group("g")), Code::not_allowed);
    EXPECT_EQ(code_of(stream.move_group("g", Position::newest())), Code::not_allowed);
    EXPECT_EQ(code_of(stream.consumer("g")), Code::not_allowed);
    EXPECT_EQ(code_of(stream.ack("g", 1)), Code::not_allowed);
    EXPECT_EQ(code_of(stream.nack("g", 1)), Code::not_allowed);
    EXPECT_EQ(code_of(stream.trim_before(2)), Code::not_allowed);
    EXPECT_EQ(code_of(stream.trim_keep(1)), Code::not_allowed);
    EXPECT_EQ(code_of(stream.recover()), Code::not_allowed);
    EXPECT_EQ(must(stream.range(1, 3)).size(), 3u);
    EXPECT_EQ(must(stream.groups()).size(), 1u);
    EXPECT_EQ(must(stream.group("g")).lag, 3u);
    EXPECT_EQ(must(stream.attachments()).size(), 1u);
    EXPECT_EQ(must(stream.info()).attachments, 1u) << "a read-only handle takes no row";
}

TEST_F(Streams, a_closed_or_empty_handle_says_so) {
    Stream stream = create_with_group();
    stream.close();
    stream.close();
    Stream never;
    for (Stream* closed : {&stream, &never}) {
        EXPECT_EQ(code_of(closed->add("x")), Code::closed);
        EXPECT_EQ(code_of(closed->consumer("g")), Code::closed);
        EXPECT_EQ(code_of(closed->reader()), Code::closed);
        EXPECT_EQ(code_of(closed->info()), Code::closed);
        EXPECT_EQ(code_of(closed->recover()), Code::closed);
        EXPECT_EQ(code_of(closed->groups()), Code::closed);
        EXPECT_EQ(code_of(closed->trim_keep(1)), Code::closed);
    }
}

TEST_F(Streams, what_was_made_from_a_handle_outlives_it) {
    Stream stream = create_with_group();
    Producer producer = must(stream.producer());
    Consumer consumer = must(stream.consumer("g"));
    Reader reader = must(stream.reader());
    stream.close();
    EXPECT_EQ(must(producer.add("still")), 1u);
    EXPECT_EQ(must(consumer.read())[0].text(), "still");
    EXPECT_EQ(must(reader.next()).text(), "still");
}

TEST_F(Streams, removed_while_in_use_ends_waits_and_adds_and_is_gone_for_newcomers) {
    Stream stream = create_with_group();
    add(stream, 2);
    Consumer consumer = must(stream.consumer("g"));
    Child blocked([&](Link& link) {
        Stream own = must(Stream::open(path()));
        must(own.create_group("h"));
        Consumer waits = must(own.consumer("h"));
        must(must(waits.read()).ack());
        Reader reader = must(own.reader(Position::newest()));
        link.send();
        require(code_of(waits.read(reading(1, forever))) == Code::removed);
        return code_of(reader.next(forever)) == Code::removed ? 0 : 1;
    });
    ASSERT_TRUE(blocked.receive());
    must(Stream::remove(path()));
    EXPECT_EQ(blocked.wait(), 0);
    EXPECT_EQ(code_of(stream.add("x")), Code::removed);
    EXPECT_EQ(code_of(Stream::open(path())), Code::no_stream);
    EXPECT_TRUE(must(stream.info()).removed);
    Batch batch = must(consumer.read());  // what is there is still delivered
    EXPECT_EQ(batch.size(), 2u);
    EXPECT_TRUE(batch.ack());
    EXPECT_EQ(code_of(consumer.read()), Code::removed);
    EXPECT_TRUE(Stream::create(path(), small_options())) << "the name is free again";
}

}  // namespace
}  // namespace shmq::test
