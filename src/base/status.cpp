// The words and texts of errors: the table below is the only place where a code gets its word, its meaning and its
// cure.
#include "shmq/status.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>

#include "base/error_detail.hpp"

namespace shmq {

namespace {

struct Words {
    Code code;
    std::string_view word;
    std::string_view meaning;  // what, and the cure
};

constexpr Words table[] = {
    {Code::ok, "ok", "done"},
    {Code::empty, "empty", "nothing to deliver came within the wait"},
    {Code::full, "full", "no room within the wait; ack what is pending, or wait longer"},
    {Code::fenced, "fenced", "the entry was handed on to another consumer since it was read; drop the result"},
    {Code::not_pending, "not_pending", "the group has no such pending entry: it was never delivered or is finished"},
    {Code::stopped, "stopped", "the wait was ended by the caller"},
    {Code::busy, "busy", "a living process owns this name; end it or choose another name"},
    {Code::removed, "removed", "the stream was removed while in use; create it again and open it anew"},
    {Code::trimmed, "trimmed", "the sequence is below the oldest entry that is kept; start at `oldest`"},
    {Code::out_of_range, "out_of_range", "the sequence was not added yet, or is 0"},
    {Code::duplicate, "duplicate", "the producer has gone beyond this number; its last number is"},
    {Code::out_of_order, "out_of_order",
     "an earlier entry of its key, or of its strict group, is not finished; finish that first"},
    {Code::too_large, "too_large",
     "larger than the stream's limit; create the stream with a larger max-entry or payload"},
    {Code::too_many_loans, "too_many_loans", "open loans hold all the chunks a producer may hold; commit or drop some"},
    {Code::too_many_producers, "too_many_producers", "as many producers add as the stream allows; close some"},
    {Code::too_many_consumers, "too_many_consumers", "as many consumers are open as the group allows; close some"},
    {Code::too_many_groups, "too_many_groups", "as many groups exist as the stream allows; drop one"},
    {Code::too_many_attachments, "too_many_attachments", "as many handles are open as the stream allows; close some"},
    {Code::too_many_names, "too_many_names", "the stream keeps as many producer names as it can; use one of them"},
    {Code::too_many_in_flight, "too_many_in_flight",
     "the consumer holds as many entries as its group allows; ack or give back some"},
    {Code::too_many_pins, "too_many_pins", "views of former owners fill the pin table; let them close their batches"},
    {Code::bad_name, "bad_name",
     "a name is 1 to 200 (groups and consumers 63) of A-Z a-z 0-9 . _ - without a dot or dash first"},
    {Code::bad_option, "bad_option", "an option is outside its limits"},
    {Code::exists, "exists", "there is one of this name already; open it, or remove it first"},
    {Code::no_stream, "no_stream", "no such stream; `shmq create NAME` makes one, `shmq list` names those there are"},
    {Code::no_group, "no_group", "no such group; `shmq group create NAME G` makes one"},
    {Code::no_space, "no_space", "the file system has not enough room; make the stream smaller or free some"},
    {Code::not_allowed, "not_allowed", "permission denied, not a regular file, or the handle is read-only"},
    {Code::corrupt, "corrupt",
     "the segment holds bytes that shmq never writes; copy the file away and create the stream anew"},
    {Code::wrong_version, "wrong_version",
     "the segment was made by another format; use that version, or create it anew"},
    {Code::forked, "forked", "the handle was inherited by fork(); open the stream again in the child"},
    {Code::closed, "closed", "the handle was closed"},
    {Code::system, "system", "the kernel refused a call"},
};
static_assert(std::size(table) == static_cast<std::size_t>(Code::system) + 1);

struct Detail {
    std::uint64_t id = 0;  // of the error it belongs to; 0 is none
    bool held = false;     // names instead of text
    bool no_parking = false;
    char text[320] = {};
    char what[16] = {};
    char group[64] = {};
    char consumer[64] = {};
};

constexpr std::size_t ring_size = 16;
thread_local std::array<Detail, ring_size> ring;
thread_local std::uint64_t newest = 0;

Detail& next_detail() noexcept {
    Detail& detail = ring[++newest % ring_size];
    detail.id = newest;
    return detail;
}

void copy_name(char* to, std::size_t size, std::string_view from) noexcept {
    const std::size_t length = std::min(from.size(), size - 1);
    if (length != 0) std::memcpy(to, from.data(), length);
    to[length] = 0;
}

const Words& words_of(Code code) noexcept {
    const auto index = static_cast<std::size_t>(code);
    return table[index < std::size(table) ? index : static_cast<std::size_t>(Code::system)];
}

std::string held_text(const Detail& detail, std::uint64_t sequence) {
    std::string text = "full: no " + std::string(detail.what) + " is free: ";
    if (detail.group[0] == 0) return text + "producers and loans hold them; close producers or commit loans";
    text += "group " + std::string(detail.group) + " still needs entry " + std::to_string(sequence);
    if (detail.consumer[0] != 0)
        text += ", held by consumer " + std::string(detail.consumer) + "; it must ack, or `shmq claim` the entry";
    else
        text += ", which nobody holds; read it, or drop the group";
    if (detail.no_parking) text += " (the parking table is full: `shmq pending` lists what is stuck)";
    return text;
}

}  // namespace

std::string_view code_word(Code code) noexcept { return words_of(code).word; }

std::string Error::message() const {
    const Words& words = words_of(code_);
    const Detail& detail = ring[detail_ % ring_size];
    if (detail_ != 0 && detail.id == detail_) {
        if (detail.held) return held_text(detail, number_);
        return std::string(words.word) + ": " + detail.text;
    }
    std::string text = std::string(words.word) + ": " + std::string(words.meaning);
    if (number_ != 0) text += " (" + std::to_string(number_) + ")";
    return text;
}

Error text_error(Code code, std::uint64_t number, const char* format, ...) noexcept {
    Detail& detail = next_detail();
    detail.held = false;
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(detail.text, sizeof detail.text, format, arguments);
    va_end(arguments);
    return Error(code, number, detail.id);
}

Error full_error(std::string_view what, std::string_view group, std::string_view consumer, std::uint64_t sequence,
                 bool no_parking) noexcept {
    Detail& detail = next_detail();
    detail.held = true;
    detail.no_parking = no_parking;
    copy_name(detail.what, sizeof detail.what, what);
    copy_name(detail.group, sizeof detail.group, group);
    copy_name(detail.consumer, sizeof detail.consumer, consumer);
    return Error(Code::full, sequence, detail.id);
}

Error option_error(const char* option, std::uint64_t value, std::uint64_t lowest, std::uint64_t highest) noexcept {
    return text_error(Code::bad_option, value, "%s is %llu; it must be %llu to %llu", option,
                      static_cast<unsigned long long>(value), static_cast<unsigned long long>(lowest),
                      static_cast<unsigned long long>(highest));
}

Error option_differs_error(const char* option, std::uint64_t wanted, std::uint64_t found) noexcept {
    return text_error(Code::bad_option, found,
                      "%s is asked to be %llu, but the stream was made with %llu; ask for that, or remove it", option,
                      static_cast<unsigned long long>(wanted), static_cast<unsigned long long>(found));
}

Error corrupt_error(const char* field, std::uint64_t offset, std::uint64_t found) noexcept {
    return text_error(Code::corrupt, offset,
                      "%s at byte %llu of the segment is %llu, which shmq never writes; copy the file away and create "
                      "the stream anew",
                      field, static_cast<unsigned long long>(offset), static_cast<unsigned long long>(found));
}

Error system_error(const char* call, int number) noexcept {
    return text_error(Code::system, static_cast<std::uint64_t>(number), "%s: %s (errno %d)", call,
                      strerrordesc_np(number), number);
}

}  // namespace shmq
