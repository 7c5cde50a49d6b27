// Each side has a context of its own, made in its process: neither library survives a fork.
#include "peers/sockets.hpp"

#include <unistd.h>

#include <filesystem>

#ifdef BENCH_HAS_ZEROMQ
#include <zmq.h>
#endif
#ifdef BENCH_HAS_NNG
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#endif

namespace bench {

namespace {

[[maybe_unused]] std::string own_address(const char* what) {
    static int count = 0;
    const auto folder = std::filesystem::temp_directory_path();
    return "ipc://" + (folder / ("shmq-bench-" + std::string(what) + "-" + std::to_string(::getpid()) + "-" +
                                 std::to_string(count++)))
                          .string();
}

}  // namespace

#ifdef BENCH_HAS_ZEROMQ

namespace {

[[noreturn]] void fail_zmq(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + zmq_strerror(zmq_errno()));
}
void* open_zmq(void*& context, int kind, int option) {
    context = zmq_ctx_new();
    void* const socket = zmq_socket(context, kind);
    if (socket == nullptr) fail_zmq("zmq_socket");
    const int mark = ZeroMqPeer::high_water_mark;
    const int linger_ms = 2'000;
    zmq_setsockopt(socket, option, &mark, sizeof mark);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    return socket;
}
bool done(int answer, const char* what) {
    if (answer >= 0) return true;
    if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return false;
    fail_zmq(what);
}

}  // namespace

std::string ZeroMqPeer::missing() { return {}; }
ZeroMqPeer::ZeroMqPeer(const Shape& shape) : shape_(shape), address_(own_address("zmq")) {}
ZeroMqPeer::Sender::Sender(ZeroMqPeer& peer, unsigned) : polls_(peer.shape_.polls), message_(peer.shape_.size) {
    socket_ = open_zmq(context_, ZMQ_PUSH, ZMQ_SNDHWM);
    if (zmq_connect(socket_, peer.address_.c_str()) != 0) fail_zmq("zmq_connect");
}
ZeroMqPeer::Sender::~Sender() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
}
bool ZeroMqPeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    return done(zmq_send(socket_, message_.data(), message_.size(), polls_ ? ZMQ_DONTWAIT : 0), "zmq_send");
}
ZeroMqPeer::Receiver::Receiver(ZeroMqPeer& peer) : polls_(peer.shape_.polls), message_(peer.shape_.size) {
    socket_ = open_zmq(context_, ZMQ_PULL, ZMQ_RCVHWM);
    if (zmq_bind(socket_, peer.address_.c_str()) != 0) fail_zmq("zmq_bind");
}
ZeroMqPeer::Receiver::~Receiver() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
}
bool ZeroMqPeer::Receiver::receive_one() {
    return done(zmq_recv(socket_, message_.data(), message_.size(), polls_ ? ZMQ_DONTWAIT : 0), "zmq_recv");
}

#else

std::string ZeroMqPeer::missing() { return "built without libzmq3-dev"; }
ZeroMqPeer::ZeroMqPeer(const Shape& shape) : shape_(shape) { throw std::logic_error(missing()); }
ZeroMqPeer::Sender::Sender(ZeroMqPeer&, unsigned) : context_(nullptr), socket_(nullptr), polls_(false) {}
ZeroMqPeer::Sender::~Sender() = default;
bool ZeroMqPeer::Sender::send(std::uint64_t) { return false; }
ZeroMqPeer::Receiver::Receiver(ZeroMqPeer&) : context_(nullptr), socket_(nullptr), polls_(false) {}
ZeroMqPeer::Receiver::~Receiver() = default;
bool ZeroMqPeer::Receiver::receive_one() { return false; }

#endif

#ifdef BENCH_HAS_NNG

namespace {

void check_nng(int answer, const char* what) {
    if (answer != 0) throw std::runtime_error(std::string(what) + ": " + nng_strerror(answer));
}

}  // namespace

std::string NngPeer::missing() { return {}; }
NngPeer::NngPeer(const Shape& shape) : shape_(shape), address_(own_address("nng")) {}
NngPeer::Sender::Sender(NngPeer& peer, unsigned) : message_(peer.shape_.size) {
    nng_socket socket;
    check_nng(nng_push0_open(&socket), "nng_push0_open");
    socket_ = socket.id;
    check_nng(nng_socket_set_int(socket, NNG_OPT_SENDBUF, buffered), "nng send buffer");
    // The receiver may not listen yet.
    check_nng(nng_dial(socket, peer.address_.c_str(), nullptr, NNG_FLAG_NONBLOCK), "nng_dial");
}
NngPeer::Sender::~Sender() { nng_close(nng_socket{socket_}); }
bool NngPeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    check_nng(nng_send(nng_socket{socket_}, message_.data(), message_.size(), 0), "nng_send");
    return true;
}
NngPeer::Receiver::Receiver(NngPeer& peer) : polls_(peer.shape_.polls), message_(peer.shape_.size) {
    nng_socket socket;
    check_nng(nng_pull0_open(&socket), "nng_pull0_open");
    socket_ = socket.id;
    check_nng(nng_socket_set_int(socket, NNG_OPT_RECVBUF, buffered), "nng receive buffer");
    check_nng(nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 0), "nng largest message");
    check_nng(nng_listen(socket, peer.address_.c_str(), nullptr, 0), "nng_listen");
}
NngPeer::Receiver::~Receiver() { nng_close(nng_socket{socket_}); }
bool NngPeer::Receiver::receive_one() {
    std::size_t size = message_.size();
    const int answer = nng_recv(nng_socket{socket_}, message_.data(), &size, polls_ ? NNG_FLAG_NONBLOCK : 0);
    if (answer == NNG_EAGAIN) return false;
    check_nng(answer, "nng_recv");
    return true;
}

#else

std::string NngPeer::missing() { return "built without libnng-dev"; }
NngPeer::NngPeer(const Shape& shape) : shape_(shape) { throw std::logic_error(missing()); }
NngPeer::Sender::Sender(NngPeer&, unsigned) {}
NngPeer::Sender::~Sender() = default;
bool NngPeer::Sender::send(std::uint64_t) { return false; }
NngPeer::Receiver::Receiver(NngPeer&) : polls_(false) {}
NngPeer::Receiver::~Receiver() = default;
bool NngPeer::Receiver::receive_one() { return false; }

#endif

}  // namespace bench
