// Reading the kernel's small text files. For the sources of the room os alone.
#pragma once

#include <string>

#include "os/refused.hpp"

namespace shmq::os {

/// The first 4,095 bytes of a file in /proc; empty if it can't be read.
[[nodiscard]] inline std::string read_text(const char* path) {
    const Descriptor file = open_file(path, O_RDONLY);
    if (!file) return {};
    std::string text(4095, '\0');
    std::size_t filled = 0;
    while (filled < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + filled, text.size() - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        filled += static_cast<std::size_t>(got);
    }
    text.resize(filled);
    return text;
}

}  // namespace shmq::os
