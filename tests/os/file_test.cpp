// Names, opening, listing and removing segment files.
#include "os/file.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

TEST(SegmentPath, plain_names_lie_in_dev_shm) {
    const Environment environment("SHMQ_DIR", nullptr);
    EXPECT_EQ(segment_path("orders").value(), "/dev/shm/orders.shmq");
    EXPECT_EQ(segment_path("a.b_c-D9").value(), "/dev/shm/a.b_c-D9.shmq");
    EXPECT_EQ(segment_path("_").value(), "/dev/shm/_.shmq");
}

TEST(SegmentPath, SHMQ_DIR_is_another_folder_and_empty_means_none) {
    {
        const Environment environment("SHMQ_DIR", "/var/queue");
        EXPECT_EQ(segment_path("orders").value(), "/var/queue/orders.shmq");
    }
    {
        const Environment environment("SHMQ_DIR", "/var/queue/");
        EXPECT_EQ(segment_path("orders").value(), "/var/queue/orders.shmq");
    }
    const Environment environment("SHMQ_DIR", "");
    EXPECT_EQ(segment_path("orders").value(), "/dev/shm/orders.shmq");
}

TEST(SegmentPath, what_begins_like_a_path_is_taken_as_it_is) {
    const Environment environment("SHMQ_DIR", "/var/queue");
    for (const char* path : {"/data/my queue", "./queue", "../a/b.shmq", "/x"})
        EXPECT_EQ(segment_path(path).value(), path);
}

TEST(SegmentPath, odd_names_are_refused_with_their_size) {
    const std::string long_name(201, 'a');
    const std::string with_nul("a\0b", 3);
    const std::string path_with_nul("/a\0b", 4);
    const std::string long_path = "/" + std::string(5000, 'a');
    const std::vector<std::string> names = {"",    ".a",  "-a",       ".",           "..",      "a/b",     "a b",
                                            "a:b", "a\n", "\xc3\xa4", "~a",          "a*",      "/",       "./",
                                            "/a/", "../", with_nul,   path_with_nul, long_name, long_path, "..."};
    for (const std::string& name : names) {
        const Result<std::string> path = segment_path(name);
        ASSERT_FALSE(path) << name;
        EXPECT_EQ(path.error().code(), Code::bad_name) << name;
        EXPECT_EQ(path.error().number(), name.size()) << name;
    }
    EXPECT_TRUE(segment_path(std::string(200, 'a')));
}

TEST(ValidName, groups_and_consumers_may_have_colons) {
    EXPECT_TRUE(valid_name("host:1.worker_2-x", 63));
    EXPECT_TRUE(valid_name(":", 1));
    EXPECT_TRUE(valid_name(std::string(63, 'z'), 63));
    for (const std::string& name : {std::string(), std::string(64, 'z'), std::string(".a"), std::string("-a"),
                                    std::string("a/b"), std::string("a b"), std::string("a\0", 2), std::string("\xff")})
        EXPECT_FALSE(valid_name(name, 63)) << name;
}

