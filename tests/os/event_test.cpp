// An event is readable while it is raised, and its descriptor is of the kind event loops want.
#include "os/event.hpp"

#include <poll.h>

#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

bool readable(const Event& event) {
    pollfd one{event.descriptor(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

TEST(Event, is_readable_from_its_making_until_it_is_lowered) {
    const Event event = Event::make().value();
    EXPECT_TRUE(readable(event));
    event.lower();
    EXPECT_FALSE(readable(event));
    event.lower();
    EXPECT_FALSE(readable(event));
    event.raise();
    event.raise();
    EXPECT_TRUE(readable(event));
    event.lower();
    EXPECT_FALSE(readable(event)) << "lowered once, however often it was raised";
}

TEST(Event, has_a_descriptor_that_does_not_block_and_ends_with_exec) {
    const Event event = Event::make().value();
    EXPECT_NE(::fcntl(event.descriptor(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(event.descriptor(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Event, is_never_a_standard_stream) {
    EXPECT_EQ(in_child([] {
                  for (const int standard : {0, 1, 2}) ::close(standard);
                  return Event::make().value().descriptor() > 2 ? 0 : 1;
              }),
              0);
}

TEST(Event, without_a_descriptor_left_is_an_error_with_the_errno) {
    EXPECT_EQ(in_child([] {
                  std::vector<Descriptor> all;
                  for (;;) {
                      Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
                      if (!next) break;
                      all.push_back(std::move(next));
                  }
                  const auto event = Event::make();
                  return !event && event.error().code() == Code::system && event.error().number() == EMFILE ? 0 : 1;
              }),
              0);
}

TEST(Event, leaves_errno_alone) {
    const Event event = Event::make().value();
    errno = 77;
    event.lower();
    event.lower();
    event.raise();
    EXPECT_EQ(errno, 77);
}

}  // namespace
}  // namespace shmq::os::test
