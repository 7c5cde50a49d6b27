// Producers with a name: coming in under it, and which numbers may be added.
#include "api/producer_core.hpp"

namespace shmq::detail {

namespace {

constexpr std::uint64_t highest_number = ~std::uint64_t{0} >> 1;

}  // namespace

Result<std::unique_ptr<ProducerCore>> ProducerCore::with_name(std::shared_ptr<StreamCore> stream,
                                                              std::string_view name) {
    StreamCore& core = *stream;
    const auto row = row_of_name(core.segment(), name);
    if (!row) return row.error();
    auto producer = std::make_unique<ProducerCore>(std::move(stream));
    producer->name_ = name;
    OwnerWord owner{};
    bool taken = take_name(core.segment(), core.id(), *row, owner);
    // Each turn scans once; somebody else may come under the name in between, and is then alive.
    for (int turn = 0; !taken && turn < 4 && core.owner_of(owner) != Owner::alive; ++turn) {
        core.scan_now();
        taken = take_name(core.segment(), core.id(), *row, owner);
    }
    if (!taken) {
        const std::uint32_t owner_row = std::min(owner.row, core.geometry().attachments - 1);
        const std::uint32_t pid = core.segment().attachment(owner_row).pid.load(memory_order_relaxed);  // for people
        return text_error(Code::busy, pid,
                          "producer %s belongs to the living process %u; end it or choose another name",
                          producer->name_.c_str(), pid);
    }
    producer->named_.emplace(core.segment(), *row);
    return producer;
}

Result<Sequence> ProducerCore::check_number(std::uint64_t number) const noexcept {
    if (!named_) {
        if (number == 0) return Sequence{0};
        return text_error(Code::bad_option, number,
                          "number is %llu, but the producer has no name; numbers belong to a producer with a name",
                          static_cast<unsigned long long>(number));
    }
    const LastAdd last = named_->last();
    const std::uint64_t next = next_number(number);
    if (next > highest_number) return option_error("number", next, 1, highest_number);
    if (next > last.number) return Sequence{0};
    if (next == last.number) return last.sequence;
    return text_error(Code::duplicate, last.number,
                      "producer %s has added up to number %llu, sequence %llu; number %llu is not added again",
                      name_.c_str(), static_cast<unsigned long long>(last.number),
                      static_cast<unsigned long long>(last.sequence), static_cast<unsigned long long>(next));
}

}  // namespace shmq::detail
