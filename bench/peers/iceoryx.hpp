// iceoryx 2.0: publish and subscribe through shared memory, with its daemon iox-roudi started for the measurement and
// ended by its process id. The publisher waits for a subscriber that is slow, so nothing is lost; there are no acks.
#pragma once

#include <memory>

#include "peers/shape.hpp"

namespace bench {

class IceoryxPeer {
public:
    static constexpr const char* name = "iceoryx";
    static constexpr bool looks = true;
    static std::string missing();
    explicit IceoryxPeer(const Shape& shape);

    class Sender {
    public:
        Sender(IceoryxPeer& peer, unsigned who);
        Sender(Sender&&) = delete;
        ~Sender();
        bool send(std::uint64_t number);
        void flush() {}

    private:
        struct Port;
        std::unique_ptr<Port> port_;
        std::size_t size_;
    };
    class Receiver {
    public:
        explicit Receiver(IceoryxPeer& peer);
        Receiver(Receiver&&) = delete;
        ~Receiver();
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            const std::byte* const message = take();
            if (message == nullptr) return 0;
            sink(std::span(message, size_));
            give_back(message);
            return 1;
        }

    private:
        const std::byte* take();
        void give_back(const std::byte* message);
        struct Port;
        std::unique_ptr<Port> port_;
        std::size_t size_;
    };

private:
    Shape shape_;
    std::string instance_;
};

}  // namespace bench
