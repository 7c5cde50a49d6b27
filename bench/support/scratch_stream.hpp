// A stream that exists as long as a measurement: made under a name nobody else uses, closed before processes are
// forked, removed at the end. It lies where SHMQ_DIR says, by default in /dev/shm.
#pragma once

#include <string>

#include "shmq/shmq.hpp"

namespace bench {

class ScratchStream {
public:
    static constexpr const char* group = "bench";

    /// With the group `group` from the oldest entry, unless the options allow none. Throws the error's text.
    /// In `folder`, if one is named.
    explicit ScratchStream(const shmq::StreamOptions& options = {}, bool with_group = true,
                           const std::string& folder = {});
    ScratchStream(const ScratchStream&) = delete;
    ScratchStream& operator=(const ScratchStream&) = delete;
    ~ScratchStream();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] shmq::Stream open(const shmq::OpenOptions& options = {}) const;

private:
    std::string name_;
};

/// The value of a result; throws the error's text.
template <class T>
T value_of(shmq::Result<T> result);
void check(const shmq::Result<void>& result);

/// What `value_of` throws, apart so that it is not part of every use.
[[noreturn]] void throw_error(const shmq::Error& error);

template <class T>
T value_of(shmq::Result<T> result) {
    if (!result) throw_error(result.error());
    return std::move(*result);
}

}  // namespace bench
