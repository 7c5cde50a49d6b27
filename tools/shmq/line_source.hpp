// Cuts what a descriptor gives into entries at each separator, as it arrives: nothing waits for a full buffer or the
// end.
//
// The caller takes entries while there are any, flushes what it has to say, and calls `fill`, which waits for more
// bytes. The bytes behind the last separator are an entry too, unless there are none. Memory: the longest entry, or one
// read.
//
// Threads: one. Used by `shmq add --lines`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shmq::tools {

class LineSource {
public:
    enum class Fill : std::uint8_t { more, end, stopped, failed };

    /// `descriptor` and `stop_descriptor` are borrowed; `fill` ends when the latter becomes readable.
    LineSource(int descriptor, char separator, int stop_descriptor)
        : descriptor_(descriptor), stop_descriptor_(stop_descriptor), separator_(separator) {}

    /// The next whole entry without its separator, valid until `fill`; nothing if the buffer has none.
    std::optional<std::string_view> take();
    /// Waits for bytes and reads them. `failed`: `error()` has errno.
    Fill fill();
    /// What is buffered and not taken: the beginning of an entry, or, at the end, the last one.
    [[nodiscard]] std::string_view rest() const noexcept { return std::string_view(buffer_).substr(taken_); }
    [[nodiscard]] int error() const noexcept { return error_; }

private:
    int descriptor_;
    int stop_descriptor_;
    char separator_;
    int error_ = 0;
    std::size_t taken_ = 0;     // bytes at the front of the buffer that were given out
    std::size_t searched_ = 0;  // bytes at the front that hold no separator that was not given out
    std::string buffer_;
};

}  // namespace shmq::tools
