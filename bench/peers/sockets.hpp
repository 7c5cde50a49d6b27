// ZeroMQ and nng over their ipc transports, as PUSH and PULL: several producers, one receiver, no acks.
#pragma once

#include <cstddef>

#include "peers/shape.hpp"

namespace bench {

class ZeroMqPeer {
public:
    static constexpr const char* name = "zeromq ipc";
    static constexpr int high_water_mark = 10'000;  // messages, on each side
    static std::string missing();
    explicit ZeroMqPeer(const Shape& shape);

    class Sender {
    public:
        Sender(ZeroMqPeer& peer, unsigned who);
        Sender(const Sender&) = delete;
        Sender& operator=(const Sender&) = delete;
        ~Sender();
        bool send(std::uint64_t number);
        void flush() {}

    private:
        void* context_;
        void* socket_;
        bool polls_;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(ZeroMqPeer& peer);
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        ~Receiver();
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!receive_one()) return 0;
            sink(std::span<const std::byte>(message_));
            return 1;
        }

    private:
        bool receive_one();
        void* context_;
        void* socket_;
        bool polls_;
        std::vector<std::byte> message_;
    };

private:
    Shape shape_;
    std::string address_;
};

class NngPeer {
public:
    static constexpr const char* name = "nng ipc";
    static constexpr int buffered = 8192;  // messages, on each side; the most that nng lets one ask for
    static std::string missing();
    explicit NngPeer(const Shape& shape);

    class Sender {
    public:
        Sender(NngPeer& peer, unsigned who);
        Sender(const Sender&) = delete;
        Sender& operator=(const Sender&) = delete;
        ~Sender();
        bool send(std::uint64_t number);
        void flush() {}

    private:
        std::uint32_t socket_ = 0;
        std::vector<std::byte> message_;
    };
    class Receiver {
    public:
        explicit Receiver(NngPeer& peer);
        Receiver(const Receiver&) = delete;
        Receiver& operator=(const Receiver&) = delete;
        ~Receiver();
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            if (!receive_one()) return 0;
            sink(std::span<const std::byte>(message_));
            return 1;
        }

    private:
        bool receive_one();
        std::uint32_t socket_ = 0;
        bool polls_;
        std::vector<std::byte> message_;
    };

private:
    Shape shape_;
    std::string address_;
};

}  // namespace bench
