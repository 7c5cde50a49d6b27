// Making and removing scratch streams.
#include "support/scratch_stream.hpp"

#include <unistd.h>

#include <stdexcept>

namespace bench {

namespace {

std::string fresh_name() {
    static int made = 0;
    return "shmq-bench-" + std::to_string(getpid()) + "-" + std::to_string(++made);
}

}  // namespace

void throw_error(const shmq::Error& error) { throw std::runtime_error(error.message()); }

void check(const shmq::Result<void>& result) {
    if (!result) throw_error(result.error());
}

ScratchStream::ScratchStream(const shmq::StreamOptions& options, bool with_group, const std::string& folder)
    : name_(folder.empty() ? fresh_name() : folder + "/" + fresh_name()) {
    auto stream = value_of(shmq::Stream::create(name_, options));
    if (with_group) check(stream.create_group(group));
}

ScratchStream::~ScratchStream() { static_cast<void>(shmq::Stream::remove(name_)); }

shmq::Stream ScratchStream::open(const shmq::OpenOptions& options) const {
    return value_of(shmq::Stream::open(name_, options));
}

}  // namespace bench
