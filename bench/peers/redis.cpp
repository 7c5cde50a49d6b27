// One server for all measurements, started by the first. Each peer has a key of its own.
#include "peers/redis.hpp"

#include <sys/time.h>

#ifdef BENCH_HAS_HIREDIS
#include <hiredis/hiredis.h>
#endif

namespace bench {

#ifdef BENCH_HAS_HIREDIS

namespace {

const RedisServer& server() {
    static const RedisServer running;
    return running;
}

struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::span<const std::byte> bytes_of(const redisReply& reply) {
    return {reinterpret_cast<const std::byte*>(reply.str), reply.len};
}

}  // namespace

class RedisPeer::Connection {
public:
    Connection() : context_(redisConnectUnix(server().socket().c_str())) {
        if (context_ == nullptr || context_->err != 0) throw std::runtime_error("connecting to redis-server");
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { redisFree(context_); }

    template <class... Argument>
    Reply ask(const char* command, Argument... argument) {
        append(command, argument...);
        return answer();
    }
    template <class... Argument>
    void append(const char* command, Argument... argument) {
        if (redisAppendCommand(context_, command, argument...) != REDIS_OK) throw std::runtime_error(command);
    }
    void append_words(std::vector<const char*>& words, std::vector<std::size_t>& sizes) {
        redisAppendCommandArgv(context_, static_cast<int>(words.size()), words.data(), sizes.data());
    }
    Reply answer() {
        void* reply = nullptr;
        if (redisGetReply(context_, &reply) != REDIS_OK || reply == nullptr)
            throw std::runtime_error(std::string("redis: ") + context_->errstr);
        Reply owned(static_cast<redisReply*>(reply));
        if (owned->type == REDIS_REPLY_ERROR) throw std::runtime_error(std::string("redis: ") + owned->str);
        return owned;
    }
    redisContext* context() { return context_; }

private:
    redisContext* context_;
};

RedisPeer::RedisPeer(const Shape& shape, RedisWay way) : shape_(shape), way_(way) {
    static int count = 0;
    key_ = "q" + std::to_string(count++);
    Connection connection;
    connection.ask("CONFIG SET client-output-buffer-limit %s", "pubsub 0 0 0");
    if (way == RedisWay::stream) connection.ask("XGROUP CREATE %s g $ MKSTREAM", key_.c_str());
}

RedisPeer::~RedisPeer() {
    try {
        Connection().ask("DEL %s %s:backup", key_.c_str(), key_.c_str());
    } catch (const std::exception&) {  // what stays ends with the server
    }
}

RedisPeer::Sender::Sender(RedisPeer& peer, unsigned)
    : peer_(peer), connection_(std::make_unique<Connection>()), message_(peer.shape_.size) {}
RedisPeer::Sender::~Sender() = default;
bool RedisPeer::Sender::send(std::uint64_t number) {
    fill(number, message_);
    const char* const key = peer_.key_.c_str();
    const void* const bytes = message_.data();
    switch (peer_.way_) {
        case RedisWay::stream: connection_->append("XADD %s * p %b", key, bytes, message_.size()); break;
        case RedisWay::list: connection_->append("RPUSH %s %b", key, bytes, message_.size()); break;
        case RedisWay::channel: connection_->append("PUBLISH %s %b", key, bytes, message_.size()); break;
    }
    if (++unanswered_ >= peer_.shape_.batch) flush();
    return true;
}
void RedisPeer::Sender::flush() {
    for (; unanswered_ != 0; --unanswered_) connection_->answer();
}

RedisPeer::Receiver::Receiver(RedisPeer& peer) : peer_(peer), connection_(std::make_unique<Connection>()) {
    messages_.resize(peer.shape_.batch, std::vector<std::byte>(peer.shape_.size));
    if (peer.way_ == RedisWay::channel) connection_->ask("SUBSCRIBE %s", peer.key_.c_str());
}
RedisPeer::Receiver::~Receiver() = default;

std::size_t RedisPeer::Receiver::fetch() {
    switch (peer_.way_) {
        case RedisWay::stream: return fetch_stream();
        case RedisWay::list: return fetch_list();
        case RedisWay::channel: break;
    }
    return fetch_channel();
}

std::size_t RedisPeer::Receiver::fetch_stream() {
    const Reply reply = connection_->ask("XREADGROUP GROUP g c COUNT %d BLOCK 1000 STREAMS %s >",
                                         static_cast<int>(peer_.shape_.batch), peer_.key_.c_str());
    if (reply->type != REDIS_REPLY_ARRAY) return 0;
    // [[stream, [[id, [field, value]], ...]]]
    const redisReply* entries = reply->element[0]->element[1];
    ids_.clear();
    for (std::size_t i = 0; i < entries->elements; ++i) {
        const redisReply* entry = entries->element[i];
        ids_.emplace_back(entry->element[0]->str, entry->element[0]->len);
        const auto bytes = bytes_of(*entry->element[1]->element[1]);
        messages_[i].assign(bytes.begin(), bytes.end());
    }
    return entries->elements;
}

/// One that waits, and as many more as may be there.
std::size_t RedisPeer::Receiver::fetch_list() {
    const char* const key = peer_.key_.c_str();
    const Reply first = connection_->ask("BLMOVE %s %s:backup LEFT RIGHT 1", key, key);
    if (first->type != REDIS_REPLY_STRING) return 0;
    std::size_t count = 0;
    const auto keep = [&](const redisReply& reply) {
        if (reply.type != REDIS_REPLY_STRING) return;
        const auto bytes = bytes_of(reply);
        messages_[count++].assign(bytes.begin(), bytes.end());
    };
    keep(*first);
    for (std::size_t i = 1; i < peer_.shape_.batch; ++i) connection_->append("LMOVE %s %s:backup LEFT RIGHT", key, key);
    for (std::size_t i = 1; i < peer_.shape_.batch; ++i) keep(*connection_->answer());
    return count;
}

std::size_t RedisPeer::Receiver::fetch_channel() {
    std::size_t count = 0;
    void* more = nullptr;
    Reply reply = connection_->answer();
    for (;;) {
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3) {
            const auto bytes = bytes_of(*reply->element[2]);
            messages_[count++].assign(bytes.begin(), bytes.end());
        }
        if (count == messages_.size()) break;
        if (redisGetReplyFromReader(connection_->context(), &more) != REDIS_OK || more == nullptr) break;
        reply.reset(static_cast<redisReply*>(more));
    }
    return count;
}

void RedisPeer::Receiver::finish() {
    if (peer_.way_ == RedisWay::channel) return;
    if (peer_.way_ == RedisWay::list) {
        connection_->ask("DEL %s:backup", peer_.key_.c_str());  // all that it holds was handled
        return;
    }
    std::vector<const char*> words{"XACK", peer_.key_.c_str(), "g"};
    std::vector<std::size_t> sizes{4, peer_.key_.size(), 1};
    for (const std::string& id : ids_) {
        words.push_back(id.data());
        sizes.push_back(id.size());
    }
    connection_->append_words(words, sizes);
    connection_->answer();
}

#else

class RedisPeer::Connection {};
RedisPeer::RedisPeer(const Shape& shape, RedisWay way) : shape_(shape), way_(way) { throw std::logic_error(missing()); }
RedisPeer::~RedisPeer() = default;
RedisPeer::Sender::Sender(RedisPeer& peer, unsigned) : peer_(peer) {}
RedisPeer::Sender::~Sender() = default;
bool RedisPeer::Sender::send(std::uint64_t) { return false; }
void RedisPeer::Sender::flush() {}
RedisPeer::Receiver::Receiver(RedisPeer& peer) : peer_(peer) {}
RedisPeer::Receiver::~Receiver() = default;
std::size_t RedisPeer::Receiver::fetch() { return 0; }
void RedisPeer::Receiver::finish() {}
std::size_t RedisPeer::Receiver::fetch_stream() { return 0; }
std::size_t RedisPeer::Receiver::fetch_list() { return 0; }
std::size_t RedisPeer::Receiver::fetch_channel() { return 0; }

#endif

}  // namespace bench
