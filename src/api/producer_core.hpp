// What stands behind a Producer and its Loans.
#pragma once

#include <memory>
#include <vector>

#include "api/core.hpp"
#include "log/chunks.hpp"
#include "log/named.hpp"
#include "log/publish.hpp"

namespace shmq::detail {

/// A loan: a room, and where in it the payload goes. Pooled by its producer, so that lending allocates nothing once
/// warm.
class LoanCore {
public:
    ProducerCore* producer = nullptr;  // null: the producer was closed
    Room room;
    std::byte* payload = nullptr;
    std::size_t size = 0;  // bytes lent
    std::uint16_t key_size = 0;
    bool fields = false;
    Duration wait{0};
    std::stop_token stop;
    std::uint64_t number = 0;  // as it was asked for; 0: the next one at commit
    bool open = false;
};

class ProducerCore {
public:
    explicit ProducerCore(std::shared_ptr<StreamCore> stream);
    ProducerCore(const ProducerCore&) = delete;
    ProducerCore& operator=(const ProducerCore&) = delete;
    ~ProducerCore();
    /// One that numbers what it adds, under a name that nobody else alive has. producer_names.cpp.
    static Result<std::unique_ptr<ProducerCore>> with_name(std::shared_ptr<StreamCore> stream, std::string_view name);

    Result<Sequence> add(Bytes payload, const AddOptions& options) {
        if (const Sequence sequence = add_quickly(payload, options); sequence != 0) [[likely]]
            return sequence;
        return add_slowly(payload, options);
    }
    Result<AddedBatch> add(std::span<const Bytes> payloads, const AddOptions& options);
    Result<Sequence> add_fields(std::span<const Field> fields, const AddOptions& options);
    Result<Loan> loan(std::size_t size, const AddOptions& options);
    Result<Sequence> commit(LoanCore& loan, std::size_t used);
    void drop(LoanCore& loan) noexcept;
    void close() noexcept;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] LastAdd last_add() const noexcept { return named_ ? named_->last() : LastAdd{}; }

private:
    /// The common case: opaque bytes, no key, room in the chunk, nobody interferes. 0 if anything is unusual; nothing
    /// was added then.
    Sequence add_quickly(Bytes payload, const AddOptions& options) noexcept;
    Result<Sequence> add_slowly(Bytes payload, const AddOptions& options);
    Result<void> check(std::size_t size, const AddOptions& options);
    /// The sequence of the last add if `number` is that one's again, 0 if the number can be added. producer_names.cpp.
    Result<Sequence> check_number(std::uint64_t number) const noexcept;
    /// The number of the add that is about to be made; 0 without a name.
    [[nodiscard]] std::uint64_t next_number(std::uint64_t wanted) const noexcept {
        return wanted == 0 && named_ ? named_->last().number + 1 : wanted;
    }
    template <class Fill>
    Result<Sequence> add_filled(std::size_t size, std::uint8_t flags, const AddOptions& options, Fill fill);
    template <class Fill>
    Result<Sequence> add_one(std::size_t size, std::uint8_t flags, Bytes key, std::uint64_t number, Fill fill);
    Result<Room> reserve(std::size_t size, std::size_t key_size);
    [[gnu::always_inline]] inline std::byte* write_header(const Room& room, std::size_t size, Bytes key,
                                                          std::uint8_t flags, std::uint64_t number) noexcept;
    Result<Sequence> publish(const Room& room, std::uint64_t number);
    template <class Answer, class Try>
    bool try_parking(Answer& answer, Try attempt);
    template <class Try>
    auto retry_while_full(const AddOptions& options, Try attempt) -> decltype(attempt());

    std::shared_ptr<StreamCore> stream_;
    Publisher publisher_;
    ChunkHolder chunks_;
    std::uint32_t row_ = 0;
    std::uint32_t origin_ = 0;  // what its entries say: row + 1, of its name if it has one
    bool has_row_ = false;
    bool closed_ = false;
    std::size_t quick_most_ = 0;  // bytes; largest entry of the common case. 0 before the first add, once closed, and
                                  // for a producer with a name
    Sequence stood_at_ = 0;       // the trim point when the last add that found no room looked
    std::string name_;
    std::optional<NamedAdds> named_;
    std::vector<std::unique_ptr<LoanCore>> loans_;
};

}  // namespace shmq::detail
