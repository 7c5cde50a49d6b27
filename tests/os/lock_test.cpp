// A lock shows that its holder lives: it falls with the holder, and nothing else makes it fall.
#include "os/lock.hpp"

#include <fcntl.h>

#include "os/map.hpp"
#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

constexpr std::uint64_t far = (std::uint64_t{1} << 62) + 7;

class Lock : public ::testing::Test {
protected:
    [[nodiscard]] Descriptor again(bool writable = true) const {
        return reopen(file_, scratch_.path("s"), writable).value();
    }
    Scratch scratch_;
    Descriptor file_ = make_file(scratch_.path("s"), 4096);
};

/// Waits until the kernel has torn the holder down; a watchdog ends the test if it never does.
void wait_until_free(const Descriptor& probe, std::uint64_t offset) {
    while (byte_is_locked(probe, offset).value()) ::usleep(1000);
}

TEST_F(Lock, one_description_holds_a_byte_at_a_time) {
    const Descriptor first = again();
    const Descriptor second = again();
    EXPECT_TRUE(try_lock_byte(first, far).value());
    EXPECT_FALSE(try_lock_byte(second, far).value());
    EXPECT_TRUE(try_lock_byte(second, far + 1).value());
    EXPECT_TRUE(try_lock_byte(first, far).value()) << "the holder may ask again";
    unlock_byte(first, far);
    EXPECT_TRUE(try_lock_byte(second, far).value());
}

TEST_F(Lock, own_description_sees_its_lock_as_free_and_another_sees_it) {
    const Descriptor owner = again();
    const Descriptor probe = again();
    ASSERT_TRUE(try_lock_byte(owner, 3).value());
    EXPECT_FALSE(byte_is_locked(owner, 3).value());
    EXPECT_TRUE(byte_is_locked(probe, 3).value());
    EXPECT_FALSE(byte_is_locked(probe, 2).value());
    EXPECT_FALSE(byte_is_locked(probe, 4).value());
    unlock_byte(owner, 3);
    EXPECT_FALSE(byte_is_locked(probe, 3).value());
}

TEST_F(Lock, a_descriptor_for_reading_alone_can_ask_but_not_lock) {
    const Descriptor owner = again();
    const Descriptor probe = again(false);
    ASSERT_TRUE(try_lock_byte(owner, far).value());
    EXPECT_TRUE(byte_is_locked(probe, far).value());
    EXPECT_FALSE(byte_is_locked(probe, far + 1).value());
    const Result<bool> locked = try_lock_byte(probe, far + 1);
    ASSERT_FALSE(locked);
    EXPECT_EQ(locked.error().code(), Code::system);
    EXPECT_EQ(locked.error().number(), static_cast<std::uint64_t>(EBADF));
}

TEST_F(Lock, who_may_only_read_can_not_make_the_dead_look_alive) {
    const Descriptor reader = again(false);
    struct flock lock {};
    lock.l_type = F_RDLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 5;
    lock.l_len = 1;
    ASSERT_EQ(::fcntl(reader.get(), F_OFD_SETLK, &lock), 0);
    EXPECT_FALSE(byte_is_locked(again(), 5).value());
}

TEST_F(Lock, closing_another_descriptor_of_the_file_drops_nothing) {
    const Descriptor owner = again();
    ASSERT_TRUE(try_lock_byte(owner, 1).value());
    again().close();
    EXPECT_TRUE(byte_is_locked(file_, 1).value());
}

TEST_F(Lock, falls_when_its_holder_is_killed_even_while_it_is_a_zombie) {
    Child holder([&] {
        const Descriptor owner = again();
        if (!try_lock_byte(owner, far).value()) return 1;
        Child::report();
        for (;;) ::pause();
        return 0;
    });
    ASSERT_TRUE(holder.wait_for_report());
    EXPECT_TRUE(byte_is_locked(file_, far).value());
    ::kill(holder.pid(), SIGSTOP);
    EXPECT_TRUE(byte_is_locked(file_, far).value()) << "the stopped live";
    holder.kill(false);
    wait_until_free(file_, far);
    EXPECT_EQ(::kill(holder.pid(), 0), 0) << "it is there as a zombie";
    EXPECT_TRUE(try_lock_byte(again(), far).value());
}

TEST_F(Lock, a_forked_child_that_closes_does_not_drop_it) {
    Descriptor owner = again();
    ASSERT_TRUE(try_lock_byte(owner, 1).value());
    EXPECT_EQ(in_child([&] {
                  owner.close();
                  return 0;
              }),
              0);
    EXPECT_TRUE(byte_is_locked(file_, 1).value());
}

TEST_F(Lock, a_forked_child_that_unlocks_drops_its_parents) {
    // Why a child only ever closes.
    const Descriptor owner = again();
    ASSERT_TRUE(try_lock_byte(owner, 1).value());
    EXPECT_EQ(in_child([&] {
                  unlock_byte(owner, 1);
                  return 0;
              }),
              0);
    EXPECT_FALSE(byte_is_locked(file_, 1).value());
}

TEST_F(Lock, a_forked_child_that_keeps_the_descriptor_hides_its_parents_death) {
    // Why a child must close.
    Descriptor owner = again();
    ASSERT_TRUE(try_lock_byte(owner, 1).value());
    Child keeper([&] {
        Child::report();
        for (;;) ::pause();
        return 0;
    });
    ASSERT_TRUE(keeper.wait_for_report());
    owner.close();
    EXPECT_TRUE(byte_is_locked(file_, 1).value());
    keeper.kill();
    wait_until_free(file_, 1);
}

TEST_F(Lock, a_mapping_through_the_locking_description_keeps_the_lock) {
    // Why the description that locks is never mapped through.
    Descriptor owner = again();
    ASSERT_TRUE(try_lock_byte(owner, 1).value());
    {
        const Result<Mapping> mapping = Mapping::map(owner, 4096, true);
        ASSERT_TRUE(mapping);
        owner.close();
        EXPECT_TRUE(byte_is_locked(file_, 1).value());
    }
    EXPECT_FALSE(byte_is_locked(file_, 1).value());
}

TEST_F(Lock, offsets_beyond_what_the_kernel_counts_are_errors) {
    EXPECT_EQ(try_lock_byte(file_, ~std::uint64_t{0}).error().code(), Code::system);
    EXPECT_EQ(byte_is_locked(file_, std::uint64_t{1} << 63).error().code(), Code::system);
    EXPECT_TRUE(try_lock_byte(file_, (std::uint64_t{1} << 63) - 2).value());
    EXPECT_EQ(byte_is_locked(Descriptor(), 0).error().number(), static_cast<std::uint64_t>(EBADF));
}

}  // namespace
}  // namespace shmq::os::test
