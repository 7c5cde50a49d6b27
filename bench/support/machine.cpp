// Processor, kernel, compiler, libraries.
#include "support/machine.hpp"

#include <sys/utsname.h>

#include <boost/version.hpp>
#include <fstream>
#include <thread>

#include "shmq/version.hpp"
#include "support/settings.hpp"

#ifdef BENCH_HAS_ZEROMQ
#include <zmq.h>
#endif
#ifdef BENCH_HAS_NNG
#include <nng/nng.h>
#endif
#ifdef BENCH_HAS_HIREDIS
#include <hiredis/hiredis.h>
#endif
#ifdef BENCH_HAS_ICEORYX
#include <iceoryx_versions.hpp>
#endif

namespace bench {

namespace {

std::string dotted(std::initializer_list<int> numbers) {
    std::string text;
    for (const int number : numbers) text += (text.empty() ? "" : ".") + std::to_string(number);
    return text;
}

}  // namespace

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown";
}

std::string machine_text() {
    utsname kernel{};
    uname(&kernel);
    const Settings& chosen = settings();
    std::string text = "shmq " SHMQ_VERSION " on " + processor_name() + ", " +
                       std::to_string(std::thread::hardware_concurrency()) + " processors, pinned to " +
                       std::to_string(chosen.core_of_first) + " and " + std::to_string(chosen.core_of_second) + ", " +
                       kernel.sysname + " " + kernel.release;
#ifdef __clang__
    text += ", clang++ " + dotted({__clang_major__, __clang_minor__});
#else
    text += ", g++ " + dotted({__GNUC__, __GNUC_MINOR__});
#endif
    return text;
}

std::string library_text() {
    std::string text = "Boost " + dotted({BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1'000});
#ifdef BENCH_HAS_ZEROMQ
    text += ", ZeroMQ " + dotted({ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH});
#endif
#ifdef BENCH_HAS_NNG
    text += ", nng " + dotted({NNG_MAJOR_VERSION, NNG_MINOR_VERSION, NNG_PATCH_VERSION});
#endif
#ifdef BENCH_HAS_ICEORYX
    text += ", iceoryx " + dotted({ICEORYX_VERSION_MAJOR, ICEORYX_VERSION_MINOR, ICEORYX_VERSION_PATCH});
#endif
#ifdef BENCH_HAS_HIREDIS
    text += ", hiredis " + dotted({HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH});
#endif
    return text;
}

}  // namespace bench
