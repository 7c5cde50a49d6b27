// Reading and cutting the input.
#include "tools/shmq/demo_records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "shmq/options.hpp"

namespace shmq::tools {

std::optional<std::vector<char>> read_whole_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::vector<char> bytes;
    std::vector<char> block(1u << 20);
    for (;;) {
        const ssize_t got = ::read(file, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            const int why = errno;
            ::close(file);
            errno = why;
            return std::nullopt;
        }
        if (got == 0) break;
        bytes.insert(bytes.end(), block.data(), block.data() + got);
    }
    ::close(file);
    return bytes;
}

Records::Records(std::vector<char> bytes, InputKind kind) : bytes_(std::move(bytes)), kind_(kind) {
    const std::string_view all(bytes_.data(), bytes_.size());
    if (kind_ == InputKind::packages)
        cut_packages(all);
    else
        cut_lines(all);
}

void Records::append(std::string_view text, std::string_view key) {
    records_.push_back({text, key});
    size_ += text.size() + key.size();
    largest_ = std::max<std::uint64_t>(largest_, text.size());
}

void Records::cut_packages(std::string_view all) {
    while (!all.empty()) {
        if (all.front() == '\n') {
            all.remove_prefix(1);
            continue;
        }
        const std::size_t end = std::min(all.find("\n\n"), all.size());
        std::string_view stanza = all.substr(0, end);
        all.remove_prefix(end);
        if (stanza.ends_with('\n')) stanza.remove_suffix(1);
        append(stanza, field_of(stanza, "Package").substr(0, max_key));
    }
}

void Records::cut_lines(std::string_view all) {
    while (!all.empty()) {
        const std::size_t end = std::min(all.find('\n'), all.size());
        append(all.substr(0, end), {});
        all.remove_prefix(std::min(end + 1, all.size()));
    }
}

std::string_view field_of(std::string_view stanza, std::string_view name) {
    while (!stanza.empty()) {
        const std::size_t end = std::min(stanza.find('\n'), stanza.size());
        std::string_view line = stanza.substr(0, end);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
            line.remove_prefix(name.size() + 1);
            line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
            return line;
        }
        stanza.remove_prefix(std::min(end + 1, stanza.size()));
    }
    return {};
}

std::string_view category_of(std::string_view text, InputKind kind) {
    if (kind == InputKind::packages) return field_of(text, "Section").substr(0, max_category);
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, std::min({text.find_first_of(" \t"), text.size(), max_category}));
}

std::uint64_t amount_of(std::string_view text, InputKind kind) {
    if (kind == InputKind::lines) return text.size();
    const std::string_view digits = field_of(text, "Installed-Size");
    std::uint64_t amount = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), amount);
    return parsed.ec == std::errc{} ? amount : 0;
}

}  // namespace shmq::tools
