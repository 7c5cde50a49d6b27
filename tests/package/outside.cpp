// A program outside the project: one entry goes into a stream and comes out of it by a group. Prints the entry.
//
// Given: the path of the stream to make, which is removed at the end. Exit 1 with the error's text otherwise.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <shmq/shmq.hpp>

namespace {

template <class T>
T must(shmq::Result<T> result) {
    if (result) return std::move(result).value();
    std::fprintf(stderr, "outside: %s\n", result.error().message().c_str());
    std::exit(1);
}
void must(shmq::Result<void> result) {
    if (result) return;
    std::fprintf(stderr, "outside: %s\n", result.error().message().c_str());
    std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 2) return 64;
    shmq::Stream stream = must(shmq::Stream::create(arguments[1], {.slots = 1024, .payload = 1 << 20}));
    must(stream.create_group("readers"));
    must(stream.add("hello from outside"));
    shmq::Consumer consumer = must(stream.consumer("readers"));
    shmq::Batch batch = must(consumer.read());
    std::printf("%s\n", std::string(batch[0].text()).c_str());
    must(batch.ack());
    must(shmq::Stream::remove(arguments[1]));
    return 0;
}
