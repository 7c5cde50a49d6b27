// Fields: a payload as pairs of a name and a value, what the pairs of XADD are in Redis. Opaque bytes stay the default.
//
// That a payload is fields stands in the entry's header (Entry::is_fields), not in these bytes:
//
//   bytes     what
//   1 or 2    count of pairs, a number, at most 1,024
//   then for each pair, in the order in which they were given:
//   1         size of the name, 1 to 255
//   1 to 5    size of the value, a number, at most 2^32 - 1
//   ...       the name
//   ...       the value
//
// A number has 7 bits in each byte, the low ones first; the high bit is set in each byte but the last. It is no longer
// than it needs to be. Nothing stands behind the last pair.
#pragma once

#include <iterator>
#include <optional>
#include <ranges>

#include "shmq/options.hpp"
#include "shmq/status.hpp"

namespace shmq {

inline constexpr std::size_t max_fields = 1024;     ///< pairs in one entry
inline constexpr std::size_t max_field_name = 255;  ///< bytes in the name of a field; at least one

/// A pair. Shows bytes that belong to somebody else.
struct Field {
    Field() noexcept = default;
    Field(std::string_view field_name, Bytes field_value) noexcept : name(field_name), value(field_value) {}
    Field(std::string_view field_name, std::string_view field_value) noexcept
        : name(field_name), value(bytes_of(field_value)) {}

    [[nodiscard]] std::string_view text() const noexcept { return text_of(value); }

    std::string_view name;  ///< any bytes
    Bytes value;            ///< any bytes, also none
};

/// The pairs of a payload, seen where they lie; nothing is copied. A range of Field, in the order in which they were
/// given. The bytes must outlive it. Another process may have written them, so each step checks what it reads once
/// more: bytes that change after `parse` end the range early, and nothing outside them is ever read.
class Fields {
public:
    class Iterator;

    /// No pairs.
    Fields() noexcept = default;
    /// Sees all of `bytes` as fields. `corrupt` if they are none; the number is at which byte the first part stands
    /// that cannot stand there. Whether names differ is not looked at: of two with one name, `find` gives the first.
    static Result<Fields> parse(Bytes bytes) noexcept;

    /// How many bytes `encode` writes. Errors: `bad_name` (a name that is empty, longer than 255 bytes, or there
    /// already), `too_large` (more than 1,024 pairs, or a value of 4 GiB); the number is the pair's, from 0 on.
    static Result<std::size_t> encoded_size(std::span<const Field> fields) noexcept;
    /// Writes the pairs to the beginning of `to`, such as the bytes of a loan; how many bytes it wrote. Errors: as
    /// `encoded_size`, and `too_large` if `to` is too small.
    static Result<std::size_t> encode(std::span<const Field> fields, std::span<std::byte> to) noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] Iterator begin() const noexcept;
    [[nodiscard]] Iterator end() const noexcept;
    /// The value of a name. Looks at one pair after the other.
    [[nodiscard]] std::optional<Bytes> find(std::string_view name) const noexcept;

private:
    Fields(Bytes pairs, std::size_t count) noexcept : pairs_(pairs), count_(count) {}
    /// Takes a pair off the beginning of `rest`; false, with `rest` beginning at what is wrong, if none stands there.
    static bool take(Bytes& rest, Field& field) noexcept;

    Bytes pairs_;  // what stands behind the count
    std::size_t count_ = 0;
};

class Fields::Iterator {
public:
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::input_iterator_tag;  // dereferencing gives a value

    Iterator() noexcept = default;
    Field operator*() const noexcept { return field_; }
    Iterator& operator++() noexcept {
        step(left_ - 1);
        return *this;
    }
    Iterator operator++(int) noexcept {
        const Iterator before = *this;
        ++*this;
        return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.left_ == b.left_; }

private:
    friend class Fields;
    Iterator(Bytes rest, std::size_t count) noexcept : rest_(rest) { step(count); }
    void step(std::size_t left) noexcept { left_ = left != 0 && take(rest_, field_) ? left : 0; }

    Bytes rest_;  // behind the field shown
    Field field_;
    std::size_t left_ = 0;  // pairs from the one shown on; 0 at the end
};

inline Fields::Iterator Fields::begin() const noexcept { return {pairs_, count_}; }
inline Fields::Iterator Fields::end() const noexcept { return {}; }

}  // namespace shmq

template <>
inline constexpr bool std::ranges::enable_borrowed_range<shmq::Fields> = true;
template <>
inline constexpr bool std::ranges::enable_view<shmq::Fields> = true;
