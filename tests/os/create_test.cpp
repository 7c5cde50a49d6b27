// Making segment files: whole or not at all, and nothing left behind.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "os/file.hpp"
#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

constexpr std::uint64_t size = 64 * 1024;

TEST(MakeUnnamed, is_invisible_until_it_is_given_its_name) {
    const Scratch scratch;
    const Result<Descriptor> file = make_unnamed(scratch.path("s.shmq"), size, 0600);
    ASSERT_TRUE(file);
    EXPECT_EQ(scratch.files(), 0u);
    EXPECT_FALSE(is_linked(*file));
    EXPECT_TRUE(give_name(*file, scratch.path("s.shmq")));
    EXPECT_EQ(scratch.files(), 1u);
    EXPECT_TRUE(is_linked(*file));
    const Result<Descriptor> opened = open_segment(scratch.path("s.shmq"), true);
    ASSERT_TRUE(opened);
    EXPECT_EQ(identity(*opened).value(), identity(*file).value());
}

TEST(MakeUnnamed, has_all_its_room_at_once_and_is_zero) {
    for (const char* parent : {"/dev/shm", "/tmp"}) {
        const Scratch scratch(parent);
        const Result<Descriptor> file = make_unnamed(scratch.path("s"), size, 0600);
        ASSERT_TRUE(file);
        struct stat status {};
        ASSERT_EQ(::fstat(file->get(), &status), 0);
        EXPECT_EQ(static_cast<std::uint64_t>(status.st_size), size);
        EXPECT_GE(static_cast<std::uint64_t>(status.st_blocks) * 512, size);
        std::string bytes(size, 'x');
        EXPECT_EQ(::pread(file->get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
        EXPECT_EQ(bytes, std::string(size, '\0'));
        EXPECT_EQ(::fcntl(file->get(), F_GETFD), FD_CLOEXEC);
    }
}

TEST(MakeUnnamed, mode_is_not_masked_by_umask) {
    const Scratch scratch;
    const mode_t before = ::umask(0077);
    for (const std::uint32_t mode : {0600u, 0666u, 0640u, 0400u, 0777u}) {
        for (const bool hidden : {false, true}) {
            const Result<Descriptor> file = (hidden ? make_hidden : make_unnamed)(scratch.path("s"), size, mode);
            ASSERT_TRUE(file);
            struct stat status {};
            ASSERT_EQ(::fstat(file->get(), &status), 0);
            EXPECT_EQ(status.st_mode & 07777, mode);
            discard(*file);
        }
    }
    ::umask(before);
}

TEST(MakeUnnamed, a_missing_folder_is_an_error_with_errno) {
    const Scratch scratch;
    for (const auto make : {make_unnamed, make_hidden}) {
        const Result<Descriptor> file = make(scratch.path("none/s"), size, 0600);
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code(), Code::system);
        EXPECT_EQ(file.error().number(), static_cast<std::uint64_t>(ENOENT));
    }
}

TEST(MakeUnnamed, a_folder_that_permissions_refuse_is_not_allowed) {
    const Scratch scratch;
    ASSERT_EQ(::chmod(scratch.folder().c_str(), 0555), 0);
    EXPECT_EQ(as_nobody([&] {
                  for (const auto make : {make_unnamed, make_hidden}) {
                      const Result<Descriptor> file = make(scratch.path("s"), size, 0600);
                      if (file || !(file.error() == Code::not_allowed) || file.error().number() != EACCES) return 1;
                  }
                  return 0;
              }),
              0);
    ASSERT_EQ(::chmod(scratch.folder().c_str(), 0755), 0);
}

TEST(MakeUnnamed, absurd_sizes_are_no_space_with_the_size_and_take_nothing) {
    const Scratch scratch;
    const std::uint64_t free_before = free_space(scratch.path("s"));
    ASSERT_GT(free_before, 0u);
    struct statvfs space {};
    ASSERT_EQ(::statvfs(scratch.folder().c_str(), &space), 0);
    const std::uint64_t all = std::uint64_t{space.f_blocks} * space.f_frsize;
    for (const std::uint64_t absurd : {all + 4096, std::uint64_t{1} << 60, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        for (const auto make : {make_unnamed, make_hidden}) {
            const Result<Descriptor> file = make(scratch.path("s"), absurd, 0600);
            ASSERT_FALSE(file);
            EXPECT_EQ(file.error().code(), Code::no_space);
            EXPECT_EQ(file.error().number(), absurd);
            EXPECT_EQ(scratch.files(), 0u);
        }
    }
}

TEST(MakeUnnamed, the_process_own_limit_of_file_size_is_no_space_and_no_signal) {
    const Scratch scratch;
    EXPECT_EQ(in_child([&] {
                  const rlimit limit{size - 1, size - 1};
                  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
                  for (const auto make : {make_unnamed, make_hidden}) {
                      const Result<Descriptor> file = make(scratch.path("s"), size, 0600);
                      if (file || !(file.error() == Code::no_space) || file.error().number() != size) return 2;
                  }
                  return 0;
              }),
              0);
    EXPECT_EQ(scratch.files(), 0u);
}

TEST(MakeUnnamed, a_size_of_zero_is_an_error) {
    const Scratch scratch;
    for (const auto make : {make_unnamed, make_hidden}) {
        const Result<Descriptor> file = make(scratch.path("s"), 0, 0600);
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code(), Code::system);
        EXPECT_EQ(file.error().number(), static_cast<std::uint64_t>(EINVAL));
    }
    EXPECT_EQ(scratch.files(), 0u);
}

TEST(MakeUnnamed, a_creator_killed_before_it_gives_the_name_leaves_nothing) {
    const Scratch scratch;
    const std::uint64_t big = 8 << 20;
    Child creator([&] {
        const Result<Descriptor> file = make_unnamed(scratch.path("s"), big, 0600);
        if (file) Child::report();
        for (;;) ::pause();
        return 0;
    });
    ASSERT_TRUE(creator.wait_for_report());
    creator.kill();
    EXPECT_EQ(scratch.files(), 0u);
}

TEST(GiveName, refuses_a_name_that_is_taken) {
    const Scratch scratch;
    const Descriptor first = make_file(scratch.path("s"), size);
    for (const auto make : {make_unnamed, make_hidden}) {
        const Result<Descriptor> second = make(scratch.path("s"), size, 0600);
        ASSERT_TRUE(second);
        EXPECT_EQ(give_name(*second, scratch.path("s")).error().code(), Code::exists);
        EXPECT_EQ(identity(open_segment(scratch.path("s"), true).value()).value(), identity(first).value());
        EXPECT_EQ(scratch.files(), 1u);
    }
    ASSERT_EQ(::symlink("nowhere", scratch.path("link").c_str()), 0);
    const Result<Descriptor> third = make_unnamed(scratch.path("link"), size, 0600);
    ASSERT_TRUE(third);
    EXPECT_EQ(give_name(*third, scratch.path("link")).error().code(), Code::exists);
}

TEST(GiveName, of_many_creators_exactly_one_wins) {
    const Scratch scratch;
    constexpr int creators = 16;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < creators; ++i)
        children.push_back(std::make_unique<Child>([&, i] {
            const Result<Descriptor> file = (i % 2 == 0 ? make_unnamed : make_hidden)(scratch.path("s"), size, 0600);
            if (!file) return 2;
            const Result<void> named = give_name(*file, scratch.path("s"));
            if (named) return 0;
            return named.error() == Code::exists ? 1 : 3;
        }));
    int winners = 0;
    for (const std::unique_ptr<Child>& child : children) {
        const int status = child->exit_status();
        EXPECT_LE(status, 1);
        winners += status == 0 ? 1 : 0;
    }
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(scratch.files(), 1u);
}

