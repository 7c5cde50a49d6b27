// The options of a group as its row keeps them, checked both ways: what somebody asks for, and what the row says.
#pragma once

#include "group/delivery_clock.hpp"
#include "shmq/options.hpp"
#include "shmq/status.hpp"

namespace shmq {

inline constexpr std::uint64_t most_delay_ms = low_mask(31);
inline constexpr std::uint32_t most_delivery_limit = highest_count;
inline constexpr std::uint32_t most_in_flight = 65'535;
inline constexpr std::size_t most_dead_letter = 255;  // bytes

[[nodiscard]] inline Order order_of(const GroupRow& row) noexcept {
    const std::uint32_t order = options_word(row) & option_order;
    return order <= strict_order ? static_cast<Order>(order) : Order::none;
}

/// A delay in milliseconds, rounded up; negative counts as zero. Errors: `bad_option`, named `option`.
Result<std::uint32_t> delay_ms_of(const char* option, Duration delay) noexcept;

/// `bad_option` if a group can't have these.
Result<void> check_options(const GroupOptions& options) noexcept;

/// Writes checked options into a row that is being prepared.
void put_options(GroupRow& row, const GroupOptions& options) noexcept;
/// What the row says, whatever damage did to it.
[[nodiscard]] GroupOptions options_of(const GroupRow& row);

/// The back-off of a group.
[[nodiscard]] inline DelayRule back_off_of(const GroupRow& row) noexcept {
    return {row.first_ms, row.doubling != 0 ? row.most_ms : row.first_ms};
}
/// Whether so many failures and deaths end an entry's deliveries; 0 is no limit.
[[nodiscard]] inline bool is_at_limit(std::uint32_t delivery_limit, const DeliveryWord& word) noexcept {
    return delivery_limit != 0 && word.failures + word.deaths >= delivery_limit;
}
[[nodiscard]] inline bool is_at_limit(const GroupRow& row, const DeliveryWord& word) noexcept {
    return is_at_limit(row.delivery_limit, word);
}

}  // namespace shmq
