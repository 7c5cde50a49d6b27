// An operator's words of a Stream: ack, nack, and what is dead, whoever holds the entry. Each is told to the recorders.
#include "api/dead_letters.hpp"
#include "api/group_call.hpp"
#include "group/dead.hpp"
#include "group/dead_move.hpp"
#include "group/directory.hpp"
#include "group/finish.hpp"
#include "group/group_options.hpp"
#include "log/publish.hpp"

namespace shmq {

using detail::check_group_call;
using detail::no_group_error;
using detail::StreamCore;

namespace {

/// Finds the group for an operator's word and stays inside it while `act` works.
template <class Act>
Result<void> as_operator(const std::shared_ptr<StreamCore>& core, std::string_view group, Sequence sequence, Did what,
                         Act act) {
    if (auto fine = check_group_call(core, group); !fine) return fine;
    const Segment& segment = core->segment();
    const auto id = find_group(segment, core->visits(), group);
    if (!id) return no_group_error(*core, group);
    const Visit visit(core->visits(), id->row);
    if (!is_active(segment, *id)) return no_group_error(*core, group);
    const Sequence end = find_end(segment);
    if (sequence == 0 || sequence >= end)
        return text_error(Code::out_of_range, sequence, "sequence %llu was not added yet; the newest is %llu",
                          static_cast<unsigned long long>(sequence), static_cast<unsigned long long>(end - 1));
    auto result = act(segment, id->row);
    if (!result && result.error().code() == Code::not_pending)
        return text_error(Code::not_pending, sequence,
                          "entry %llu is not pending in group %.*s: never delivered, or finished",
                          static_cast<unsigned long long>(sequence), static_cast<int>(group.size()), group.data());
    if (result) core->changed(what, group, id->row, sequence);
    return result;
}

}  // namespace

Result<void> Stream::ack(std::string_view group, Sequence sequence) {
    return as_operator(core_, group, sequence, Did::acked_for,
                       [&](const Segment& segment, std::uint32_t row) { return operator_ack(segment, row, sequence); });
}

Result<void> Stream::nack(std::string_view group, Sequence sequence) {
    return as_operator(core_, group, sequence, Did::gave_back_for, [&](const Segment& segment, std::uint32_t row) {
        return operator_nack(segment, row, sequence, core_->now_ms());
    });
}

Result<void> Stream::nack(std::string_view group, Sequence sequence, Duration delay) {
    const auto delay_ms = delay_ms_of("delay (ms)", delay);
    if (!delay_ms) return delay_ms.error();
    return as_operator(core_, group, sequence, Did::gave_back_for, [&](const Segment& segment, std::uint32_t row) {
        return operator_nack(segment, row, sequence, core_->now_ms(), *delay_ms);
    });
}

Result<std::uint64_t> Stream::claim(std::string_view group, const ClaimOptions& options) {
    Result<Consumer> taker = consumer(group);
    if (!taker) return taker.error();
    const Result<Batch> batch = taker->claim(options);
    if (!batch && batch.error().code() != Code::empty) return batch.error();
    if (!batch) return std::uint64_t{0};
    // The taker has told the flight recorder.
    audit(core_->segment(), auditor_of(core_->segment(), core_->id().row), Did::took_over, group, batch->size(),
          (*batch)[0].sequence());
    return std::uint64_t{batch->size()};  // the end of the batch gives them back
}

Result<void> Stream::make_dead(std::string_view group, Sequence sequence) {
    return as_operator(core_, group, sequence, Did::made_dead, [&](const Segment& segment, std::uint32_t row) {
        return shmq::make_dead(segment, row, sequence, core_->now_ms());
    });
}

namespace {

/// `not_pending` of a call that is about dead entries alone.
Result<void> named_dead(Result<void> result, std::string_view group, Sequence sequence) {
    if (result || result.error().code() != Code::not_pending) return result;
    return text_error(Code::not_pending, sequence,
                      "entry %llu is not dead in group %.*s, or was handed over 65535 times and can only be dropped",
                      static_cast<unsigned long long>(sequence), static_cast<int>(group.size()), group.data());
}

/// Says `act` of a dead entry; if it is on its way to another stream, once more when that is settled.
template <class Act>
Result<void> settled(StreamCore& core, std::uint32_t row, Act act) {
    Result<void> result = act();
    if (result || result.error().code() != Code::busy) return result;
    if (auto fine = detail::settle_move(core, row); !fine) return fine;
    return act();
}

/// Says `act` of every dead entry; those that somebody else ended meanwhile do not count.
template <class Act>
Result<std::uint64_t> each_dead(const Stream& stream, std::string_view group, Act act) {
    const auto dead = stream.dead(group);
    if (!dead) return dead.error();
    std::uint64_t count = 0;
    for (const PendingEntry& entry : *dead) {
        const Result<void> result = act(entry.sequence);
        if (!result && result.error().code() != Code::not_pending) return result.error();
        count += result ? 1u : 0u;
    }
    return count;
}

}  // namespace

Result<void> Stream::requeue_dead(std::string_view group, Sequence sequence) {
    auto result =
        as_operator(core_, group, sequence, Did::requeued_dead, [&](const Segment& segment, std::uint32_t row) {
            return settled(*core_, row, [&] { return shmq::requeue_dead(segment, row, sequence, core_->now_ms()); });
        });
    return named_dead(std::move(result), group, sequence);
}

Result<void> Stream::drop_dead(std::string_view group, Sequence sequence) {
    auto result =
        as_operator(core_, group, sequence, Did::dropped_dead, [&](const Segment& segment, std::uint32_t row) {
            return settled(*core_, row, [&] { return shmq::drop_dead(segment, row, sequence); });
        });
    return named_dead(std::move(result), group, sequence);
}

Result<std::uint64_t> Stream::move_dead(std::string_view group) {
    if (auto fine = check_group_call(core_, group); !fine) return fine.error();
    const auto id = find_group(core_->segment(), core_->visits(), group);
    if (!id) return no_group_error(*core_, group);
    const Visit visit(core_->visits(), id->row);
    if (!is_active(core_->segment(), *id)) return no_group_error(*core_, group);
    if (!has_dead_letter(core_->segment().group(id->row)))
        return text_error(Code::bad_option, 0,
                          "group %.*s has no dead-letter stream; it is named when the group is made",
                          static_cast<int>(group.size()), group.data());
    const detail::MoveReport report = detail::move_dead(*core_, id->row);
    if (report.why.code() != Code::ok) return report.why;
    return report.moved;
}

Result<std::uint64_t> Stream::requeue_dead(std::string_view group) {
    return each_dead(*this, group, [&](Sequence sequence) { return requeue_dead(group, sequence); });
}

Result<std::uint64_t> Stream::drop_dead(std::string_view group) {
    return each_dead(*this, group, [&](Sequence sequence) { return drop_dead(group, sequence); });
}

}  // namespace shmq