TEST(GiveName, errors_are_told_apart) {
    const Scratch scratch;
    const Result<Descriptor> file = make_unnamed(scratch.path("s"), size, 0600);
    ASSERT_TRUE(file);
    EXPECT_EQ(give_name(*file, scratch.path(std::string(300, 'a'))).error().code(), Code::bad_name);
    const Result<void> missing = give_name(*file, scratch.path("none/s"));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), Code::system);
    EXPECT_EQ(missing.error().number(), static_cast<std::uint64_t>(ENOENT));
    const Result<void> elsewhere = give_name(*file, "/proc/s");
    ASSERT_FALSE(elsewhere);
    EXPECT_NE(elsewhere.error().number(), 0u);
    EXPECT_TRUE(give_name(*file, scratch.path("s")));
}

TEST(MakeHidden, becomes_the_file_of_that_name_and_loses_the_hidden_one) {
    const Scratch scratch;
    const Result<Descriptor> file = make_hidden(scratch.path("s.shmq"), size, 0600);
    ASSERT_TRUE(file);
    EXPECT_EQ(scratch.files(), 1u);
    const Environment environment("SHMQ_DIR", scratch.folder().c_str());
    EXPECT_TRUE(list_segments().value().empty());
    EXPECT_TRUE(give_name(*file, scratch.path("s.shmq")));
    EXPECT_EQ(scratch.files(), 1u);
    EXPECT_EQ(list_segments().value(), std::vector<std::string>{"s"});
    EXPECT_EQ(file_size(*file).value(), size);
}

TEST(MakeHidden, discard_takes_the_hidden_name_away) {
    const Scratch scratch;
    const Result<Descriptor> file = make_hidden(scratch.path("s"), size, 0600);
    ASSERT_TRUE(file);
    discard(*file);
    EXPECT_EQ(scratch.files(), 0u);
    EXPECT_FALSE(is_linked(*file));
    discard(*file);
}

}  // namespace
}  // namespace shmq::os::test
