// System calls; capacities are the largest that an ordinary user may ask for.
#include "peers/kernel.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace bench {

namespace {

constexpr std::size_t pipe_capacity = 1 << 20;  // bytes; what the kernel lets everybody ask for

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string(what) + ": " + std::strerror(errno)); }

void set_flags(int descriptor, int flags) {
    if (flags != 0 && ::fcntl(descriptor, F_SETFL, flags) != 0) fail("fcntl");
}

bool came(ssize_t got) {
    if (got > 0) return true;
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    fail("receive");
}
bool went(ssize_t sent) {
    if (sent >= 0) return true;
    if (errno == EAGAIN || errno == EINTR) return false;
    fail("send");
}

std::string own_name(const char* what) {
    static int count = 0;
    return "/shmq-bench-" + std::string(what) + "-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
}

}  // namespace

void Shape::yield() { ::sched_yield(); }

DescriptorPair::~DescriptorPair() {
    if (in >= 0) ::close(in);
    if (out >= 0) ::close(out);
}

PipePeer::PipePeer(const Shape& shape) : shape_(shape) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe2");
    ends_.in = ends[0];
    ends_.out = ends[1];
    ::fcntl(ends_.out, F_SETPIPE_SZ, pipe_capacity);  // a smaller one does as well
    set_flags(ends_.in, shape.polls ? O_NONBLOCK : 0);
}
bool PipePeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    for (std::size_t at = 0; at < message_.size();) {
        const ssize_t sent = ::write(out_, message_.data() + at, message_.size() - at);
        if (went(sent)) at += static_cast<std::size_t>(sent);
    }
    return true;
}
bool PipePeer::Receiver::read_more() {
    const ssize_t got = ::read(in_, bytes_.data() + filled_, bytes_.size() - filled_);
    if (!came(got)) return false;
    filled_ += static_cast<std::size_t>(got);
    return true;
}

SocketPeer::SocketPeer(const Shape& shape) : shape_(shape) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socketpair");
    ends_.in = ends[0];
    ends_.out = ends[1];
    const int room = static_cast<int>(std::max<std::size_t>(pipe_capacity, 4 * shape.size));
    ::setsockopt(ends_.out, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);  // root alone
    ::setsockopt(ends_.out, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);       // others, as far as it goes
}
bool SocketPeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    return went(::send(out_, message_.data(), message_.size(), polls_ ? MSG_DONTWAIT : 0));
}
bool SocketPeer::Receiver::receive_one() {
    return came(::recv(in_, message_.data(), message_.size(), polls_ ? MSG_DONTWAIT : 0));
}

std::string PosixQueuePeer::missing() {
    const std::string probe = own_name("probe");
    const mqd_t queue = ::mq_open(probe.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600, nullptr);
    if (queue == -1) return std::string("mq_open: ") + std::strerror(errno);
    ::mq_close(queue);
    ::mq_unlink(probe.c_str());
    return {};
}
PosixQueuePeer::PosixQueuePeer(const Shape& shape) : shape_(shape) {
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_MSGQUEUE, &unlimited);  // root alone
    const std::string own = own_name("mq");
    for (long messages : {4096L, 256L, 10L}) {
        mq_attr attributes{};
        attributes.mq_maxmsg = messages;
        attributes.mq_msgsize = static_cast<long>(shape.size);
        queue_ = ::mq_open(own.c_str(), O_RDWR | O_CREAT | O_EXCL | (shape.polls ? O_NONBLOCK : 0), 0600, &attributes);
        if (queue_ != -1) break;
    }
    if (queue_ == -1) fail("mq_open");
    ::mq_unlink(own.c_str());
}
PosixQueuePeer::~PosixQueuePeer() { ::mq_close(queue_); }
bool PosixQueuePeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    return went(::mq_send(queue_, reinterpret_cast<const char*>(message_.data()), message_.size(), 0));
}
bool PosixQueuePeer::Receiver::receive_one() {
    return came(::mq_receive(queue_, reinterpret_cast<char*>(message_.data()), message_.size(), nullptr));
}

InterprocessPeer::InterprocessPeer(const Shape& shape) : shape_(shape), name_(own_name("ipc").substr(1)) {
    const std::size_t messages = std::clamp<std::size_t>((std::size_t{32} << 20) / shape.size, 8, 4096);
    queue_ = std::make_unique<boost::interprocess::message_queue>(boost::interprocess::create_only, name_.c_str(),
                                                                  messages, shape.size);
}
InterprocessPeer::~InterprocessPeer() { boost::interprocess::message_queue::remove(name_.c_str()); }
bool InterprocessPeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    if (polls_) return queue_.try_send(message_.data(), message_.size(), 0);
    queue_.send(message_.data(), message_.size(), 0);
    return true;
}
bool InterprocessPeer::Receiver::receive_one() {
    std::size_t got = 0;
    unsigned priority = 0;
    if (polls_) return queue_.try_receive(message_.data(), message_.size(), got, priority);
    queue_.receive(message_.data(), message_.size(), got, priority);
    return true;
}

}  // namespace bench
