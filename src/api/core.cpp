// Mapping, attaching, and the two ways a wait sleeps. See core.hpp for the contract.
#include "api/core.hpp"

#include <cstring>

#include "group/delays.hpp"
#include "group/deliver.hpp"
#include "os/process.hpp"

namespace shmq::detail {

namespace {

std::uint64_t boot_number() noexcept {
    const auto id = os::boot_id();
    std::uint64_t halves[2];
    static_assert(sizeof halves == sizeof id);
    std::memcpy(halves, id.data(), sizeof halves);
    return halves[0] ^ (halves[1] * 0x9e37'79b9'7f4a'7c15);
}

Result<void> check_open_options(const OpenOptions& o) {
    const auto count = [](Duration d) { return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0)); };
    if (o.slice < std::chrono::milliseconds{1} || o.slice > std::chrono::milliseconds{100})
        return option_error("slice (ns)", count(o.slice), 1'000'000, 100'000'000);
    if (o.spin < Duration{0} || o.spin > std::chrono::seconds{1})
        return option_error("spin (ns)", count(o.spin), 0, 1'000'000'000);
    return {};
}

}  // namespace

StreamCore::StreamCore(std::string name, std::string path, const OpenOptions& options)
    : name_(std::move(name)), path_(std::move(path)), options_(options) {}

Result<std::shared_ptr<StreamCore>> StreamCore::open(std::string_view name, const OpenOptions& options) {
    if (auto fine = check_open_options(options); !fine) return fine.error();
    auto path = os::segment_path(name);
    if (!path) return path.error();
    auto core = std::make_shared<StreamCore>(std::string(name), std::move(*path), options);
    if (auto mapped = core->map_segment(); !mapped) return mapped.error();
    if (options.read_only) return core;
    if (auto attached = core->attach_here(); !attached) return attached.error();
    return core;
}

Result<void> StreamCore::map_segment() {
    auto file = os::open_segment(path_, !options_.read_only);
    if (!file) return file.error();
    const auto size = os::file_size(*file);
    if (!size) return size.error();
    if (*size < sizeof(Header)) return check_header(nullptr, *size).error();
    // The header is read before the mapping is believed: only a file of the size it promises is mapped whole.
    auto mapping = os::Mapping::map(*file, *size, !options_.read_only);
    if (!mapping) return mapping.error();
    const auto geometry = check_header(mapping->data(), *size);
    if (!geometry) return geometry.error();
    const auto identity = os::identity(*file);
    if (!identity) return identity.error();
    const HomeFile home = home_of(mapping->data());
    at_home_ = home.device == identity->device && home.inode == identity->inode;
    // The guard first: a fork of another thread may come at any time, and must find every descriptor here.
    guard_.emplace(in_forked_child, this);
    if (auto armed = guard_->armed(); !armed) return armed.error();
    auto probe = os::reopen(*file, path_, false);
    if (!probe) return probe.error();
    probe_ = std::move(*probe);
    if (!options_.read_only) {
        auto lock = os::reopen(*file, path_, true);
        if (!lock) return lock.error();
        lock_ = std::move(*lock);
    }
    mapping_ = std::move(*mapping);
    segment_ = Segment(mapping_.data(), *geometry);
    return {};
}

Result<void> StreamCore::attach_here() {
    // Rows of dead processes may be all that is left. Others may take what was freed, so this is tried a few times.
    for (int attempt = 0;; ++attempt) {
        const auto id = attach(segment_, lock_, probe_, os::this_process());
        if (id) {
            visits_.emplace(segment_, *id);
            break;
        }
        if (id.error().code() != Code::too_many_attachments || attempt == 8) return id.error();
        if (!free_dead_row(segment_, probe_, now_ms())) return id.error();
    }
    const AttachmentRow& row = segment_.attachment(id().row);
    // relaxed: our own.
    note(Did::opened, std::nullopt, row.pid.load(memory_order_relaxed), row.start_time.load(memory_order_relaxed));
    opening_report_ = scan_now();
    adopt_boot(segment_, *visits_, boot_number(), now_ms());
    return {};
}

StreamCore::~StreamCore() {
    if (usable() == Code::forked) {
        mapping_.abandon();  // something else may stand there by now
        return;
    }
    if (!visits_) return;
    note(Did::closed);
    detach(segment_, visits_->owner());
}

void StreamCore::in_forked_child(void* context) noexcept {
    auto* core = static_cast<StreamCore*>(context);
    core->forked_.store(1, memory_order_relaxed);  // the child has this one thread
    core->lock_.close();                           // an inherited lock would hide the parent's death
    core->probe_.close();
}

Result<void> StreamCore::writable() const noexcept {
    if (const Code code = usable(); code != Code::ok) return code;
    if (read_only())
        return text_error(Code::not_allowed, 0, "the stream was opened for reading only; open it for writing");
    return {};
}

bool StreamCore::removed() const noexcept {
    if (is_removed(segment_)) return true;
    if (os::is_linked(probe_)) return false;
    if (!read_only()) mark_removed(segment_);  // by hand, or by one who died before it told us
    return true;
}

Owner StreamCore::owner_of(const OwnerWord& word) const noexcept {
    if (word.state != OwnerState::live && word.state != OwnerState::owned && word.state != OwnerState::attaching)
        return Owner::none;
    if (!at_home_) return Owner::unknown;
    if (visits_ && word.row == id().row && word.incarnation == id().incarnation) return Owner::alive;
    return probe_life(segment_, probe_, {word.row, word.incarnation}) == Life::alive ? Owner::alive : Owner::dead;
}

Duration StreamCore::longest_sleep() const noexcept {
    constexpr Duration read_only_slice{2'000'000};
    return read_only() ? std::min(options_.slice, read_only_slice) : options_.slice;
}

bool StreamCore::is_still(unsigned bit) noexcept {
    if (read_only() || bit == room_bit) return false;
    const Sequence end = segment_.control().tail.load(memory_order_relaxed);  // a hint
    return stillness_.reigns(end, now_ms()) && (bit == reader_bit || find_base(segment_, bit) >= end);
}

Duration StreamCore::longest_sleep(unsigned bit) noexcept {
    const Duration longest = is_still(bit) ? longest_sleep() * Stillness::slices : longest_sleep();
    const std::uint32_t hint = bit < reader_bit ? due_hint(segment_, bit) : 0;
    if (hint == 0) return longest;
    // At least one, while nobody looks there: its row closes, or the batch is full.
    return std::min<Duration>(longest, std::chrono::milliseconds(std::max(until_due(hint, now_ms()), 1)));
}

void StreamCore::pause(Place& place, std::uint64_t deadline_ns) noexcept {
    const std::uint64_t now = os::monotonic_ns();
    const std::uint64_t rest = deadline_ns > now ? deadline_ns - now : 0;
    const auto longest = static_cast<std::uint64_t>(longest_sleep(place.bit).count());
    const auto span = Duration{static_cast<std::int64_t>(std::min(rest, longest))};
    if (read_only()) {
        const Atomic<std::uint32_t> nobody_writes(0);
        os::futex_wait(nobody_writes, 0, span);
        return;
    }
    place.slept_long |= span > longest_sleep();
    // A scan that was cut short goes on before anybody sleeps, here or elsewhere.
    const bool scans = segment_.control().scanned_ms.load(memory_order_relaxed) == 0 ||  // a hint
                       sleep(segment_, place.bit, place.seen, span) == os::Woken::timeout;
    if (scans) scan_in_parts();  // a whole slice without news: one of all waiters looks for the dead
}

bool StreamCore::is_scan_due(std::uint64_t ms) noexcept {
    Word& scanned = segment_.control().scanned_ms;
    const std::uint64_t now = now_ms();
    const std::uint64_t last = scanned.load(memory_order_relaxed);  // a hint
    if (last <= now && now - last < ms) return false;
    scanned.store(now, memory_order_relaxed);
    return true;
}

void StreamCore::scan_in_parts() noexcept {
    constexpr std::uint64_t entries_per_part = 4'096;  // some 0.3 ms
    if (!is_scan_due(half_slice_ms())) return;
    std::uint64_t most_entries = entries_per_part;
    scan(segment_, *visits_, probe_, now_ms(), most_entries);
    if (most_entries == 0) segment_.control().scanned_ms.store(0, memory_order_relaxed);
}

void StreamCore::scan_if_due(std::uint64_t ms) noexcept {
    if (is_scan_due(ms)) scan_now();
}

void StreamCore::wake_for_stop(unsigned bit) noexcept {
    if (usable() != Code::ok || read_only()) return;
    segment_.control().sleepers.fetch_or(sleeper_mask(bit), memory_order_seq_cst);
    wake_sleepers(segment_, sleeper_mask(bit), ~0u >> 1);
}

}  // namespace shmq::detail
