// Fuzz target: a damaged segment lies in a file, such as a copy or one that a machine left behind. The file is opened
// for looking alone or for work, and then whatever the input says is done with it; nothing changes it meanwhile.
//
// The input: which file and how it is opened, how many changes, the changes, the calls.
#include "fuzz/sample.hpp"
#include "fuzz/user.hpp"

namespace shmq::fuzz {
namespace {

/// Writes the image's bytes into a file of their own, which is then a copy and no stream that others work on.
void write_copy(const Image& image, const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ::write(file, image.bytes(), image.size()) != static_cast<ssize_t>(image.size())) std::abort();
    ::close(file);
}

}  // namespace
}  // namespace shmq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace shmq::fuzz;
    static Sample sample;
    constexpr int most_calls = 48;
    sample.restore();
    Input input(data, size);
    const bool copied = input.coin();
    const bool read_only = input.coin();
    for (std::uint64_t changes = input.up_to(15); changes > 0; --changes)
        (input.up_to(7) == 0 ? sample.letters : sample.stream).change(input);
    const std::string copy = sample.stream.path() + ".copy";
    if (copied) write_copy(sample.stream, copy);
    {
        User user(copied ? copy : sample.stream.path(), sample.letters.path(), read_only);
        bool open = true;
        for (int call = 0; call < most_calls && open && !input.empty(); ++call) open = user.call(input);
    }
    if (copied) static_cast<void>(::unlink(copy.c_str()));
    return 0;
}
