// What a dump of a stream holds, as objects one after the other: "stream" once, then "group" and "entry", then
// "pending". As lines of JSON, or, the same objects, as a sequence of CBOR (RFC 8742).
//
//   stream   schema, name, next, options (as in --json)
//   group    name, start, next (the first entry that was never delivered), options (as in --json)
//   entry    sequence, time_ns, key (or key_base64), and data (or data_base64) or fields: [{name, value}, ...]
//   pending  group, sequence, deliveries, consumer (null: nobody holds it), idle_ms (null: unknown), dead
//
// In CBOR bytes that are no UTF-8 are byte strings, so that there is no base64.
#pragma once

#include <cstdint>

namespace shmq::inspect {

inline constexpr int dump_schema = 1;
enum class DumpFormat : std::uint8_t { jsonl, resp, binary };

}  // namespace shmq::inspect
