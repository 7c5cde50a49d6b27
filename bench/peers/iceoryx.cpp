// Every process that takes part has a runtime of its own, named after it. Publisher and subscriber find each other by
// service, instance and event; a sender waits until its receiver is there.
#include "peers/iceoryx.hpp"

#ifdef BENCH_HAS_ICEORYX
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#endif

namespace bench {

#ifdef BENCH_HAS_ICEORYX

namespace {

/// iox-roudi with pools for the sizes that are measured.
class Roudi {
public:
    Roudi() {
        std::string name = (std::filesystem::temp_directory_path() / "shmq-bench-roudi-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
        folder_ = name;
        const std::string config = folder_ + "/roudi.toml";
        std::ofstream(config) << "[general]\nversion = 1\n\n[[segment]]\n\n"
                                 "[[segment.mempool]]\nsize = 128\ncount = 10000\n\n"
                                 "[[segment.mempool]]\nsize = 1024\ncount = 4096\n\n"
                                 "[[segment.mempool]]\nsize = 2048\ncount = 4096\n\n"
                                 "[[segment.mempool]]\nsize = 66560\ncount = 512\n\n"
                                 "[[segment.mempool]]\nsize = 1049600\ncount = 300\n";
        process_ = ::fork();
        if (process_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int log = ::open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            ::dup2(log, STDOUT_FILENO);
            ::dup2(log, STDERR_FILENO);
            ::execlp("iox-roudi", "iox-roudi", "-m", "off", "-c", config.c_str(), static_cast<char*>(nullptr));
            ::_exit(127);
        }
        for (int attempt = 0; attempt < 500; ++attempt) {
            std::ifstream log(folder_ + "/log");
            for (std::string line; std::getline(log, line);)
                if (line.find("RouDi is ready for clients") != std::string::npos) return;
            if (::waitpid(process_, nullptr, WNOHANG) == process_) break;
            ::usleep(10'000);
        }
        throw std::runtime_error("iox-roudi is not ready, see " + folder_ + "/log");
    }
    Roudi(const Roudi&) = delete;
    Roudi& operator=(const Roudi&) = delete;
    ~Roudi() {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        std::error_code ignored;  // a folder that stays behind is no reason to fail
        std::filesystem::remove_all(folder_, ignored);
    }

private:
    std::string folder_;
    pid_t process_ = -1;
};

void join_runtime() {
    static const bool joined = [] {
        // It says at which level it logs. What goes wrong here is told on the board.
        const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(nowhere, STDOUT_FILENO);
        ::dup2(nowhere, STDERR_FILENO);
        iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError);
        const std::string name = "shmq-bench-" + std::to_string(::getpid());
        iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name.c_str()));
        return true;
    }();
    static_cast<void>(joined);
}

iox::capro::ServiceDescription service(const std::string& instance) {
    return {"shmq-bench", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, instance.c_str()), "messages"};
}

}  // namespace

std::string IceoryxPeer::missing() {
    return ::access("/usr/bin/iox-roudi", X_OK) == 0 ? "" : "there is no /usr/bin/iox-roudi";
}

IceoryxPeer::IceoryxPeer(const Shape& shape) : shape_(shape) {
    static const Roudi roudi;
    static int count = 0;
    instance_ = std::to_string(::getpid()) + "-" + std::to_string(count++);
}

struct IceoryxPeer::Sender::Port {
    explicit Port(const std::string& instance) : publisher(service(instance), options()) {}
    static iox::popo::PublisherOptions options() {
        iox::popo::PublisherOptions options;
        options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
        return options;
    }
    iox::popo::UntypedPublisher publisher;
};
IceoryxPeer::Sender::Sender(IceoryxPeer& peer, unsigned) : size_(peer.shape_.size) {
    join_runtime();
    port_ = std::make_unique<Port>(peer.instance_);
    while (!port_->publisher.hasSubscribers()) ::usleep(1'000);
}
IceoryxPeer::Sender::~Sender() = default;
bool IceoryxPeer::Sender::send(std::uint64_t number) {
    auto loan = port_->publisher.loan(static_cast<std::uint32_t>(size_));
    if (loan.has_error()) return false;
    fill(number, std::span(static_cast<std::byte*>(loan.value()), size_));
    port_->publisher.publish(loan.value());
    return true;
}

struct IceoryxPeer::Receiver::Port {
    explicit Port(const std::string& instance) : subscriber(service(instance), options()) {}
    static iox::popo::SubscriberOptions options() {
        iox::popo::SubscriberOptions options;
        options.queueCapacity = 256;
        options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
        return options;
    }
    iox::popo::UntypedSubscriber subscriber;
};
IceoryxPeer::Receiver::Receiver(IceoryxPeer& peer) : size_(peer.shape_.size) {
    join_runtime();
    port_ = std::make_unique<Port>(peer.instance_);
}
IceoryxPeer::Receiver::~Receiver() = default;
const std::byte* IceoryxPeer::Receiver::take() {
    auto taken = port_->subscriber.take();
    return taken.has_error() ? nullptr : static_cast<const std::byte*>(taken.value());
}
void IceoryxPeer::Receiver::give_back(const std::byte* message) { port_->subscriber.release(message); }

#else

std::string IceoryxPeer::missing() { return "built without libiceoryx-posh-dev"; }
IceoryxPeer::IceoryxPeer(const Shape& shape) : shape_(shape) { throw std::logic_error(missing()); }
struct IceoryxPeer::Sender::Port {};
IceoryxPeer::Sender::Sender(IceoryxPeer&, unsigned) : size_(0) {}
IceoryxPeer::Sender::~Sender() = default;
bool IceoryxPeer::Sender::send(std::uint64_t) { return false; }
struct IceoryxPeer::Receiver::Port {};
IceoryxPeer::Receiver::Receiver(IceoryxPeer&) : size_(0) {}
IceoryxPeer::Receiver::~Receiver() = default;
const std::byte* IceoryxPeer::Receiver::take() { return nullptr; }
void IceoryxPeer::Receiver::give_back(const std::byte*) {}

#endif

}  // namespace bench
