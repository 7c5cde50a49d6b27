// Bytes of a fuzzer's input as numbers, by our own few lines, so that an input means the same under every compiler and
// can be replayed without libFuzzer. What is missing at the end counts as zeros.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shmq::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

    [[nodiscard]] bool empty() const { return left_ == 0; }
    /// 0 to `highest`, from as many bytes as that takes.
    std::uint64_t up_to(std::uint64_t highest) {
        std::uint64_t number = 0;
        unsigned shift = 0;
        for (std::uint64_t rest = highest; rest != 0; rest >>= 8, shift += 8) number |= next() << shift;
        return highest == ~std::uint64_t{0} ? number : number % (highest + 1);
    }
    std::uint64_t word() { return up_to(~std::uint64_t{0}); }
    bool coin() { return up_to(1) == 1; }

private:
    std::uint64_t next() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }

    const std::uint8_t* data_;
    std::size_t left_;
};

}  // namespace shmq::fuzz
