// Fuzz target: headers that lie, with a checksum made right after the change, so that the checks of the fields
// themselves are reached; some of them lie consistently, as the header of another stream would, over tables that were
// not made for it. What is accepted is then used in every way.
//
// The input: a kind of lie and its numbers, how long the file is, and changes of the tables.
#include <sys/stat.h>

#include "fuzz/sample.hpp"
#include "fuzz/user.hpp"

namespace shmq::fuzz {
namespace {

constexpr std::uint64_t largest_file = 1 << 20;  // bytes; a header that claims more is told that the file is cut short

/// Changes words of the header, each by one of the ways in which any word is changed.
void change_words(Input& input, std::vector<std::byte>& bytes) {
    for (std::uint64_t changes = 1 + input.up_to(3); changes > 0; --changes) {
        const std::size_t at = 4 * input.up_to(offsetof(Header, reserved) / 4);
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        switch (input.up_to(3)) {
            case 0: word ^= std::uint32_t{1} << input.up_to(31); break;
            case 1: word = static_cast<std::uint32_t>(word + input.up_to(255)); break;
            case 2: word = input.coin() ? ~std::uint32_t{0} : 0; break;
            case 3: word = static_cast<std::uint32_t>(input.word()); break;
        }
        std::memcpy(bytes.data() + at, &word, sizeof word);
    }
}

/// The options of a stream that could be, near the limits of each.
StreamOptions other_options(Input& input) {
    StreamOptions options = sample_options();
    options.slots = std::uint64_t{8} << input.up_to(6);
    options.payload = 4096 * (1 + input.up_to(63));
    options.chunks = static_cast<std::uint32_t>(8 + input.up_to(63));
    options.max_entry = input.up_to(8192);
    options.producers = static_cast<std::uint32_t>(1 + input.up_to(7));
    options.groups = static_cast<std::uint32_t>(input.up_to(24));
    options.consumers = static_cast<std::uint32_t>(1 + input.up_to(15));
    options.attachments = static_cast<std::uint32_t>(1 + input.up_to(31));
    options.producer_names = static_cast<std::uint32_t>(input.up_to(7));
    options.key_stripes = static_cast<std::uint32_t>(input.up_to(15));
    options.parking = static_cast<std::uint32_t>(input.up_to(31));
    options.histograms = input.coin();
    options.time = static_cast<TimeStamps>(input.up_to(2));
    options.first_sequence = input.coin() ? 1 : input.word() >> 2;
    return options;
}

/// Puts the header of another geometry over the bytes. Now and then also that stream's tables as they begin.
void lie(Input& input, std::vector<std::byte>& bytes) {
    const auto geometry = plan(other_options(input));
    if (!geometry || geometry->segment_size > largest_file) return;
    std::vector<std::byte> other(geometry->segment_size);
    initialise(other.data(), *geometry, home_of(bytes.data()), 1);
    const bool fresh = input.coin();
    bytes.resize(std::max(bytes.size(), other.size()), std::byte{0xa5});
    std::copy_n(other.begin(), fresh ? other.size() : sizeof(Header), bytes.begin());
}

/// The place and kind of what changes behind the header is the input's alone: no geometry is to be believed.
void change_anywhere(Input& input, std::vector<std::byte>& bytes) {
    const std::size_t at = sizeof(Header) + 8 * input.up_to((bytes.size() - sizeof(Header)) / 8 - 1);
    const std::uint64_t word = input.word();
    std::memcpy(bytes.data() + at, &word, sizeof word);
}

/// As the file of the sample itself, so that it is no copy.
void write_file(const std::string& path, const std::vector<std::byte>& bytes, std::size_t size) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
    if (::ftruncate(file, static_cast<off_t>(size)) != 0) std::abort();
    ::close(file);
}

/// Gives the header the identity of the file at `path`, which the next bytes written there keep.
void take_identity(const std::string& path, std::vector<std::byte>& bytes) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0) std::abort();
    ::close(file);
    std::memcpy(bytes.data() + offsetof(Header, device), &status.st_dev, sizeof status.st_dev);
    std::memcpy(bytes.data() + offsetof(Header, inode), &status.st_ino, sizeof status.st_ino);
}

}  // namespace
}  // namespace shmq::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace shmq::fuzz;
    static Sample sample;
    static const std::string path = sample.stream.path() + ".header";
    sample.letters.restore();
    Input input(data, size);
    std::vector<std::byte> bytes = sample.stream.sound();
    const bool copied = input.coin();
    const bool read_only = input.coin();
    if (input.coin()) lie(input, bytes);
    if (!copied) take_identity(path, bytes);
    if (input.coin()) change_words(input, bytes);
    seal(bytes.data());
    const std::uint64_t cut = input.coin() ? input.up_to(8192) : 0;
    for (int change = 0; change < 16 && !input.empty(); ++change) change_anywhere(input, bytes);
    write_file(path, bytes, bytes.size() - std::min<std::size_t>(cut, bytes.size()));
    User(path, sample.letters.path(), read_only).call_all();
    static_cast<void>(::unlink(path.c_str()));
    return 0;
}
