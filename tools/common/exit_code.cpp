// Which cause ends a tool with which code: one row per word, no default, so that a new word does not compile without a
// row.
#include "tools/common/exit_code.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

namespace shmq::tools {

namespace {

std::string_view tool_name = "shmq";

// Written with write(2), whole, so that lines of several processes do not mix. What standard error refuses is lost.
void write_line(std::string line) {
    for (std::size_t index = 0; index < line.size(); ++index) {
        const auto byte = static_cast<unsigned char>(line[index]);
        if (byte >= 0x20 && byte != 0x7f) continue;
        const std::string shown = fmt::format("\\x{:02x}", byte);
        line.replace(index, 1, shown);
        index += shown.size() - 1;
    }
    line.push_back('\n');
    std::string_view left = line;
    while (!left.empty()) {
        const ssize_t count = ::write(STDERR_FILENO, left.data(), left.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        left.remove_prefix(static_cast<std::size_t>(count));
    }
}

}  // namespace

int exit_code_of(Code code) noexcept {
    switch (code) {
        case Code::ok: return exit_done;
        case Code::empty:
        case Code::fenced:
        case Code::duplicate:
        case Code::out_of_order:
        case Code::not_pending:
        case Code::stopped: return exit_nothing;
        case Code::corrupt:
        case Code::wrong_version: return exit_damaged;
        case Code::trimmed:
        case Code::out_of_range:
        case Code::too_large:
        case Code::bad_name:
        case Code::bad_option: return exit_usage;
        case Code::removed:
        case Code::no_stream:
        case Code::no_group: return exit_not_found;
        case Code::exists:
        case Code::no_space: return exit_cannot_create;
        case Code::full:
        case Code::busy:
        case Code::too_many_loans:
        case Code::too_many_producers:
        case Code::too_many_consumers:
        case Code::too_many_groups:
        case Code::too_many_attachments:
        case Code::too_many_names:
        case Code::too_many_in_flight:
        case Code::too_many_pins: return exit_full;
        case Code::not_allowed: return exit_not_allowed;
        case Code::forked:
        case Code::closed:
        case Code::system: return exit_system;
    }
    return exit_system;
}

void set_tool_name(std::string_view name) noexcept { tool_name = name; }

void complain(std::string_view text) { write_line(fmt::format("{}: {}", tool_name, text)); }

void remark(std::string_view text) { write_line(std::string(text)); }

int report(const Error& error) {
    complain(error.message());
    return exit_code_of(error.code());
}

int report_errno(std::string_view subject, int error_number) {
    complain(fmt::format("{}: {}", subject, std::generic_category().message(error_number)));
    if (error_number == ENOENT || error_number == ENOTDIR) return exit_not_found;
    if (error_number == EACCES || error_number == EPERM) return exit_not_allowed;
    return exit_system;
}

}  // namespace shmq::tools
