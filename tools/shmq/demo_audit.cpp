// Writing and reading the audit's records.
#include "tools/shmq/demo_audit.hpp"

#include <algorithm>
#include <cstring>

namespace shmq::tools {

void AuditWriter::take(const Entry& entry, std::uint64_t now) {
    AuditHead head{.sequence = entry.sequence(),
                   .delivered_ns = now,
                   .delay_ns = now - std::min(now, entry.time_ns()),
                   .entry = head_of(entry.text()),
                   .key_size = static_cast<std::uint16_t>(entry.key().size()),
                   .deliveries = static_cast<std::uint16_t>(std::min(entry.deliveries(), 0xffffu))};
    const std::string_view text = text_in(entry.text());
    head.text_size = static_cast<std::uint32_t>(text.size());
    const std::size_t start = buffer_.size();
    buffer_.resize(start + sizeof(head));
    head.place = place_of(entry, text, file_size_ + buffer_.size());
    std::memcpy(buffer_.data() + start, &head, sizeof(head));
}

std::uint64_t AuditWriter::place_of(const Entry& entry, std::string_view text, std::uint64_t next) {
    body_.assign(text_of(entry.key()));
    body_ += text;
    const auto [known, is_new] = places_.try_emplace(body_, next);
    if (is_new) buffer_.insert(buffer_.end(), body_.begin(), body_.end());
    return known->second;
}

void AuditWriter::written() noexcept {
    file_size_ += buffer_.size();
    buffer_.clear();
}

bool AuditFile::next(AuditRecord& record) {
    const std::string_view all = text_of(file_.bytes());
    if (all.size() - offset_ < sizeof(AuditHead)) return false;
    std::memcpy(&record.head, all.data() + offset_, sizeof(AuditHead));
    const std::size_t body = offset_ + sizeof(AuditHead);
    const std::uint64_t place = record.head.place;
    const std::size_t size = std::size_t{record.head.key_size} + record.head.text_size;
    if (place > body || all.size() - place < size) return false;
    record.key = all.substr(place, record.head.key_size);
    record.text = all.substr(place + record.head.key_size, record.head.text_size);
    offset_ = place == body ? body + size : body;
    return true;
}

}  // namespace shmq::tools
