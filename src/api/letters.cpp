// Letters sent again: entries of a dead-letter stream (dead_letters.hpp) come back to the stream they came from.
//
// They are added by a producer whose name belongs to the dead-letter stream and the group, each under the number that
// is its sequence there. So its last number says how far the call before came, exactly, whatever it died of.
#include <filesystem>

#include "api/dead_letters.hpp"
#include "api/producer_core.hpp"
#include "api/reader_core.hpp"
#include "group/directory.hpp"
#include "log/publish.hpp"

namespace shmq {

namespace {

/// What a letter carries.
struct Letter {
    Bytes payload;
    bool fields = false;
};

/// Whether a letter that names its stream so came from the segment at `path`.
bool is_from(std::string_view stream, const std::string& path) {
    const auto segment = os::segment_path(stream);
    return segment && std::filesystem::path(*segment).lexically_normal() == path;
}

/// nullopt if it is no letter of this group of the stream at `path`.
std::optional<Letter> letter_of(const Entry& entry, const std::string& path, std::string_view group) {
    const auto fields = entry.fields();
    if (!fields) return std::nullopt;
    const auto text = [&](std::string_view name) {
        const auto found = fields->find(name);
        return found ? text_of(*found) : std::string_view{};
    };
    const auto payload = fields->find("payload");
    if (!payload || text("group") != group || !is_from(text("stream"), path)) return std::nullopt;
    return Letter{*payload, text("kind") == "fields"};
}

}  // namespace

Result<std::uint64_t> Stream::requeue_letters(std::string_view group, std::string_view letters) {
    if (!core_) return Code::closed;
    if (auto fine = core_->writable(); !fine) return fine.error();
    OpenOptions read_only;
    read_only.read_only = true;
    auto source = detail::StreamCore::open(letters, read_only);
    if (!source) return source.error();
    const Segment& segment = (*source)->segment();
    auto producer = detail::ProducerCore::with_name(core_, detail::letter_producer("letters", **source, group));
    if (!producer) return producer.error();
    const Sequence end = find_end(segment);  // letters of entries that die again meanwhile are for the next call
    const Sequence first = std::clamp((*producer)->last_add().number + 1, find_begin(segment), end);
    detail::ReaderCore reader(*source, first, end);
    const std::string path = detail::absolute_path(*core_);
    std::uint64_t added = 0;
    for (;;) {
        const auto entry = reader.next(Duration{0}, {});
        if (!entry && entry.error() != Code::empty) return entry.error();
        if (!entry) return added;
        const auto letter = letter_of(*entry, path, group);
        if (!letter) continue;
        AddOptions options;
        options.key = entry->key();
        options.fields = letter->fields;
        options.number = entry->sequence();
        if (auto sequence = (*producer)->add(letter->payload, options); !sequence) return sequence.error();
        ++added;
    }
}

}  // namespace shmq
