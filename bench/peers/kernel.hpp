// What the kernel has: a pipe, a Unix socket that keeps messages apart, a POSIX message queue; and Boost.Interprocess's
// message_queue, which is made of its locks. Each copies a message twice.
#pragma once

#include <mqueue.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <memory>

#include "peers/shape.hpp"

namespace bench {

/// Both ends of something that is read and written.
class DescriptorPair {
public:
    DescriptorPair() = default;
    DescriptorPair(const DescriptorPair&) = delete;
    DescriptorPair& operator=(const DescriptorPair&) = delete;
    ~DescriptorPair();
    int in = -1;
    int out = -1;
};

class PipePeer {
public:
    static constexpr const char* name = "pipe";
    static std::string missing() { return {}; }
    explicit PipePeer(const Shape& shape);

    class Sender {
    public:
        Sender(PipePeer& peer, unsigned) : out_(peer.ends_.out), message_(peer.shape_.size) {}
        bool send(std::uint64_t number);
        void flush() {}

    private:
        int out_;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(PipePeer& peer)
            : in_(peer.ends_.in), size_(peer.shape_.size), bytes_(peer.shape_.size * peer.shape_.batch) {}
        /// As many as one read gives; the beginning of a further one is kept for the next.
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!read_more()) return 0;
            const std::size_t whole = filled_ / size_;
            for (std::size_t i = 0; i < whole; ++i) sink(std::span<const std::byte>(bytes_).subspan(i * size_, size_));
            filled_ -= whole * size_;
            std::memmove(bytes_.data(), bytes_.data() + whole * size_, filled_);
            return whole;
        }

    private:
        bool read_more();
        int in_;
        std::size_t size_;
        std::vector<std::byte> bytes_;
        std::size_t filled_ = 0;
    };

private:
    Shape shape_;
    DescriptorPair ends_;
};

class SocketPeer {
public:
    static constexpr const char* name = "unix seqpacket";
    static std::string missing() { return {}; }
    explicit SocketPeer(const Shape& shape);

    class Sender {
    public:
        Sender(SocketPeer& peer, unsigned)
            : out_(peer.ends_.out), polls_(peer.shape_.polls), message_(peer.shape_.size) {}
        bool send(std::uint64_t number);
        void flush() {}

    private:
        int out_;
        bool polls_;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(SocketPeer& peer)
            : in_(peer.ends_.in), polls_(peer.shape_.polls), message_(peer.shape_.size) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!receive_one()) return 0;
            sink(std::span<const std::byte>(message_));
            return 1;
        }

    private:
        bool receive_one();
        int in_;
        bool polls_;
        std::vector<std::byte> message_;
    };

private:
    Shape shape_;
    DescriptorPair ends_;
};

class PosixQueuePeer {
public:
    static constexpr const char* name = "posix mq";
    static constexpr std::size_t largest = 8192;  // bytes of a message, what the kernel lets everybody ask for
    static std::string missing();
    explicit PosixQueuePeer(const Shape& shape);
    PosixQueuePeer(const PosixQueuePeer&) = delete;
    PosixQueuePeer& operator=(const PosixQueuePeer&) = delete;
    ~PosixQueuePeer();

    class Sender {
    public:
        Sender(PosixQueuePeer& peer, unsigned) : queue_(peer.queue_), message_(peer.shape_.size) {}
        bool send(std::uint64_t number);
        void flush() {}

    private:
        mqd_t queue_;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(PosixQueuePeer& peer) : queue_(peer.queue_), message_(peer.shape_.size) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!receive_one()) return 0;
            sink(std::span<const std::byte>(message_));
            return 1;
        }

    private:
        bool receive_one();
        mqd_t queue_;
        std::vector<std::byte> message_;
    };

private:
    Shape shape_;
    mqd_t queue_ = -1;
};

class InterprocessPeer {
public:
    static constexpr const char* name = "boost message_queue";
    static std::string missing() { return {}; }
    explicit InterprocessPeer(const Shape& shape);
    InterprocessPeer(const InterprocessPeer&) = delete;
    InterprocessPeer& operator=(const InterprocessPeer&) = delete;
    ~InterprocessPeer();

    class Sender {
    public:
        Sender(InterprocessPeer& peer, unsigned)
            : queue_(*peer.queue_), polls_(peer.shape_.polls), message_(peer.shape_.size) {}
        bool send(std::uint64_t number);
        void flush() {}

    private:
        boost::interprocess::message_queue& queue_;
        bool polls_;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(InterprocessPeer& peer)
            : queue_(*peer.queue_), polls_(peer.shape_.polls), message_(peer.shape_.size) {}
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!receive_one()) return 0;
            sink(std::span<const std::byte>(message_));
            return 1;
        }

    private:
        bool receive_one();
        boost::interprocess::message_queue& queue_;
        bool polls_;
        std::vector<std::byte> message_;
    };

private:
    Shape shape_;
    std::string name_;
    std::unique_ptr<boost::interprocess::message_queue> queue_;
};

}  // namespace bench
