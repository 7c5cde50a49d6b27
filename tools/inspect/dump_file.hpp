// Reads what `dump` wrote, as lines of JSON or as CBOR. dump.hpp has the objects.
//
// A file is read twice: once for all but the entries, which is checked and kept, and once for the entries, one at a
// time, so that memory is bounded by what is pending and the largest entry. So it has to be a file that can be read
// from its beginning again.
#pragma once

#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "shmq/stream.hpp"

namespace shmq::inspect {

struct DumpedGroup {
    std::string name;
    Sequence start = 0;
    Sequence next = 0;  ///< the first entry it was never given
    GroupOptions options;
};
struct DumpedPending {
    std::uint32_t deliveries = 0;
    std::optional<std::string> consumer;  ///< nullopt: nobody held it
    bool dead = false;
};
struct DumpedEntry {
    Sequence sequence = 0;
    std::string key;
    std::string data;
    std::optional<std::vector<std::pair<std::string, std::string>>> fields;
};

/// What is wrong with a file, with the number of the object.
class BadDump : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class DumpFile {
public:
    /// Reads all but the entries. Throws BadDump.
    explicit DumpFile(const std::string& path);

    /// As the stream was made, beginning at the first entry of the file.
    [[nodiscard]] const StreamOptions& options() const noexcept { return options_; }
    /// Behind the last entry.
    [[nodiscard]] Sequence next() const noexcept { return next_; }
    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
    [[nodiscard]] const std::vector<DumpedGroup>& groups() const noexcept { return groups_; }
    /// Of a group, by sequence.
    [[nodiscard]] const std::map<Sequence, DumpedPending>& pending(const std::string& group) const;
    [[nodiscard]] std::uint64_t pending_count() const noexcept;

    /// Reads the entries in their order, until `look` answers false. Throws BadDump.
    void each_entry(const std::function<bool(const DumpedEntry&)>& look) const;

private:
    template <class Look>
    void each_object(Look look) const;

    std::string path_;
    StreamOptions options_;
    Sequence next_ = 0;
    std::uint64_t entries_ = 0;
    std::vector<DumpedGroup> groups_;
    std::map<std::string, std::map<Sequence, DumpedPending>> pending_;
};

}  // namespace shmq::inspect
