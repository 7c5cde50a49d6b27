// The public class Stream: making, opening and removing; handles. Its lists are in stream_lists.cpp.
#include "shmq/stream.hpp"

#include "api/consumer_core.hpp"
#include "api/dead_letters.hpp"
#include "api/group_call.hpp"
#include "api/producer_core.hpp"
#include "api/reader_core.hpp"
#include "group/closing.hpp"
#include "group/directory.hpp"
#include "group/group_options.hpp"
#include "layout/segment.hpp"
#include "log/audit.hpp"
#include "log/publish.hpp"
#include "os/process.hpp"

namespace shmq {

namespace {

using detail::bad_name;
using detail::check_group_call;
using detail::no_group_error;
using detail::StreamCore;

/// Adds the group's name to an error that came without.
Error named(const StreamCore& core, std::string_view group, Error error) noexcept {
    return error.code() == Code::no_group ? no_group_error(core, group) : error;
}

Result<void> make_segment(const std::string& path, const Geometry& geometry) {
    auto file = os::make_unnamed(path, geometry.segment_size, geometry.mode);
    if (!file) return file.error();
    const auto finish = [&]() -> Result<void> {
        const auto identity = os::identity(*file);
        if (!identity) return identity.error();
        auto mapping = os::Mapping::map(*file, geometry.segment_size, true);
        if (!mapping) return mapping.error();
        initialise(mapping->data(), geometry, {identity->device, identity->inode, os::realtime_ns()}, 0);
        return {};
    };
    if (auto finished = finish(); !finished) {
        os::discard(*file);
        return finished;
    }
    return os::give_name(*file, path);
}

}  // namespace

Stream::Stream() noexcept = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;
Stream::Stream(std::shared_ptr<StreamCore> core) noexcept : core_(std::move(core)) {}

Result<Stream> Stream::create(std::string_view name, const StreamOptions& options, const OpenOptions& open_options) {
    const auto path = os::segment_path(name);
    if (!path) return path.error();
    const auto geometry = plan(options);
    if (!geometry) return geometry.error();
    if (auto made = make_segment(*path, *geometry); !made) {
        if (made.error().code() == Code::no_space)
            return text_error(Code::no_space, geometry->segment_size,
                              "%s needs %llu bytes, its file system has %llu free; make it smaller", path->c_str(),
                              static_cast<unsigned long long>(geometry->segment_size),
                              static_cast<unsigned long long>(os::free_space(*path)));
        if (made.error().code() != Code::exists) return made.error();
        return text_error(Code::exists, 0, "%s exists already; open it, or `shmq rm %.*s` first", path->c_str(),
                          static_cast<int>(name.size()), name.data());
    }
    return open(name, open_options);
}

Result<Stream> Stream::open(std::string_view name, const OpenOptions& options) {
    auto core = StreamCore::open(name, options);
    if (!core) return core.error();
    return Stream(std::move(*core));
}

Result<Stream> Stream::open_or_create(std::string_view name, const StreamOptions& options,
                                      const OpenOptions& open_options) {
    // Opening and making take turns, since somebody may make or remove it in between.
    for (int turn = 0;; ++turn) {
        auto stream = open(name, open_options);
        if (stream) {
            if (auto same = check_same(options, stream->core_->geometry()); !same) return same.error();
            return stream;
        }
        if (stream.error().code() != Code::no_stream || turn == 16) return stream;
        stream = create(name, options, open_options);
        if (stream || stream.error().code() != Code::exists) return stream;
    }
}

Result<void> Stream::remove(std::string_view name) {
    const auto path = os::segment_path(name);
    if (!path) return path.error();
    // Mapped without attaching, to tell who uses it. A damaged segment is removed all the same, another file is not.
    auto file = os::open_segment(*path, true);
    if (!file) return file.error();
    const auto size = os::file_size(*file);
    if (!size) return size.error();
    std::uint64_t first = 0;
    os::Mapping mapping;
    if (*size >= sizeof(Header)) {
        auto mapped = os::Mapping::map(*file, *size, true);
        if (!mapped) return mapped.error();
        mapping = std::move(*mapped);
        std::memcpy(&first, mapping.data(), sizeof first);
    }
    if (first != magic)
        return text_error(Code::corrupt, *size,
                          "%s is not a segment (%llu bytes); remove the file by hand if it is not needed",
                          path->c_str(), static_cast<unsigned long long>(*size));
    // The name first: who may not take it away tells nobody. If we die here, who waits finds it (StreamCore::removed).
    if (auto gone = os::remove_file(*path); !gone) return gone;
    if (const auto geometry = check_header(mapping.data(), *size)) {
        const Segment segment(mapping.data(), *geometry);
        mark_removed(segment);
        const os::ProcessInfo who = os::this_process();
        audit(segment, {who.pid, who.command}, Did::removed, {});
    }
    return {};
}

Result<std::string> Stream::path_of(std::string_view name) { return os::segment_path(name); }

Result<Producer> Stream::producer() {
    if (!core_) return Code::closed;
    if (auto fine = core_->writable(); !fine) return fine.error();
    return Producer(std::make_unique<detail::ProducerCore>(core_));
}

Result<Producer> Stream::producer(std::string_view name) {
    if (!core_) return Code::closed;
    if (auto fine = core_->writable(); !fine) return fine.error();
    if (!os::valid_name(name, max_name)) return bad_name("producer", name);
    auto core = detail::ProducerCore::with_name(core_, name);
    if (!core) return core.error();
    return Producer(std::move(*core));
}

namespace {

/// The handle's own producer, made at its first add.
Result<void> make_producer(const std::shared_ptr<StreamCore>& core, std::unique_ptr<detail::ProducerCore>& producer) {
    if (producer) [[likely]]
        return {};
    if (!core) return Code::closed;
    if (auto fine = core->writable(); !fine) return fine;
    producer = std::make_unique<detail::ProducerCore>(core);
    return {};
}

}  // namespace

Result<Sequence> Stream::add(Bytes payload, const AddOptions& options) {
    if (auto fine = make_producer(core_, producer_); !fine) return fine.error();
    return producer_->add(payload, options);
}
Result<AddedBatch> Stream::add(std::span<const Bytes> payloads, const AddOptions& options) {
    if (auto fine = make_producer(core_, producer_); !fine) return fine.error();
    return producer_->add(payloads, options);
}
Result<Sequence> Stream::add_fields(std::span<const Field> fields, const AddOptions& options) {
    if (auto fine = make_producer(core_, producer_); !fine) return fine.error();
    return producer_->add_fields(fields, options);
}
Result<Loan> Stream::loan(std::size_t size, const AddOptions& options) {
    if (auto fine = make_producer(core_, producer_); !fine) return fine.error();
    return producer_->loan(size, options);
}

namespace {

/// Lets `place(position)` put a group somewhere. Groups know sequences: a time is looked up before. If the entry that
/// was found is trimmed by then, all that are kept are later.
template <class Place>
Result<void> place_group(const StreamCore& core, Position position, Place place) {
    if (position.kind() != Position::Kind::time) return place(position);
    const auto first = detail::ReaderCore::start(core, position);
    if (!first) return first.error();
    auto placed = place(Position::at(*first));
    return !placed && placed.error().code() == Code::trimmed ? place(Position::oldest()) : placed;
}

}  // namespace

Result<void> Stream::create_group(std::string_view group, Position from, const GroupOptions& wanted) {
    if (auto fine = check_group_call(core_, group); !fine) return fine;
    GroupOptions options = wanted;
    if (auto fine = detail::check_dead_letter(*core_, options); !fine) return fine;
    return place_group(*core_, from, [&](Position position) -> Result<void> {
        auto made = shmq::create_group(core_->segment(), core_->visits(), group, position, options);
        if (!made && made.error().code() == Code::too_many_groups) {  // rows may still be the dead's
            core_->scan_now();
            made = shmq::create_group(core_->segment(), core_->visits(), group, position, options);
        }
        if (!made) return made.error();
        core_->changed(Did::made_group, group);
        return {};
    });
}

Result<void> Stream::drop_group(std::string_view group) {
    if (auto fine = check_group_call(core_, group); !fine) return fine;
    auto dropped = shmq::drop_group(core_->segment(), core_->visits(), group);
    if (!dropped) return named(*core_, group, dropped.error());
    core_->changed(Did::dropped_group, group);
    return dropped;
}

Result<void> Stream::move_group(std::string_view group, Position to) {
    if (auto fine = check_group_call(core_, group); !fine) return fine;
    return place_group(*core_, to, [&](Position position) -> Result<void> {
        auto moved = shmq::move_group(core_->segment(), core_->visits(), group, position);
        if (!moved && moved.error().code() == Code::too_many_groups) {  // as above
            core_->scan_now();
            moved = shmq::move_group(core_->segment(), core_->visits(), group, position);
        }
        if (!moved) return named(*core_, group, moved.error());
        core_->changed(Did::moved_group, group);
        return {};
    });
}

Result<Consumer> Stream::consumer(std::string_view group, std::string_view name) {
    if (auto fine = check_group_call(core_, group); !fine) return fine.error();
    if (!name.empty() && !os::valid_name(name, max_name)) return bad_name("consumer", name);
    auto core = detail::ConsumerCore::join(core_, group, name);
    if (!core) return core.error();
    return Consumer(std::move(*core));
}

Result<Reader> Stream::reader(Position from) { return make_reader(from, std::nullopt); }
Result<Reader> Stream::reader(Position from, Position to) { return make_reader(from, to); }

Result<Reader> Stream::make_reader(Position from, std::optional<Position> to) {
    if (!core_) return Code::closed;
    if (const Code code = core_->usable(); code != Code::ok) return code;
    const auto start = detail::ReaderCore::start(*core_, from);
    if (!start) return start.error();
    const auto end = to ? detail::ReaderCore::finish(*core_, *to) : ~Sequence{0};
    if (!end) return end.error();
    return Reader(std::make_unique<detail::ReaderCore>(core_, *start, *end));
}

Result<Copies> Stream::range(Sequence first, Sequence last, std::size_t max_entries) const {
    return core_ ? detail::ReaderCore::range(*core_, first, last, max_entries, false) : Result<Copies>(Code::closed);
}
Result<Copies> Stream::reverse_range(Sequence last, Sequence first, std::size_t max_entries) const {
    return core_ ? detail::ReaderCore::range(*core_, first, last, max_entries, true) : Result<Copies>(Code::closed);
}

Result<Copies> Stream::range(Position from, Position to, std::size_t max_entries) const {
    return core_ ? detail::ReaderCore::range(*core_, from, to, max_entries, false) : Result<Copies>(Code::closed);
}
Result<Copies> Stream::reverse_range(Position to, Position from, std::size_t max_entries) const {
    return core_ ? detail::ReaderCore::range(*core_, from, to, max_entries, true) : Result<Copies>(Code::closed);
}

Result<RecoveryReport> Stream::recover() {
    if (!core_) return Code::closed;
    if (auto fine = core_->writable(); !fine) return fine.error();
    RecoveryReport report = core_->scan_now();
    const RecoveryReport opening = core_->take_opening_report();
    report.dead += opening.dead;
    report.consumers += opening.consumers;
    report.entries += opening.entries;
    report.chunks += opening.chunks;
    report.moved = detail::move_all_dead(*core_);
    return report;
}

void Stream::close() noexcept {
    producer_.reset();
    core_.reset();
}

}  // namespace shmq
