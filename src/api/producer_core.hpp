// What stands behind a Producer and its Loans.
#pragma once

#include <memory>
#include <vector>

#include "api/core.hpp"
#include "log/chunks.hpp"
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
    bool open = false;
};

class ProducerCore {
public:
    explicit ProducerCore(std::shared_ptr<StreamCore> stream);
    ProducerCore(const ProducerCore&) = delete;
    ProducerCore& operator=(const ProducerCore&) = delete;
    ~ProducerCore();

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

private:
    /// The common case: opaque bytes, no key, room in the chunk, nobody interferes. 0 if anything is unusual; nothing
    /// was added then.
    Sequence add_quickly(Bytes payload, const AddOptions& options) noexcept;
    Result<Sequence> add_slowly(Bytes payload, const AddOptions& options);
    Result<void> check(std::size_t size, const AddOptions& options);
    template <class Fill>
    Result<Sequence> add_filled(std::size_t size, std::uint8_t flags, const AddOptions& options, Fill fill);
    template <class Fill>
    Result<Sequence> add_one(std::size_t size, std::uint8_t flags, Bytes key, Fill fill);
    Result<Room> reserve(std::size_t size, std::size_t key_size);
    [[gnu::always_inline]] inline std::byte* write_header(const Room& room, std::size_t size, Bytes key,
                                                          std::uint8_t flags) noexcept;
    Result<Sequence> publish(const Room& room);
    template <class Try>
    auto retry_while_full(const AddOptions& options, Try attempt) -> decltype(attempt());

    std::shared_ptr<StreamCore> stream_;
    Publisher publisher_;
    ChunkHolder chunks_;
    std::uint32_t row_ = 0;
    bool has_row_ = false;
    bool closed_ = false;
    std::size_t quick_most_ = 0;  // bytes; largest entry of the common case. 0 before the first add and once closed
    std::vector<std::unique_ptr<LoanCore>> loans_;
};

}  // namespace shmq::detail
