// Redis on a private server, by a Unix socket, without persistence: a stream with a group that acks, a list with a
// backup list, and publish and subscribe. `batch` commands are sent together.
#pragma once

#include <memory>

#include "peers/shape.hpp"
#include "support/redis_peer.hpp"

namespace bench {

enum class RedisWay : std::uint8_t { stream, list, channel };

/// What the three have in common; see redis.cpp.
class RedisPeer {
public:
    static std::string missing() { return redis_missing(); }
    RedisPeer(const Shape& shape, RedisWay way);
    RedisPeer(const RedisPeer&) = delete;
    RedisPeer& operator=(const RedisPeer&) = delete;
    ~RedisPeer();

    class Connection;
    class Sender {
    public:
        Sender(RedisPeer& peer, unsigned who);
        Sender(Sender&&) = delete;
        ~Sender();
        bool send(std::uint64_t number);
        void flush();

    private:
        RedisPeer& peer_;
        std::unique_ptr<Connection> connection_;
        std::vector<std::byte> message_;
        std::size_t unanswered_ = 0;
    };
    class Receiver {
    public:
        explicit Receiver(RedisPeer& peer);
        Receiver(Receiver&&) = delete;
        ~Receiver();
        template <class Sink>
        std::size_t receive(Sink&& sink) {
            const std::size_t count = fetch();
            for (std::size_t i = 0; i < count; ++i) sink(std::span<const std::byte>(messages_[i]));
            if (count != 0) finish();
            return count;
        }

    private:
        std::size_t fetch();
        void finish();
        std::size_t fetch_stream();
        std::size_t fetch_list();
        std::size_t fetch_channel();
        RedisPeer& peer_;
        std::unique_ptr<Connection> connection_;
        std::vector<std::vector<std::byte>> messages_;
        std::vector<std::string> ids_;
    };

private:
    Shape shape_;
    RedisWay way_;
    std::string key_;
};

struct RedisStreamPeer : RedisPeer {
    static constexpr const char* name = "redis stream";
    explicit RedisStreamPeer(const Shape& shape) : RedisPeer(shape, RedisWay::stream) {}
};
struct RedisListPeer : RedisPeer {
    static constexpr const char* name = "redis list";
    explicit RedisListPeer(const Shape& shape) : RedisPeer(shape, RedisWay::list) {}
};
struct RedisChannelPeer : RedisPeer {
    static constexpr const char* name = "redis pub/sub";
    explicit RedisChannelPeer(const Shape& shape) : RedisPeer(shape, RedisWay::channel) {}
};

}  // namespace bench
