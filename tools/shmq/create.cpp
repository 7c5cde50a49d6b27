// `shmq create`: makes a stream and prints what was made, with every part of its memory.
#include <fmt/format.h>

#include <string>

#include "shmq/stream.hpp"
#include "tools/common/exit_code.hpp"
#include "tools/common/output.hpp"
#include "tools/common/text.hpp"
#include "tools/shmq/commands.hpp"

namespace shmq::tools {

namespace {

constexpr std::uint64_t bytes_per_slot = 8;
constexpr std::uint64_t bytes_per_pending_record = 16;  // the record and its delivery time
constexpr std::uint64_t bytes_per_key_link = 8;
constexpr std::uint64_t bytes_per_histogram = 4096;
constexpr std::uint64_t bytes_per_recorder = 1088;

StreamOptions options_of(const Arguments& arguments) {
    StreamOptions options;
    options.slots = arguments.number("--slots", options.slots);
    options.payload = arguments.size("--payload", options.payload);
    options.chunks = arguments.number32("--chunks", options.chunks);
    options.max_entry = arguments.size("--max-entry", options.max_entry);
    options.groups = arguments.number32("--groups", options.groups);
    options.consumers = arguments.number32("--consumers", options.consumers);
    options.producers = arguments.number32("--producers", options.producers);
    options.producer_names = arguments.number32("--producer-names", options.producer_names);
    options.key_stripes = arguments.number32("--key-stripes", options.key_stripes);
    options.parking = arguments.number32("--parking", options.parking);
    options.histograms = !arguments.has("--no-histograms");
    options.recorders = !arguments.has("--no-recorders");
    options.time = arguments.time_stamps("--time", options.time);
    options.mode = arguments.mode("--mode", options.mode);
    return options;
}

std::string_view word_of(TimeStamps time) {
    switch (time) {
        case TimeStamps::off: return "off";
        case TimeStamps::coarse: return "coarse";
        case TimeStamps::precise: return "precise";
    }
    return "unknown";
}

std::string memory_line(std::string_view part, std::uint64_t bytes, std::string_view formula) {
    return fmt::format("  {:<18} {:>15} bytes  {:>10}{}{}\n", part, grouped(bytes), human_size(bytes),
                       formula.empty() ? "" : "   ", formula);
}

// The header, the tables and the alignment of areas are what the formula's other parts leave of the size.
std::string memory_text(const StreamInfo& info) {
    const StreamOptions& made = info.options;
    const std::uint64_t slots = made.slots * bytes_per_slot;
    const std::uint64_t rows = made.groups == 0 ? 0 : made.groups + 1;  // one more, so that a cursor can be moved
    const std::uint64_t records = made.slots * rows * bytes_per_pending_record;
    const std::uint64_t links = made.key_stripes == 0 ? 0 : rows * made.slots * bytes_per_key_link;
    const std::uint64_t histograms = made.histograms ? rows * made.consumers * bytes_per_histogram : 0;
    const std::uint64_t recorders = made.recorders ? made.attachments * bytes_per_recorder : 0;
    const std::uint64_t tables = info.size - slots - records - links - histograms - recorders - made.payload;
    return "memory\n" + memory_line("header and tables", tables, "") +
           memory_line("slots", slots, fmt::format("{} slots x {} bytes", grouped(made.slots), bytes_per_slot)) +
           memory_line(
               "pending records", records,
               fmt::format("{} slots x ({}{}) x {} bytes", grouped(made.slots), counted(made.groups, "group", "groups"),
                           rows == 0 ? "" : " + 1 spare", bytes_per_pending_record)) +
           memory_line(
               "key links", links,
               fmt::format("{} slots x ({}{}) x {} bytes", grouped(made.slots), counted(made.groups, "group", "groups"),
                           rows == 0 ? "" : " + 1 spare", made.key_stripes == 0 ? 0 : bytes_per_key_link)) +
           memory_line("histograms", histograms,
                       fmt::format("{} x ({}{}) x {} bytes", counted(made.consumers, "consumer", "consumers"),
                                   counted(made.groups, "group", "groups"), rows == 0 ? "" : " + 1 spare",
                                   grouped(made.histograms ? bytes_per_histogram : 0))) +
           memory_line("recorders", recorders,
                       fmt::format("{} x {} bytes", counted(made.attachments, "handle", "handles"),
                                   grouped(made.recorders ? bytes_per_recorder : 0))) +
           memory_line("payload", made.payload,
                       fmt::format("{} chunks x {} bytes", grouped(made.chunks), grouped(info.chunk_size))) +
           memory_line("total", info.size, "");
}

std::string stream_text(const StreamInfo& info) {
    const StreamOptions& made = info.options;
    return fmt::format("created {}\n", info.name) + fmt::format("file {}, mode {:04o}\n", info.path, made.mode) +
           fmt::format("largest entry {} bytes ({}), {} at a time, {} a group, time stamps {}\n",
                       grouped(made.max_entry), human_size(made.max_entry),
                       counted(made.producers, "producer", "producers"),
                       counted(made.consumers, "consumer", "consumers"), word_of(made.time)) +
           memory_text(info);
}

}  // namespace

int run_create(const Arguments& arguments) {
    auto stream = Stream::create(arguments.text("NAME"), options_of(arguments));
    if (!stream) return report(stream.error());
    const auto info = stream->info();
    if (!info) return report(info.error());
    return print(stream_text(*info));
}

}  // namespace shmq::tools
