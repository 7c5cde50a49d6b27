// The smallest whole use of shmq: make a stream and a group, add an entry, read it, ack it.
#include <iostream>
#include <shmq/shmq.hpp>

int main() {
    auto stream = shmq::Stream::open_or_create("hello").value();  // /dev/shm/hello.shmq, 49 MiB
    static_cast<void>(stream.create_group("readers"));            // `exists` the second time: fine
    const auto added = stream.add("hello, world", {.key = shmq::bytes_of("greeting")});
    if (!added) return std::cerr << added.error().message() << '\n', 1;  // such as: full, held by group ...

    auto consumer = stream.consumer("readers", "alice").value();  // in any process of this host
    auto batch = consumer.read({.wait = std::chrono::seconds(1)}).value();
    for (const shmq::Entry& entry : batch) std::cout << entry.sequence() << ": " << entry.text() << '\n';
    return batch.ack() ? 0 : 1;  // not acked: delivered again
}
