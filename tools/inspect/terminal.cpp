// Escape sequences of ECMA-48 and xterm's other screen (?1049), which every terminal in use knows.
#include "tools/inspect/terminal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>

#include "base/atomic.hpp"

namespace shmq::inspect {

namespace {

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";

// For a handler too: plain words, written before it can be called.
termios before;
Atomic<std::uint32_t> is_taken{0};

extern "C" void wake_up(int) {}  // it only ends a poll

void write_all(std::string_view bytes) noexcept {
    while (!bytes.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

bool Terminal::is_there() {
    termios settings{};
    return ::isatty(STDOUT_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &settings) == 0;
}

Terminal::Terminal() {
    ::tcgetattr(STDIN_FILENO, &before);
    is_taken.store(1, memory_order_seq_cst);
    termios keys = before;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &keys);
    struct sigaction resized {};
    resized.sa_handler = wake_up;
    ::sigaction(SIGWINCH, &resized, nullptr);
    write_all(enter);
}
Terminal::~Terminal() { give_terminal_back(); }

Terminal::Size Terminal::size() const {
    winsize found{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) return {80, 24};
    return {found.ws_col, found.ws_row};
}

void Terminal::draw(const std::vector<std::string>& lines) {
    const Size room = size();
    std::string text = "\x1b[H";
    for (std::size_t row = 0; row < std::min(lines.size(), room.rows); ++row)
        text += (row == 0 ? "" : "\r\n") + clipped(lines[row], room.columns) + "\x1b[K";
    text += "\x1b[J";
    write_all(text);
}

char Terminal::key(int wait_ms, int stop) {
    pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {stop, POLLIN, 0}};
    if (::poll(watched, 2, wait_ms) <= 0) return 0;
    char key = 0;
    if ((watched[0].revents & (POLLIN | POLLHUP)) == 0) return 0;
    return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';  // a terminal that hung up
}

void give_terminal_back() noexcept {
    if (is_taken.exchange(0, memory_order_seq_cst) == 0) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    write_all(leave);
}

std::string clipped(std::string_view line, std::size_t width) {
    std::string text;
    bool has_colour = false;
    std::size_t columns = 0;
    for (std::size_t at = 0; at < line.size();) {
        if (line[at] == '\x1b') {
            const std::size_t end = line.find('m', at);
            if (end == std::string_view::npos) break;
            const std::string_view colour = line.substr(at, end + 1 - at);
            has_colour = colour != "\x1b[0m";
            text += colour;
            at = end + 1;
            continue;
        }
        if (columns == width) break;
        ++columns;
        do text += line[at++];
        while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xc0) == 0x80);  // of one code point
    }
    return has_colour ? text + "\x1b[0m" : text;
}

}  // namespace shmq::inspect
