// A page served by HTTP on the loopback interface, for who asks now and then. Called by `metrics --listen`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "tools/common/process.hpp"

namespace shmq::inspect {

struct Page {
    std::string_view path;  ///< "/metrics"
    std::string_view kind;  ///< its media type
    /// Makes it anew. Called for each request, one at a time.
    std::function<std::string()> make;
};

/// Answers requests on 127.0.0.1 until a signal asks to end; of port 0 the system chooses one. Says on standard error
/// where it listens. Requests have five seconds each, and a slow one keeps no other waiting. Returns the exit code.
int serve(std::uint16_t port, const Page& page, const tools::StopSignals& signals);

}  // namespace shmq::inspect
