// Between the options people give and the words of a row.
#include "group/group_options.hpp"

#include <algorithm>
#include <cstring>

#include "base/error_detail.hpp"
#include "log/retention.hpp"

namespace shmq {

namespace {

std::uint64_t to_ms(Duration delay) noexcept {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(delay).count(), 0));
}

Duration from_ms(std::uint64_t ms) noexcept {
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(ms, most_delay_ms)));
}

}  // namespace

Result<std::uint32_t> delay_ms_of(const char* option, Duration delay) noexcept {
    const std::uint64_t ms = to_ms(delay);
    if (ms > most_delay_ms) return option_error(option, ms, 0, most_delay_ms);
    return static_cast<std::uint32_t>(ms);
}

namespace {

/// What goes with losing entries.
Result<void> check_retention(const GroupOptions& options) noexcept {
    const std::uint64_t behind = to_ms(options.behind);
    if (options.retention == Retention::until && (behind == 0 || behind > most_delay_ms))
        return option_error("behind (ms)", behind, 1, most_delay_ms);
    if (options.retention != Retention::until && behind != 0)
        return text_error(Code::bad_option, behind,
                          "behind of %llu ms belongs to Retention::until; leave it out, or choose that",
                          static_cast<unsigned long long>(behind));
    if (options.retention == Retention::required) return {};
    if (options.order != Order::none)
        return text_error(Code::bad_option, static_cast<std::uint64_t>(options.order),
                          "a group that may lose entries keeps no order of them; choose Retention::required");
    if (!options.dead_letter.empty())
        return text_error(Code::bad_option, options.dead_letter.size(),
                          "a group that may lose entries can't promise to move dead ones to stream %s; choose "
                          "Retention::required, or leave the stream out",
                          options.dead_letter.c_str());
    return {};
}

}  // namespace

Result<void> check_options(const GroupOptions& options) noexcept {
    const auto first = delay_ms_of("retry.first_delay (ms)", options.retry.first_delay);
    if (!first) return first.error();
    const auto most = delay_ms_of("retry.most_delay (ms)", options.retry.most_delay);
    if (!most) return most.error();
    if (*most != 0 && *most < *first) return option_error("retry.most_delay (ms)", *most, *first, most_delay_ms);
    if (*most != 0 && options.retry.kind == BackOff::fixed)
        return text_error(Code::bad_option, *most,
                          "retry.most_delay of %u ms belongs to a doubling back-off; leave it out, or choose doubling",
                          *most);
    if (*first == 0 && options.retry.kind == BackOff::doubling)
        return option_error("retry.first_delay (ms) of a doubling back-off", 0, 1, most_delay_ms);
    if (options.delivery_limit > most_delivery_limit)
        return option_error("delivery_limit", options.delivery_limit, 0, most_delivery_limit);
    if (auto fine = check_retention(options); !fine) return fine;
    if (options.in_flight > most_in_flight) return option_error("in_flight", options.in_flight, 0, most_in_flight);
    if (options.dead_letter.size() > most_dead_letter)
        return option_error("dead_letter (bytes)", options.dead_letter.size(), 0, most_dead_letter);
    if (!options.dead_letter.empty() && options.delivery_limit == 0)
        return text_error(Code::bad_option, 0,
                          "dead_letter is %s, but there is no delivery_limit, so that nothing would die; say one of 1 "
                          "to %u",
                          options.dead_letter.c_str(), most_delivery_limit);
    return {};
}

void put_options(GroupRow& row, const GroupOptions& options) noexcept {
    const bool doubling = options.retry.kind == BackOff::doubling;
    const std::uint64_t most = to_ms(options.retry.most_delay);
    row.retention.store(static_cast<std::uint32_t>(options.retention), memory_order_relaxed);  // DIRECTORY
    row.options.store(static_cast<std::uint32_t>(options.order) | (options.histograms ? option_histograms : 0),
                      memory_order_relaxed);
    row.behind_ms = static_cast<std::uint32_t>(to_ms(options.behind));
    row.in_flight = options.in_flight;
    std::memset(row.dead_letter, 0, sizeof row.dead_letter);
    std::memcpy(row.dead_letter, options.dead_letter.data(), std::min(options.dead_letter.size(), most_dead_letter));
    row.delivery_limit = static_cast<std::uint16_t>(options.delivery_limit);
    row.doubling = doubling ? 1 : 0;
    row.first_ms = static_cast<std::uint32_t>(to_ms(options.retry.first_delay));
    row.most_ms = static_cast<std::uint32_t>(doubling && most == 0 ? most_delay_ms : most);
}

GroupOptions options_of(const GroupRow& row) {
    GroupOptions options;
    options.retry.first_delay = from_ms(row.first_ms);
    options.retry.kind = row.doubling != 0 ? BackOff::doubling : BackOff::fixed;
    if (row.doubling != 0) options.retry.most_delay = std::max(from_ms(row.most_ms), options.retry.first_delay);
    options.order = order_of(row);
    options.retention = retention_of(row);
    options.behind = from_ms(row.behind_ms);
    options.in_flight = std::min(row.in_flight, most_in_flight);
    options.histograms = (options_word(row) & option_histograms) != 0;
    options.dead_letter.assign(row.dead_letter, strnlen(row.dead_letter, most_dead_letter));
    options.delivery_limit = std::min<std::uint32_t>(row.delivery_limit, most_delivery_limit);
    return options;
}

}  // namespace shmq
