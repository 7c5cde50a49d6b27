// Who this process is, for people to read in the attachments of a segment; never for safety, which the locks give.
//
// Called by src/log when a handle is opened. Any thread; allocates and reads /proc.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace shmq::os {

struct ProcessInfo {
    std::int32_t pid = 0;          ///< in its own process namespace
    std::uint64_t start_time = 0;  ///< clock ticks since boot, field 22 of /proc/self/stat; 0 if unknown
    std::string command;           ///< up to 15 bytes, /proc/self/comm; empty if unknown
};

[[nodiscard]] ProcessInfo this_process();

/// Field 22 of a line of /proc/PID/stat, whatever the command's name holds; 0 if there is none.
[[nodiscard]] std::uint64_t parse_start_time(std::string_view stat) noexcept;

/// The kernel's random id of this boot; zeros if it can't be read.
[[nodiscard]] std::array<std::uint8_t, 16> boot_id();

/// The 16 bytes of a text like `0f1e2d3c-...` of 32 hexadecimal digits, dashes ignored; zeros if it is no such text.
[[nodiscard]] std::array<std::uint8_t, 16> parse_boot_id(std::string_view text) noexcept;

}  // namespace shmq::os
