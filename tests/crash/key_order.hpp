// The keys of operations in groups that keep an order, and what must hold of them at any time:
//
//   what is in flight of a line of entries is held by one consumer, and nothing is given out behind what others hold.
//
// A *line* is what the group keeps in order: all entries of a strict group; those of one stripe, so of one key or of
// keys that share a stripe, where it goes by key.
#pragma once

#include <map>

#include "support/stream_test.hpp"

namespace shmq::test {

/// The key of a numbered entry. Of four entries in a row two have keys that share a stripe of small_options, one has
/// another, and one has none.
[[nodiscard]] std::string key_of(std::uint64_t number);

/// The line of an entry with this key; 0 if it is in none.
[[nodiscard]] int line_of(Order order, std::string_view key);

/// What is wrong with what consumers of "work" hold, as nobody does anything; empty if nothing is. After a death what
/// the dead one held waits for retry, and others may hold what comes behind it.
[[nodiscard]] std::string wrong_in_flight(const Stream& stream, Order order, bool after_death);

/// What is wrong with this consumer being given the entry; empty if nothing is.
[[nodiscard]] std::string wrong_to_give(const Stream& stream, Order order, const Entry& entry,
                                        std::string_view consumer);

}  // namespace shmq::test
