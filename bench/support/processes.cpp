// Forking, pinning, waiting.
#include "support/processes.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

namespace bench {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

[[noreturn]] void work_in_child(int core, const Round::Work& work, Board& board) {
    int status = 0;
    try {
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody polls on when the parent is gone
        pin_to(core);
        work(board);
    } catch (const std::exception& error) {
        std::snprintf(board.failure, sizeof board.failure, "%s", error.what());
        status = 1;
    }
    _exit(status);
}

}  // namespace

SharedBytes::SharedBytes(std::size_t size) : size_(size) {
    void* bytes = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (bytes == MAP_FAILED) fail("mmap");
    data_ = static_cast<std::byte*>(bytes);
}
SharedBytes::~SharedBytes() { munmap(data_, size_); }

void pin_to(int core) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<std::size_t>(core), &only);
    if (sched_setaffinity(0, sizeof only, &only) != 0) fail("pinning to processor " + std::to_string(core));
}

Round::Round() : page_(sizeof(Board)), board_(new (page_.data()) Board{}) {}
Round::~Round() { end_all(); }

void Round::start(int core, const Work& work) {
    std::fflush(nullptr);  // or the child would print it again
    const pid_t process = fork();
    if (process < 0) fail("fork");
    if (process == 0) work_in_child(core, work, *board_);
    processes_.push_back(process);
}

void Round::finish() {
    while (!processes_.empty()) {
        int status = 0;
        const pid_t ended = waitpid(-1, &status, 0);
        if (ended < 0 && errno == EINTR) continue;
        if (ended < 0) fail("waitpid");
        std::erase(processes_, ended);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        end_all();
        throw std::runtime_error(board_->failure[0] != 0 ? board_->failure : "a process of the round was killed");
    }
}

void Round::end_all() noexcept {
    for (const pid_t process : processes_) {
        kill(process, SIGKILL);
        waitpid(process, nullptr, 0);
    }
    processes_.clear();
}

void line_up(Board& board, std::uint32_t processes) {
    if (board.waiting.fetch_add(1) + 1 == processes) board.started.store(1);
    while (board.started.load(std::memory_order_acquire) == 0) sched_yield();
}

}  // namespace bench
