// With hiredis, where the build found it; otherwise only the line that says so.
#include "support/redis_peer.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "support/processes.hpp"
#include "support/settings.hpp"

#ifdef BENCH_HAS_HIREDIS
#include <hiredis/hiredis.h>
#endif

namespace bench {

#ifdef BENCH_HAS_HIREDIS
namespace {

bool is_in_path(const char* program) {
    const char* path = getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::string folder(rest.substr(0, rest.find(':')));
        rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
        if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
    }
    return false;
}

}  // namespace
#endif

std::string redis_missing() {
#ifndef BENCH_HAS_HIREDIS
    return "built without hiredis (libhiredis-dev)";
#else
    return is_in_path("redis-server") ? "" : "there is no redis-server in PATH";
#endif
}

#ifdef BENCH_HAS_HIREDIS

namespace {

void take_reply(void* pointer, const char* command, int type) {
    std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(pointer), freeReplyObject);
    if (!reply) throw std::runtime_error(std::string(command) + ": no answer");
    if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(std::string(command) + ": " + reply->str);
    if (reply->type != type) throw std::runtime_error(std::string(command) + ": another kind of answer than expected");
}

}  // namespace

struct RedisStream::Connection {
    redisContext* context = nullptr;
    std::string payload = std::string(64, 'x');
    std::vector<std::string> ids;
};

RedisServer::RedisServer() {
    std::string name = (std::filesystem::temp_directory_path() / "shmq-bench-redis-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    folder_ = name;
    socket_ = folder_ + "/socket";
    process_ = fork();
    if (process_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_to(settings().core_of_second);
        const int log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_.c_str(), "--unixsocketperm",
               "700", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", folder_.c_str(),
               static_cast<char*>(nullptr));
        _exit(127);
    }
    for (int attempt = 0; attempt < 500; ++attempt) {
        if (waitpid(process_, nullptr, WNOHANG) == process_) {
            process_ = -1;
            break;
        }
        redisContext* context = redisConnectUnix(socket_.c_str());
        const bool answers = context != nullptr && context->err == 0;
        redisFree(context);
        if (answers) return;
        usleep(10'000);
    }
    end();
    throw std::runtime_error("redis-server does not answer");
}

RedisServer::~RedisServer() { end(); }

void RedisServer::end() noexcept {
    if (process_ > 0) {
        kill(process_, SIGTERM);
        waitpid(process_, nullptr, 0);
        process_ = -1;
    }
    std::error_code ignored;  // a folder that stays behind is no reason to fail
    std::filesystem::remove_all(folder_, ignored);
}

RedisStream::RedisStream(const std::string& socket) : connection_(std::make_unique<Connection>()) {
    connection_->context = redisConnectUnix(socket.c_str());
    if (connection_->context == nullptr || connection_->context->err != 0)
        throw std::runtime_error("connecting to redis-server");
    redisContext* context = connection_->context;
    take_reply(redisCommand(context, "FLUSHALL"), "FLUSHALL", REDIS_REPLY_STATUS);
    take_reply(redisCommand(context, "XGROUP CREATE s g $ MKSTREAM"), "XGROUP CREATE", REDIS_REPLY_STATUS);
}

RedisStream::~RedisStream() { redisFree(connection_->context); }

void RedisStream::add(int count) {
    redisContext* context = connection_->context;
    const std::string& payload = connection_->payload;
    for (int i = 0; i < count; ++i) redisAppendCommand(context, "XADD s * p %b", payload.data(), payload.size());
    for (int i = 0; i < count; ++i) {
        void* reply = nullptr;
        redisGetReply(context, &reply);
        take_reply(reply, "XADD", REDIS_REPLY_STRING);
    }
}

std::size_t RedisStream::read(int count) {
    std::unique_ptr<redisReply, void (*)(void*)> reply(
        static_cast<redisReply*>(
            redisCommand(connection_->context, "XREADGROUP GROUP g c COUNT %d STREAMS s >", count)),
        freeReplyObject);
    connection_->ids.clear();
    std::size_t bytes = 0;
    // [[stream, [[id, [field, value]], ...]]]
    if (!reply || reply->type != REDIS_REPLY_ARRAY) throw std::runtime_error("XREADGROUP: nothing came");
    const redisReply* entries = reply->element[0]->element[1];
    for (std::size_t i = 0; i < entries->elements; ++i) {
        const redisReply* entry = entries->element[i];
        connection_->ids.emplace_back(entry->element[0]->str, entry->element[0]->len);
        bytes += entry->element[1]->element[1]->len;
    }
    return bytes;
}

void RedisStream::ack() {
    std::vector<const char*> words{"XACK", "s", "g"};
    std::vector<std::size_t> sizes{4, 1, 1};
    for (const std::string& id : connection_->ids) {
        words.push_back(id.data());
        sizes.push_back(id.size());
    }
    take_reply(redisCommandArgv(connection_->context, static_cast<int>(words.size()), words.data(), sizes.data()),
               "XACK", REDIS_REPLY_INTEGER);
}

#else

struct RedisStream::Connection {};
RedisServer::RedisServer() { throw std::logic_error(redis_missing()); }
RedisServer::~RedisServer() { end(); }
void RedisServer::end() noexcept {}
RedisStream::RedisStream(const std::string&) {}
RedisStream::~RedisStream() = default;
void RedisStream::add(int) {}
std::size_t RedisStream::read(int) { return 0; }
void RedisStream::ack() {}

#endif

}  // namespace bench
