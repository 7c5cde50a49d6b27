// What somebody else may have put where a stream is looked for: links, fifos, folders, devices, files of other users;
// and a file that a stranger cuts while it is used.
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class Planted : public StreamTest {
protected:
    /// Every call that takes a name says `code`, and what stands there is not touched.
    void refused(const std::string& name, Code code, Code removing) {
        struct stat before {};
        ASSERT_EQ(::lstat(path(name).c_str(), &before), 0) << name;
        OpenOptions looking;
        looking.read_only = true;
        EXPECT_EQ(code_of(Stream::open(path(name))), code) << name;
        EXPECT_EQ(code_of(Stream::open(path(name), looking)), code) << name;
        EXPECT_EQ(code_of(Stream::create(path(name), small_options())), Code::exists) << name;
        EXPECT_EQ(code_of(Stream::open_or_create(path(name), small_options())), code) << name;
        EXPECT_EQ(code_of(Stream::remove(path(name))), removing) << name;
        struct stat after {};
        ASSERT_EQ(::lstat(path(name).c_str(), &after), 0) << name;
        EXPECT_EQ(after.st_ino, before.st_ino) << name;
        EXPECT_EQ(after.st_mode, before.st_mode) << name;
        EXPECT_EQ(after.st_size, before.st_size) << name;
    }
};

TEST_F(Planted, links_fifos_folders_and_devices_are_refused_by_every_call_and_left_alone) {
    const Stream target = create();
    ASSERT_EQ(::symlink(path().c_str(), path("link").c_str()), 0);
    ASSERT_EQ(::symlink(path("nowhere").c_str(), path("dangling").c_str()), 0);
    ASSERT_EQ(::symlink("round", path("round").c_str()), 0);
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0666), 0);
    ASSERT_EQ(::mkdir(path("folder").c_str(), 0777), 0);
    for (const char* name : {"link", "dangling", "round", "fifo", "folder"})
        refused(name, Code::not_allowed, Code::not_allowed);
    EXPECT_FALSE(std::filesystem::exists(path("nowhere"))) << "nobody wrote through the link";
    // As root, and where devices may be made: a disk, a terminal, the null device and a loop that has no end.
    for (const dev_t device : {makedev(1, 3), makedev(1, 5), makedev(4, 1)}) {
        const std::string name = "device" + std::to_string(device);
        if (::mknod(path(name).c_str(), S_IFCHR | 0666, device) != 0) continue;
        refused(name, Code::not_allowed, Code::not_allowed);
    }
    EXPECT_TRUE(target.info());
}

TEST_F(Planted, files_of_something_else_are_corrupt_and_left_alone) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{1} << 20}) {
        const std::string name = "file" + std::to_string(size);
        {
            const int file = ::open(path(name).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            ASSERT_EQ(::ftruncate(file, static_cast<off_t>(size)), 0);
            ::close(file);
        }
        refused(name, Code::corrupt, Code::corrupt);
    }
}

TEST_F(Planted, lists_show_none_of_them) {
    const Environment folder("SHMQ_DIR", folder_.path());
    const Stream stream = must(Stream::create("real", small_options()));
    ASSERT_EQ(::symlink(path("real.shmq").c_str(), path("link.shmq").c_str()), 0);
    ASSERT_EQ(::symlink("nowhere", path("dangling.shmq").c_str()), 0);
    ASSERT_EQ(::mkfifo(path("fifo.shmq").c_str(), 0600), 0);
    ASSERT_EQ(::mkdir(path("folder.shmq").c_str(), 0700), 0);
    EXPECT_EQ(must(Stream::list()), std::vector<std::string>{"real"});
}

