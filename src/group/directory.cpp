// Finding, making, dropping and moving groups; which step of each decides is said in directory.hpp.
#include "group/directory.hpp"

#include <bit>

#include "base/error_detail.hpp"
#include "group/closing.hpp"
#include "group/group_options.hpp"

namespace shmq {

std::optional<GroupId> find_group(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    // Again only if the directory changed meanwhile: somebody dropped or moved the group, or we finished that for him.
    for (std::uint64_t directory = load_directory(segment);;) {
        const auto row = row_of(segment, directory, name);
        if (!row) return std::nullopt;
        const Visit visit(visits, *row);
        finish_creation(segment, *row);
        if (!finish_closing(segment, visits, *row)) return std::nullopt;
        const GroupWord word = unpack_group(segment.group(*row).word.load(memory_order_seq_cst));
        const GroupId found{*row, word.incarnation};
        if (is_active(segment, found) && row_name(segment.group(*row).name).view() == name) return found;
        const std::uint64_t again = load_directory(segment);
        if (again == directory) return std::nullopt;  // a row that only bears the name, or no word of ours: damage
        directory = again;
    }
}

namespace {

/// `too_many_pins` if the group's end is decided and waits for a pin cell; else that there is no group.
Error gone_error(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    if (finish_closing_of(segment, visits, name)) return Error(Code::no_group);
    return text_error(Code::too_many_pins, 0,
                      "group %.*s was dropped or moved, which ends once the pin table has room for what its consumers "
                      "look at; let former owners close their batches",
                      static_cast<int>(name.size()), name.data());
}

}  // namespace

Result<GroupId> create_group(const Segment& segment, Visits& visits, std::string_view name, Position from,
                             const GroupOptions& options) noexcept {
    const Geometry& g = segment.geometry();
    if (auto fine = check_options(options); !fine) return fine.error();
    if (options.order == Order::by_key && g.key_stripes == 0)
        return text_error(
            Code::bad_option, 0,
            "a group that orders by key needs key stripes; create the stream with key-stripes, such as 1024");
    if (options.retention == Retention::until && g.time == TimeStamps::off)
        return text_error(
            Code::bad_option, 0,
            "how far group %.*s is behind is told by time stamps, which this stream does not keep; create "
            "it with them, or choose another retention",
            static_cast<int>(name.size()), name.data());
    const auto exists = [&] {
        return text_error(Code::exists, 0, "group %.*s exists already", static_cast<int>(name.size()), name.data());
    };
    if (find_group(segment, visits, name)) return exists();
    if (const Error gone = gone_error(segment, visits, name); gone.code() != Code::no_group) return gone;
    std::uint64_t directory = load_directory(segment);
    if (static_cast<std::uint32_t>(std::popcount(active_groups(directory))) >= g.groups)
        return text_error(Code::too_many_groups, g.groups,
                          "the stream allows %u groups and has them; drop one, or create it with more", g.groups);
    const auto start = start_at(segment, from);
    if (!start) return start.error();
    const auto group = prepare_row(segment, visits, name, *start, options);
    if (!group) return group.error();
    const Visit visit(visits, group->row);
    for (;;) {  // each failed exchange is another group's change
        directory = load_directory(segment);
        const std::uint32_t active = active_groups(directory);
        if (row_of(segment, directory, name)) return abandon_row(segment, *group), exists();
        if (static_cast<std::uint32_t>(std::popcount(active)) >= g.groups)
            return abandon_row(segment, *group), Code::too_many_groups;
        const std::uint64_t wanted = next_directory(directory, active | std::uint32_t{1} << group->row);
        if (segment.control().directory.compare_exchange(directory, wanted, memory_order_seq_cst, memory_order_relaxed))
            break;
    }
    finish_creation(segment, group->row);
    return *group;
}

Result<void> drop_group(const Segment& segment, Visits& visits, std::string_view name) noexcept {
    for (;;) {  // again only if somebody else dropped or moved it first
        const auto group = find_group(segment, visits, name);
        if (!group) return Code::no_group;
        const Visit visit(visits, group->row);
        if (!has_enough_pins(segment, group->row) && is_active(segment, *group)) return Code::too_many_pins;
        if (!begin_closing(segment, *group, std::nullopt)) continue;
        finish_closing(segment, visits, group->row);  // if it has to wait, it is dropped all the same
        return {};
    }
}

Result<GroupId> move_group(const Segment& segment, Visits& visits, std::string_view name, Position to) noexcept {
    for (;;) {  // as above
        const auto old = find_group(segment, visits, name);
        if (!old) return gone_error(segment, visits, name);
        const Visit visit(visits, old->row);
        if (!has_enough_pins(segment, old->row) && is_active(segment, *old)) return Code::too_many_pins;
        const auto start = start_at(segment, to);
        if (!start) return start.error();
        const auto fresh = prepare_row(segment, visits, name, *start, options_of(segment.group(old->row)));
        if (!fresh) return fresh.error();
        const Visit fresh_visit(visits, fresh->row);
        if (!begin_closing(segment, *old, *fresh)) {
            abandon_row(segment, *fresh);
            continue;
        }
        finish_closing(segment, visits, old->row);
        return *fresh;
    }
}

}  // namespace shmq
