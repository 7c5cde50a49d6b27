// On what the figures were taken, in words: a table without it says nothing.
#pragma once

#include <string>

namespace bench {

/// "AMD EPYC, 2 processors, pinned to 0 and 1, Linux 6.1, g++ 12.2, Release, /dev/shm 24 GiB": a line for people.
std::string machine_text();
/// The model name of the processor; "unknown" if the kernel does not say.
std::string processor_name();
/// Versions of the libraries that peers are of, as far as they are compiled in: "Boost 1.74, ZeroMQ 4.3".
std::string library_text();

}  // namespace bench