TEST_F(Planted, a_link_on_the_way_to_the_folder_is_followed) {
    ASSERT_EQ(::mkdir(path("far").c_str(), 0700), 0);
    ASSERT_EQ(::symlink("far", path("near").c_str()), 0);
    const Environment folder("SHMQ_DIR", path("near"));
    Stream stream = must(Stream::create("named", small_options()));
    EXPECT_TRUE(std::filesystem::exists(path("far/named.shmq")));
    Stream same = must(Stream::open(path("far/named.shmq")));
    EXPECT_EQ(must(same.add("x")), at(1));
    EXPECT_EQ(must(stream.info()).next, at(2));
    EXPECT_EQ(must(stream.attachments()).size(), 2u);
    must(Stream::remove("named"));
    EXPECT_TRUE(std::filesystem::is_empty(path("far")));
}

TEST_F(Planted, a_folder_that_is_a_dangling_link_or_no_folder_is_an_error) {
    ASSERT_EQ(::symlink("nowhere", path("near").c_str()), 0);
    { const Stream file = create(); }
    for (const char* name : {"near", "s"}) {
        const Environment folder("SHMQ_DIR", path(name));
        EXPECT_EQ(code_of(Stream::create("named", small_options())), Code::system) << name;
        EXPECT_EQ(code_of(Stream::open("named")), Code::no_stream) << name;
        EXPECT_EQ(code_of(Stream::remove("named")), Code::no_stream) << name;
        EXPECT_EQ(code_of(Stream::list()), Code::system) << name;
    }
}

TEST_F(Planted, a_second_hard_link_is_the_same_stream_until_it_is_removed_under_both) {
    Stream stream = create_with_group();
    ASSERT_EQ(::link(path().c_str(), path("second").c_str()), 0);
    Stream second = must(Stream::open(path("second")));
    EXPECT_EQ(must(second.add("x")), at(1));
    Consumer consumer = must(stream.consumer("g"));
    EXPECT_EQ(must(consumer.read())[0].sequence(), at(1));
    for (const AttachmentInfo& info : must(second.attachments())) EXPECT_EQ(info.owner, Owner::alive);
    must(Stream::remove(path("second")));
    EXPECT_EQ(code_of(stream.add("y")), Code::removed) << "removing tells all who have it";
    must(Stream::remove(path()));
}

/// As another user, in a folder where everybody may make files and remove his own.
class ForeignFile : public StreamTest {
protected:
    static constexpr unsigned nobody = 65'534;
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
        ASSERT_EQ(::chmod(folder_.path().c_str(), 01777), 0);
    }
    static int as_nobody(const std::function<int()>& work) {
        return in_child([&] {
            require(::setgid(nobody) == 0 && ::setuid(nobody) == 0);
            return work();
        });
    }
};

TEST_F(ForeignFile, is_used_as_its_mode_allows_and_not_removed_from_a_sticky_folder) {
    StreamOptions options = small_options();
    options.mode = 0666;
    Stream stream = create_with_group(options);
    add(stream, 1);
    EXPECT_EQ(as_nobody([this] {
                  Stream own = must(Stream::open(path()));
                  must(own.add("of another user"));
                  Consumer consumer = must(own.consumer("g", "other"));
                  Batch batch = must(consumer.read());
                  require(batch.size() == 2);
                  for (const AttachmentInfo& info : must(own.attachments())) require(info.owner == Owner::alive);
                  require(code_of(Stream::create(path(), small_options())) == Code::exists);
                  require(code_of(Stream::remove(path())) == Code::not_allowed);
                  ::raise(SIGKILL);
                  return 1;
              }),
              -SIGKILL);
    EXPECT_EQ(must(stream.recover()).entries, 2u) << "a death of another user is seen";
    EXPECT_EQ(folder_.count(), 1u);
}

TEST_F(ForeignFile, that_a_user_planted_is_a_stream_like_any_and_root_removes_it) {
    EXPECT_EQ(as_nobody([this] {
                  StreamOptions options = small_options();
                  options.mode = 0666;
                  return Stream::create(path("planted"), options) ? 0 : 1;
              }),
              0);
    EXPECT_EQ(must(must(Stream::open(path("planted"))).add("x")), at(1));
    must(Stream::remove(path("planted")));
    EXPECT_EQ(folder_.count(), 0u);
}

