// A Redis server of our own, as a peer: on a Unix socket in a folder of its own, without persistence and without a
// port, on the second processor; ended by its process id, its folder removed. And one client of it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

namespace bench {

/// Why there can be no comparison with Redis on this machine; empty if there can.
std::string redis_missing();

class RedisServer {
public:
    /// Starts it and waits until it answers. Throws if it does not.
    RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;
    ~RedisServer();
    [[nodiscard]] const std::string& socket() const { return socket_; }

private:
    void end() noexcept;

    std::string folder_;
    std::string socket_;
    pid_t process_ = -1;
};

/// One stream with one group, used by one client. Every call checks the answers and throws what is wrong.
class RedisStream {
public:
    explicit RedisStream(const std::string& socket);
    RedisStream(const RedisStream&) = delete;
    RedisStream& operator=(const RedisStream&) = delete;
    ~RedisStream();

    /// XADD of `count` entries with one field of 64 bytes, sent together.
    void add(int count);
    /// XREADGROUP of `count` entries, whose ids are remembered. Returns how many payload bytes came.
    std::size_t read(int count);
    /// XACK of what the last read gave, in one command.
    void ack();

private:
    struct Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace bench