TEST(Descriptor, closes_what_it_owns_and_only_that) {
    const std::size_t before = open_descriptors();
    {
        Descriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        Descriptor second(std::move(first));
        EXPECT_FALSE(first);
        EXPECT_TRUE(second);
        first = std::move(second);
        EXPECT_EQ(open_descriptors(), before + 1);
        const int number = first.release();
        EXPECT_EQ(first.get(), -1);
        first = Descriptor(number);
        first.close();
        first.close();
        EXPECT_EQ(open_descriptors(), before);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST(OpenSegment, gives_the_file_closed_on_exec) {
    const Scratch scratch;
    const Descriptor made = make_file(scratch.path("s"), 4096);
    for (const bool writable : {false, true}) {
        const Result<Descriptor> file = open_segment(scratch.path("s"), writable);
        ASSERT_TRUE(file);
        EXPECT_EQ(identity(*file).value(), identity(made).value());
        EXPECT_EQ(file_size(*file).value(), 4096u);
        EXPECT_EQ(::fcntl(file->get(), F_GETFL) & O_ACCMODE, writable ? O_RDWR : O_RDONLY);
        EXPECT_EQ(::fcntl(file->get(), F_GETFD), FD_CLOEXEC);
    }
}

TEST(OpenSegment, missing_files_and_folders_are_no_stream) {
    const Scratch scratch;
    make_file(scratch.path("s"), 4096);
    for (const char* name : {"none", "none/s", "s/s"}) {
        const Result<Descriptor> file = open_segment(scratch.path(name), true);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code(), Code::no_stream) << name;
    }
    EXPECT_EQ(open_segment(scratch.path(std::string(300, 'a')), true).error().code(), Code::bad_name);
}

/// A link, a fifo, a folder and a socket under `scratch`, with the number each error is to have.
std::vector<std::pair<std::string, int>> make_odd_files(const Scratch& scratch) {
    make_file(scratch.path("s"), 4096);
    EXPECT_EQ(::symlink(scratch.path("s").c_str(), scratch.path("link").c_str()), 0);
    EXPECT_EQ(::mkfifo(scratch.path("fifo").c_str(), 0600), 0);
    EXPECT_EQ(::mkdir(scratch.path("folder").c_str(), 0700), 0);
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    scratch.path("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return {{"link", ELOOP}, {"fifo", ENXIO}, {"folder", EISDIR}, {"socket", ENXIO}};
}

TEST(OpenSegment, links_fifos_folders_and_sockets_are_refused_without_waiting) {
    const Scratch scratch;
    for (const auto& [name, number] : make_odd_files(scratch)) {
        for (const bool writable : {false, true}) {
            const Result<Descriptor> file = open_segment(scratch.path(name), writable);
            ASSERT_FALSE(file) << name;
            EXPECT_EQ(file.error().code(), Code::not_allowed) << name;
            EXPECT_EQ(file.error().number(), static_cast<std::uint64_t>(number)) << name;
        }
    }
    EXPECT_EQ(open_segment("/dev/null", true).error().code(), Code::not_allowed);
}

TEST(OpenSegment, permissions_refuse_with_errno) {
    const Scratch scratch;
    make_file(scratch.path("closed"), 4096, 0600);
    make_file(scratch.path("readable"), 4096, 0444);
    const auto attempt = [&](const char* name, bool writable) {
        return as_nobody([&] {
            const Result<Descriptor> file = open_segment(scratch.path(name), writable);
            if (file) return 0;
            return file.error() == Code::not_allowed && file.error().number() == EACCES ? 1 : 2;
        });
    };
    EXPECT_EQ(attempt("readable", false), 0);
    EXPECT_EQ(attempt("readable", true), 1);
    const bool other_user = ::geteuid() == 0;  // otherwise it is the owner who tries
    EXPECT_EQ(attempt("closed", false), other_user ? 1 : 0);
}

TEST(OpenSegment, never_becomes_a_standard_stream) {
    const Scratch scratch;
    make_file(scratch.path("s"), 4096);
    EXPECT_EQ(in_child([&] {
                  for (const int number : {0, 1, 2}) ::close(number);
                  const Result<Descriptor> opened = open_segment(scratch.path("s"), true);
                  const Result<Descriptor> made = make_unnamed(scratch.path("t"), 4096, 0600);
                  const Result<Descriptor> hidden = make_hidden(scratch.path("t"), 4096, 0600);
                  if (!opened || !made || !hidden) return 1;
                  discard(*hidden);
                  return opened->get() > 2 && made->get() > 2 && hidden->get() > 2 && ::fcntl(0, F_GETFD) == -1 ? 0 : 2;
              }),
              0);
}

TEST(Reopen, is_the_same_file_in_a_description_of_its_own) {
    const Scratch scratch;
    const Descriptor file = make_file(scratch.path("s"), 4096);
    const Result<Descriptor> again = reopen(file, scratch.path("s"), false);
    ASSERT_TRUE(again);
    EXPECT_EQ(identity(*again).value(), identity(file).value());
    EXPECT_EQ(::fcntl(again->get(), F_GETFL) & O_ACCMODE, O_RDONLY);
    EXPECT_EQ(::fcntl(again->get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(::lseek(file.get(), 100, SEEK_SET), 100);
    EXPECT_EQ(::lseek(again->get(), 0, SEEK_CUR), 0);
}

TEST(Reopen, finds_a_file_that_has_lost_its_name_or_never_had_one) {
    const Scratch scratch;
    const Descriptor removed = make_file(scratch.path("s"), 4096);
    ASSERT_TRUE(remove_file(scratch.path("s")));
    make_file(scratch.path("s"), 8192);
    const Result<Descriptor> again = reopen(removed, scratch.path("s"), true);
    ASSERT_TRUE(again);
    EXPECT_EQ(file_size(*again).value(), 4096u);
    const Result<Descriptor> unnamed = make_unnamed(scratch.path("u"), 4096, 0600);
    ASSERT_TRUE(unnamed);
    const Result<Descriptor> unnamed_again = reopen(*unnamed, scratch.path("u"), true);
    ASSERT_TRUE(unnamed_again);
    EXPECT_EQ(identity(*unnamed_again).value(), identity(*unnamed).value());
}

TEST(RemoveFile, takes_the_name_and_leaves_the_bytes_to_those_who_have_them) {
    const Scratch scratch;
    const Descriptor file = make_file(scratch.path("s"), 4096);
    EXPECT_TRUE(is_linked(file));
    EXPECT_TRUE(remove_file(scratch.path("s")));
    EXPECT_FALSE(is_linked(file));
    EXPECT_EQ(file_size(file).value(), 4096u);
    EXPECT_EQ(remove_file(scratch.path("s")).error().code(), Code::no_stream);
    EXPECT_EQ(scratch.files(), 0u);
}

TEST(RemoveFile, removes_nothing_but_regular_files) {
    const Scratch scratch;
    for (const auto& [name, number] : make_odd_files(scratch)) {
        const Result<void> removed = remove_file(scratch.path(name));
        ASSERT_FALSE(removed) << name;
        EXPECT_EQ(removed.error().code(), Code::not_allowed) << name;
        EXPECT_EQ(removed.error().number(), static_cast<std::uint64_t>(number)) << name;
    }
    EXPECT_EQ(scratch.files(), 5u);
}

TEST(Questions, about_no_file_answer_errno) {
    const Descriptor none;
    EXPECT_EQ(identity(none).error().number(), static_cast<std::uint64_t>(EBADF));
    EXPECT_EQ(file_size(none).error().code(), Code::system);
    EXPECT_FALSE(is_linked(none));
}

TEST(ListSegments, has_regular_files_with_valid_names_in_order) {
    const Scratch scratch;
    const Environment environment("SHMQ_DIR", scratch.folder().c_str());
    EXPECT_TRUE(list_segments().value().empty());
    for (const char* name : {"b.shmq", "a.shmq", "a.b.shmq", "B.shmq", "other", ".hidden.shmq", ".shmq", "a b.shmq",
                             "-x.shmq", ".b.shmq.x1y2z3"})
        make_file(scratch.path(name), 4096);
    ASSERT_EQ(::symlink("a.shmq", scratch.path("link.shmq").c_str()), 0);
    ASSERT_EQ(::mkdir(scratch.path("folder.shmq").c_str(), 0700), 0);
    EXPECT_EQ(list_segments().value(), (std::vector<std::string>{"B", "a", "a.b", "b"}));
}

TEST(ListSegments, a_missing_folder_is_an_error_with_errno) {
    const Environment environment("SHMQ_DIR", "/dev/shm/no-such-folder");
    const Result<std::vector<std::string>> names = list_segments();
    ASSERT_FALSE(names);
    EXPECT_EQ(names.error().code(), Code::system);
    EXPECT_EQ(names.error().number(), static_cast<std::uint64_t>(ENOENT));
}

}  // namespace
}  // namespace shmq::os::test