TEST_F(ForeignFile, that_may_only_be_read_is_only_looked_at) {
    StreamOptions options = small_options();
    options.mode = 0644;
    Stream stream = create_with_group(options);
    add(stream, 2);
    EXPECT_EQ(as_nobody([this] {
                  require(code_of(Stream::open(path())) == Code::not_allowed);
                  OpenOptions looking;
                  looking.read_only = true;
                  Stream own = must(Stream::open(path(), looking));
                  require(must(own.range(at(1), at(2))).size() == 2);
                  for (const AttachmentInfo& info : must(own.attachments())) require(info.owner == Owner::alive);
                  return code_of(own.add("x")) == Code::not_allowed ? 0 : 1;
              }),
              0);
    EXPECT_EQ(must(stream.info()).next, at(3));
}

TEST_F(ForeignFile, that_is_a_link_to_somebody_elses_stream_leads_nowhere) {
    const Stream stream = create();
    EXPECT_EQ(as_nobody([this] { return ::symlink(path().c_str(), path("trap").c_str()); }), 0);
    EXPECT_EQ(code_of(Stream::open(path("trap"))), Code::not_allowed);
    EXPECT_EQ(code_of(Stream::remove(path("trap"))), Code::not_allowed);
    EXPECT_EQ(code_of(Stream::open_or_create(path("trap"), small_options())), Code::not_allowed);
    EXPECT_FALSE(must(stream.info()).removed);
}

/// A file that is made shorter by somebody who may write it.
class Cut : public StreamTest {
protected:
    void cut(off_t size) const { ASSERT_EQ(::truncate(path().c_str(), size), 0); }
};

TEST_F(Cut, while_it_is_mapped_ends_its_users_by_SIGBUS_and_newcomers_are_told_that_it_is_corrupt) {
    for (const off_t size : {0, 4096, 8192}) {
        { const Stream stream = create_with_group(); }
        Child user([this](Link& link) {
            Stream own = must(Stream::open(path()));
            link.send();
            require(link.receive());
            for (;;) static_cast<void>(own.add("x"));
            return 0;
        });
        ASSERT_TRUE(user.receive());
        cut(size);
        user.send();
        EXPECT_EQ(user.wait(), -SIGBUS) << size << ": as with every mapping; docs/protocol.md, Honest limits";
        EXPECT_EQ(code_of(Stream::open(path())), Code::corrupt) << size;
        // What is not a page of a stream any more is nobody's to remove but by hand.
        EXPECT_EQ(code_of(Stream::remove(path())), size < 4096 ? Code::corrupt : Code::ok) << size;
        std::filesystem::remove(path());
    }
}

TEST_F(Cut, and_grown_again_is_zeros_that_give_errors_and_no_crash) {
    { const Stream stream = create_with_group(); }
    const auto whole = static_cast<off_t>(std::filesystem::file_size(path()));
    Child user([this](Link& link) {
        Stream own = must(Stream::open(path()));
        Consumer consumer = must(own.consumer("g", "c"));
        must(own.add("x"));
        Batch batch = must(consumer.read());
        link.send();
        require(link.receive());
        for (int turn = 0; turn < 50; ++turn) {
            static_cast<void>(own.add("y"));
            static_cast<void>(consumer.read());
            static_cast<void>(own.recover());
            static_cast<void>(own.groups());
            static_cast<void>(own.trim_keep(1));
        }
        static_cast<void>(batch.ack());
        return 0;
    });
    ASSERT_TRUE(user.receive());
    cut(0);
    cut(whole);
    user.send();
    EXPECT_EQ(user.wait(), 0);
    EXPECT_EQ(code_of(Stream::open(path())), Code::corrupt);
}

TEST_F(Cut, longer_than_it_was_made_is_used_on) {
    Stream stream = create_with_group();
    Consumer consumer = must(stream.consumer("g"));
    cut(static_cast<off_t>(std::filesystem::file_size(path())) + 4096);
    add(stream, 2);
    Stream late = open();
    EXPECT_EQ(must(late.add("x")), at(3));
    EXPECT_EQ(must(consumer.read()).size(), 3u);
}

}  // namespace
}  // namespace shmq::test
