// What a reader of a stream sees of an entry.
#pragma once

#include <optional>

#include "shmq/fields.hpp"
#include "shmq/options.hpp"

namespace shmq {

/// One entry as a consumer or a reader is given it: 40 bytes, copied freely; the bytes it shows belong to the segment
/// (Batch) or to the Reader and live as long as those say.
class Entry {
public:
    Entry() noexcept = default;
    Entry(Sequence sequence, Bytes payload, std::uint16_t key_size, std::uint16_t key_distance, std::uint64_t time_ns,
          std::uint32_t deliveries, bool taken_over, bool is_fields) noexcept
        : sequence_(sequence), payload_(payload.data()), time_ns_(time_ns),
          size_(static_cast<std::uint32_t>(payload.size())), key_size_(key_size), key_distance_(key_distance),
          deliveries_(deliveries), taken_over_(taken_over), is_fields_(is_fields) {}

    [[nodiscard]] Sequence sequence() const noexcept { return sequence_; }
    [[nodiscard]] Bytes payload() const noexcept { return {payload_, size_}; }
    [[nodiscard]] std::string_view text() const noexcept { return text_of(payload()); }
    /// The key given at add, empty if none.
    [[nodiscard]] Bytes key() const noexcept { return {payload_ - key_distance_, key_size_}; }
    /// Whether it was added as fields; the payload is their bytes then.
    [[nodiscard]] bool is_fields() const noexcept { return is_fields_; }
    /// Its fields, seen where they lie. An entry of opaque bytes has none. `corrupt` if the payload was damaged.
    [[nodiscard]] Result<Fields> fields() const noexcept {
        return is_fields_ ? Fields::parse(payload()) : Result<Fields>(Fields());
    }
    /// The value of one field, seen where it lies; nullopt if there is none of this name.
    [[nodiscard]] std::optional<Bytes> field(std::string_view name) const noexcept {
        const auto all = fields();
        return all ? all->find(name) : std::nullopt;
    }
    /// When it was added, nanoseconds since 1970; 0 if the stream keeps no times.
    [[nodiscard]] std::uint64_t time_ns() const noexcept { return time_ns_; }
    /// How often it was delivered in this group, this time included; what was given back in good order is not counted.
    /// 0 when read without a group.
    [[nodiscard]] std::uint32_t deliveries() const noexcept { return deliveries_; }
    /// Whether another consumer had it before: it was nacked, claimed, or its owner died.
    [[nodiscard]] bool taken_over() const noexcept { return taken_over_; }

private:
    Sequence sequence_ = 0;
    const std::byte* payload_ = nullptr;
    std::uint64_t time_ns_ = 0;
    std::uint32_t size_ = 0;
    std::uint16_t key_size_ = 0;
    std::uint16_t key_distance_ = 0;  // bytes from the key's first byte to the payload's
    std::uint32_t deliveries_ = 0;
    bool taken_over_ = false;
    bool is_fields_ = false;
};
static_assert(sizeof(Entry) == 40);

}  // namespace shmq
