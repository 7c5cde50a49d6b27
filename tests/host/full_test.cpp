// A file system without room, and a machine without /proc: on a small one of our own, which nobody else sees.
#include <fstream>

#include "host/namespaces.hpp"
#include "support/stream_test.hpp"

namespace shmq::test {
namespace {

class SmallFileSystem : public StreamTest {
protected:
    void SetUp() override {
        if (!can_enter_new(CLONE_NEWNS)) GTEST_SKIP() << "this machine refuses mount namespaces";
    }
    /// The status of `work` in a child that has a file system of its own at the folder of the test.
    int with_mount(const std::string& options, const std::function<int()>& work) const {
        return in_child([&] {
            require(mount_small(folder_.path(), options));
            return work();
        });
    }
    /// Fills all that is left with a stranger's bytes.
    void fill() const {
        const int file = ::open(path("stranger").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        require(file >= 0);
        const std::string bytes(64 * 1024, 'x');
        for (std::size_t size = bytes.size(); size > 0; size = size > 4096 ? size / 2 : 0)
            while (::write(file, bytes.data(), size) > 0) {}
        require(errno == ENOSPC);
        ::close(file);
    }
    [[nodiscard]] std::size_t hidden_and_visible() const { return folder_.count(); }
};

TEST_F(SmallFileSystem, a_stream_that_does_not_fit_is_no_space_with_both_numbers_and_leaves_nothing) {
    EXPECT_EQ(with_mount("size=1m",
                         [this] {
                             StreamOptions options = small_options();
                             options.payload = 4 << 20;
                             const auto made = Stream::create(path(), options);
                             require(code_of(made) == Code::no_space);
                             require(made.error().number() > options.payload);
                             const std::string text = made.error().message();
                             require(contains(text, std::to_string(made.error().number())));
                             require(contains(text, std::to_string(1 << 20)));  // what is free
                             return static_cast<int>(hidden_and_visible());
                         }),
              0);
}

TEST_F(SmallFileSystem, where_others_took_the_room_it_is_no_space_and_leaves_nothing) {
    EXPECT_EQ(with_mount("size=1m",
                         [this] {
                             fill();
                             require(code_of(Stream::create(path(), small_options())) == Code::no_space);
                             require(code_of(Stream::open_or_create(path(), small_options())) == Code::no_space);
                             require(hidden_and_visible() == 1);
                             require(std::filesystem::remove(path("stranger")));
                             return Stream::create(path(), small_options()) ? 0 : 1;
                         }),
              0);
}

TEST_F(SmallFileSystem, without_a_free_inode_it_is_no_space_and_leaves_nothing) {
    EXPECT_EQ(with_mount("size=4m,nr_inodes=2",
                         [this] {
                             const int last = ::open(path("last").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
                             require(last >= 0);
                             require(code_of(Stream::create(path(), small_options())) == Code::no_space);
                             return static_cast<int>(hidden_and_visible()) - 1;
                         }),
              0);
}

TEST_F(SmallFileSystem, a_stream_has_its_room_and_goes_on_for_laps_when_it_is_full) {
    EXPECT_EQ(with_mount("size=1m",
                         [this] {
                             Stream stream = create_with_group();
                             fill();
                             // Every chunk, every slot, consumers that were never there before, groups that are new, a
                             // death.
                             Consumer consumer = must(stream.consumer("g", "c"));
                             std::uint64_t number = 0;
                             for (int turn = 0; turn < 200; ++turn) {
                                 for (int i = 0; i < 4; ++i) must(stream.add(payload_of(++number, 900)));
                                 Batch batch = must(consumer.read());
                                 for (const Entry& entry : batch) require(number_of(entry.payload()));
                                 must(batch.ack());
                             }
                             must(stream.create_group("late", Position::newest()));
                             must(stream.add(payload_of(++number, 3000)));
                             require(in_child([this] {
                                         Stream own = must(Stream::open(path()));
                                         Consumer victim = must(own.consumer("late", "victim"));
                                         require(must(victim.read()).size() == 1);
                                         const Batch held = must(victim.read());
                                         ::raise(SIGKILL);
                                         return 1;
                                     }) == -SIGKILL);
                             Stream again = must(Stream::open(path()));
                             require(must(again.recover()).entries == 1);
                             Consumer late = must(again.consumer("late"));
                             return number_of(must(late.read())[0].payload()) == number ? 0 : 1;
                         }),
              0);
}

TEST_F(SmallFileSystem, of_many_creators_that_race_for_the_last_room_none_leaves_a_part) {
    EXPECT_EQ(with_mount("size=512k",
                         [this] {
                             for (int turn = 0; turn < 20; ++turn) {
                                 std::vector<Child> children;
                                 for (int i = 0; i < 8; ++i)
                                     children.emplace_back([&, i](Link& link) {
                                         static_cast<void>(link.receive());
                                         const auto made =
                                             Stream::create(path("s" + std::to_string(i)), small_options());
                                         return made ? 0 : code_of(made) == Code::no_space ? 1 : 2;
                                     });
                                 for (const Child& child : children) child.send();
                                 std::size_t made = 0;
                                 for (Child& child : children) {
                                     const int status = child.wait();
                                     require(status == 0 || status == 1);
                                     made += status == 0 ? 1 : 0;
                                 }
                                 require(made > 0 && made < 8 && hidden_and_visible() == made);
                                 for (int i = 0; i < 8; ++i) {
                                     const std::string name = path("s" + std::to_string(i));
                                     if (std::filesystem::exists(name)) must(Stream::remove(name));
                                 }
                             }
                             return static_cast<int>(hidden_and_visible());
                         }),
              0);
}

TEST_F(SmallFileSystem, without_proc_streams_are_made_opened_and_recovered) {
    // A chroot or a sparse container: no link in /proc leads to a descriptor's file.
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to give a file its name without /proc";
    EXPECT_EQ(in_child([this] {
                  require(mount_small("/proc", "size=64k"));
                  require(!std::filesystem::exists("/proc/self"));
                  Stream stream = create_with_group();
                  require(folder_.count() == 1);
                  add(stream, 2);
                  Child victim([&](Link& link) {
                      Stream own = must(Stream::open(path()));
                      Consumer consumer = must(own.consumer("g", "victim"));
                      const Batch batch = must(consumer.read());
                      link.send();
                      return link.receive() ? 0 : 1;
                  });
                  require(victim.receive());
                  require(must(stream.recover()).dead == 0);
                  victim.kill();
                  require(must(stream.recover()).entries == 2);
                  must(Stream::remove(path()));
                  return static_cast<int>(folder_.count());
              }),
              0);
}

}  // namespace
}  // namespace shmq::test
