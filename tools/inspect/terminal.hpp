// A terminal taken over for a live screen: keys come one by one, the screen is another one, and both are as they were
// afterwards, whatever ends the process but SIGKILL. One at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shmq::inspect {

class Terminal {
public:
    /// False if standard input or output is no terminal: nothing was changed.
    [[nodiscard]] static bool is_there();

    Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal();

    struct Size {
        std::size_t columns, rows;
    };
    [[nodiscard]] Size size() const;
    /// Shows the lines from the top, each cut to the width; what does not fit the height is left out.
    void draw(const std::vector<std::string>& lines);
    /// The next key within the time, 0 if none came, the window changed its size, or `stop` became readable.
    [[nodiscard]] char key(int wait_ms, int stop);
};

/// Gives the terminal back, if it is taken. Async-signal-safe: for a handler that ends the process.
void give_terminal_back() noexcept;

/// The first `width` columns of a line whose colours take none; colours that were begun are ended.
[[nodiscard]] std::string clipped(std::string_view line, std::size_t width);

}  // namespace shmq::inspect
