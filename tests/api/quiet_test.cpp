// While nobody sleeps and there is room and data, add, read and ack neither allocate nor call the kernel: counted, not
// timed.
//
// Allocations are counted by this program's own operator new; system calls are caught by a
// seccomp filter that ends the child at the first one but write and exit.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <new>

#include "support/stream_test.hpp"

namespace {

thread_local std::uint64_t allocations = 0;

void* counted(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace shmq::test {
namespace {

/// From now on any system call but write and exit kills the process.
void forbid_system_calls() {
    sock_filter filter[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 2, 0, SYS_write},
        {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_exit_group},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{sizeof filter / sizeof filter[0], filter};
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    require(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

class Quiet : public StreamTest {
protected:
    /// Some laps of everything that must be quiet.
    static void work(Stream& stream, Consumer& consumer, Reader& reader, std::uint64_t rounds) {
        const char bytes[200] = {};
        const Bytes payload = std::as_bytes(std::span(bytes));
        const Bytes several[] = {payload.first(8), payload.first(64), payload};
        AddOptions keyed;
        keyed.key = payload.first(10);
        for (std::uint64_t i = 0; i < rounds; ++i) {
            must(stream.add(payload.first(i % 200)));
            must(stream.add(payload, keyed));
            must(stream.add(std::span<const Bytes>(several)));
            Loan loan = must(stream.loan(100));
            must(loan.commit(50));
            require(must(reader.next()).sequence() != 0);
            Batch batch = must(consumer.read(reading(4)));
            must(batch.ack(batch[0].sequence()));
            must(batch.nack(batch[1].sequence()));
            must(batch.ack());
            for (std::size_t left = 3; left > 0;) {  // one nacked, two new; a read of nothing is another matter
                Batch rest = must(consumer.read());
                left -= rest.size();
                must(rest.ack());
            }
        }
    }
    struct Set {
        Stream stream;
        Consumer consumer;
        Reader reader;
    };
    [[nodiscard]] Set warm() const {
        Set set{open(), {}, {}};
        set.consumer = must(set.stream.consumer("g"));
        set.reader = must(set.stream.reader());
        work(set.stream, set.consumer, set.reader, 500);
        return set;
    }
};

TEST_F(Quiet, add_read_and_ack_allocate_nothing) {
    const Stream stream = create_with_group(medium_options(64));
    Set set = warm();
    const std::uint64_t before = allocations;
    work(set.stream, set.consumer, set.reader, 2000);
    EXPECT_EQ(allocations, before);
}

TEST_F(Quiet, add_read_and_ack_make_no_system_call) {
    const Stream stream = create_with_group(medium_options(64));
    EXPECT_EQ(in_child([&] {
                  Set set = warm();
                  forbid_system_calls();
                  work(set.stream, set.consumer, set.reader, 2000);
                  ::_exit(0);  // closing the handles is no longer quiet
                  return 0;
              }),
              0);
}

TEST_F(Quiet, with_descriptors_for_event_loops_it_is_so_too_while_there_is_data) {
    const Stream stream = create_with_group(medium_options(64));
    EXPECT_EQ(in_child([&] {
                  Set set = warm();
                  static_cast<void>(must(set.consumer.poll_fd()));
                  static_cast<void>(must(set.reader.poll_fd()));
                  const std::uint64_t before = allocations;
                  forbid_system_calls();  // of this thread; the helper has none to make
                  work(set.stream, set.consumer, set.reader, 2000);
                  ::_exit(allocations == before ? 0 : 1);
                  return 0;
              }),
              0);
}

TEST_F(Quiet, a_waiter_allocates_nothing_and_makes_no_system_call_while_there_is_data) {
    Stream stream = create_with_group(medium_options(64));
    EXPECT_EQ(in_child([&] {
                  Set set = warm();
                  Waiter waiter;
                  waiter.add(set.consumer, 1);
                  waiter.add(set.reader);
                  const auto turns = [&](int count) {
                      for (int turn = 0; turn < count; ++turn) {
                          for (int i = 0; i < 3; ++i) must(set.stream.add("some bytes"));
                          for (Delivery& delivery : must(waiter.wait({.max_entries = 8})))
                              if (!delivery.batch().empty()) must(delivery.batch().ack());
                      }
                  };
                  turns(100);
                  const std::uint64_t before = allocations;
                  forbid_system_calls();
                  turns(2000);
                  ::_exit(allocations == before ? 0 : 1);
                  return 0;
              }),
              0);
}

TEST_F(Quiet, the_filter_does_catch_a_system_call) {
    EXPECT_EQ(in_child([&] {
                  forbid_system_calls();
                  static_cast<void>(::getppid());
                  return 0;
              }),
              -SIGSYS);
}

}  // namespace
}  // namespace shmq::test
