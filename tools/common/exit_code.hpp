// The exit codes of the tools, which scripts rely on, and the one way an error is told.
//
//   0  done                                       66  no such stream, group or input file
//   1  nothing there, not_pending, fenced         71  the system refused something
//   2  damaged segment, or of another format      73  exists, cannot create, no space
//  64  usage, bad name, number or option          75  full, busy, too many of something
//                                                 77  not allowed
//
// Every error is one line on standard error: "shmq: " and the text the library makes, with names, numbers and the cure.
#pragma once

#include <string_view>

#include "shmq/status.hpp"

namespace shmq::tools {

inline constexpr int exit_done = 0;
inline constexpr int exit_nothing = 1;
inline constexpr int exit_damaged = 2;
inline constexpr int exit_usage = 64;
inline constexpr int exit_not_found = 66;
inline constexpr int exit_system = 71;
inline constexpr int exit_cannot_create = 73;
inline constexpr int exit_full = 75;
inline constexpr int exit_not_allowed = 77;

/// The exit code of a tool that ends because of `code`.
[[nodiscard]] int exit_code_of(Code code) noexcept;

/// Under which name the tool speaks, "shmq" unless set. `name` must outlive the process's messages. Set it in main.
void set_tool_name(std::string_view name) noexcept;

/// Writes one line, "TOOL: TEXT", to standard error. Control characters in `text` are shown as \xNN, so that it is one
/// line.
void complain(std::string_view text);
/// Writes one line of information to standard error, without the tool's name.
void remark(std::string_view text);
/// Complains with the error's message. Returns its exit code.
int report(const Error& error);
/// Complains about `subject` with the text of `error_number` (errno). Returns the exit code: 66 for what does not
/// exist, 77 for what is not allowed, else 71.
int report_errno(std::string_view subject, int error_number);

}  // namespace shmq::tools
