// Keeps a count of goods in a file, exactly, although it may be killed at any moment: each entry is a number to add to
// the count. An entry is delivered again when its handler died before the ack; whether its effect was stored by then is
// known from the FinishedSet, which is in the same file as the count and so becomes true with it or not at all.
//
//     stock STREAM FILE           handles what is there, and ends; numbers come from `shmq add STREAM 5`
//
// STOCK_KILL=STEP:N in the environment kills it after the N-th time it came through a step: applied, written, stored or
// acked. It is there so that this can be tried (tests/tools/stock_example_test.cpp).
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <shmq/shmq.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Stock {
    std::int64_t count = 0;
    shmq::FinishedSet finished;
};

void came_through(std::string_view step) {
    static const char* const wish = std::getenv("STOCK_KILL");
    static int left = wish != nullptr ? std::atoi(std::strrchr(wish, ':') + 1) : 0;
    if (wish == nullptr || !std::string_view(wish).starts_with(step)) return;
    if (--left == 0) kill(getpid(), SIGKILL);
}

/// What the file says; nothing was handled yet if there is none.
std::optional<Stock> load(const std::string& path, shmq::Sequence first) {
    std::FILE* const file = std::fopen(path.c_str(), "rb");
    if (file == nullptr && errno == ENOENT) return Stock{0, shmq::FinishedSet(first)};
    if (file == nullptr) return std::nullopt;
    std::vector<std::byte> bytes;
    std::byte part[4096];
    while (const std::size_t size = std::fread(part, 1, sizeof part, file))
        bytes.insert(bytes.end(), part, part + size);
    std::fclose(file);
    Stock stock;
    if (bytes.size() < sizeof stock.count) return std::nullopt;
    std::memcpy(&stock.count, bytes.data(), sizeof stock.count);
    auto finished = shmq::FinishedSet::parse(shmq::Bytes(bytes).subspan(sizeof stock.count));
    if (!finished) return std::nullopt;
    stock.finished = *std::move(finished);
    return stock;
}

bool write_all(int file, shmq::Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

/// Replaces the file by one step, the rename: whoever dies before leaves the old one, whoever dies after the new one.
bool store(const std::string& path, const Stock& stock) {
    const std::string other = path + ".new";
    const int file = open(other.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool written = write_all(file, std::as_bytes(std::span(&stock.count, 1))) &&
                         write_all(file, stock.finished.encode()) && fsync(file) == 0;
    close(file);
    came_through("written");
    return written && std::rename(other.c_str(), path.c_str()) == 0;
}

/// Applies an entry that was not applied yet. False: it cannot be done now, and nothing was changed.
bool handle(const shmq::Entry& entry, Stock& stock) {
    std::int64_t change = 0;
    const std::string_view text = entry.text();
    std::from_chars(text.data(), text.data() + text.size(), change);
    if (stock.count + change < 0) return false;  // what is to be taken out has not come in: later
    stock.count += change;
    stock.finished.insert(entry.sequence());
    return true;
}

/// Until nothing is left: nothing new, and nothing that waits to come again.
int work(shmq::Stream& stream, shmq::Consumer& consumer, const std::string& path, Stock& stock) {
    for (;;) {
        auto batch = consumer.read({.max_entries = 1, .wait = std::chrono::milliseconds(20)});
        if (!batch && batch.error() == shmq::Code::empty) {
            const auto group = stream.group("stock");
            if (group && group->retry != 0) continue;
            return 0;
        }
        if (!batch) return std::cerr << batch.error().message() << '\n', 1;
        const shmq::Entry& entry = (*batch)[0];
        if (!stock.finished.contains(entry.sequence())) {
            if (!handle(entry, stock)) {
                // Later ones go before it, and until it comes again it is a gap in the set.
                if (auto answer = batch->nack(entry.sequence(), std::chrono::milliseconds(20)); !answer)
                    std::cerr << answer.error().message() << '\n';
                continue;
            }
            came_through("applied");
            if (!store(path, stock)) return std::perror(path.c_str()), 1;
            came_through("stored");
        }
        // `fenced`: somebody took it from us meanwhile, and will find it finished, as we would.
        if (auto answer = batch->ack(); !answer) std::cerr << answer.error().message() << '\n';
        came_through("acked");
    }
}

}  // namespace

int main(int argument_count, char** arguments) {
    if (argument_count != 3) return std::cerr << "usage: stock STREAM FILE\n", 64;
    auto stream = shmq::Stream::open(arguments[1]);
    if (!stream) return std::cerr << stream.error().message() << '\n', 1;
    const auto created = stream->create_group("stock");
    if (!created && !(created.error() == shmq::Code::exists)) return std::cerr << created.error().message() << '\n', 1;
    // Under a name, so that two of them never write the file at once: the second is told `busy`.
    auto consumer = stream->consumer("stock", "keeper");
    if (!consumer) return std::cerr << consumer.error().message() << '\n', 1;
    const auto group = stream->group("stock");
    if (!group) return std::cerr << group.error().message() << '\n', 1;
    auto stock = load(arguments[2], group->start);
    if (!stock) return std::cerr << arguments[2] << " is no stock file\n", 1;
    const int status = work(*stream, *consumer, arguments[2], *stock);
    std::cout << stock->count << " in stock, " << stock->finished.runs().size() << " runs above "
              << stock->finished.floor() << std::endl;
    return status;
}
