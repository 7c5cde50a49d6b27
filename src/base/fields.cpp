// The bytes of fields: writing them, and reading them as if anybody had written them. The format stands in fields.hpp.
#include "shmq/fields.hpp"

#include <cstring>

#include "base/error_detail.hpp"
#include "base/field_bytes.hpp"

namespace shmq {

namespace {

constexpr std::size_t longest_number = 5;  // bytes
constexpr std::uint64_t largest_number = 0xffff'ffff;

std::size_t number_size(std::size_t number) noexcept {
    std::size_t size = 1;
    while ((number >>= 7) != 0) ++size;
    return size;
}

std::byte* write_number(std::size_t number, std::byte* to) noexcept {
    for (; number >= 0x80; number >>= 7) *to++ = static_cast<std::byte>(number | 0x80);
    *to++ = static_cast<std::byte>(number);
    return to;
}

std::byte* write_bytes(Bytes bytes, std::byte* to) noexcept {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
}

/// Takes a number off the beginning of `rest`; nullopt, with `rest` as it was, if none stands there.
std::optional<std::size_t> take_number(Bytes& rest) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < rest.size() && i < longest_number; ++i) {
        const auto byte = static_cast<std::uint8_t>(rest[i]);
        number |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80) != 0) continue;
        if ((byte == 0 && i != 0) || number > largest_number) return std::nullopt;  // longer than it needs to be
        rest = rest.subspan(i + 1);
        return number;
    }
    return std::nullopt;
}

}  // namespace

bool Fields::take(Bytes& rest, Field& field) noexcept {
    Bytes after = rest;
    if (after.empty()) return false;
    const auto name_size = static_cast<std::uint8_t>(after[0]);
    if (name_size == 0) return false;
    after = after.subspan(1);
    const auto value_size = take_number(after);
    if (!value_size || after.size() < name_size || after.size() - name_size < *value_size) return false;
    field = Field(text_of(after.first(name_size)), after.subspan(name_size, *value_size));
    rest = after.subspan(name_size + *value_size);
    return true;
}

Result<Fields> Fields::parse(Bytes bytes) noexcept {
    Bytes rest = bytes;
    const auto count = take_number(rest);
    if (count && *count <= max_fields) {
        const Fields fields(rest, *count);
        Field field;
        std::size_t taken = 0;
        while (taken < *count && take(rest, field)) ++taken;
        if (taken == *count && rest.empty()) return fields;
    } else {
        rest = bytes;
    }
    const std::size_t good = bytes.size() - rest.size();
    return text_error(Code::corrupt, good, "these %zu bytes are not fields: what begins at byte %zu is no part of them",
                      bytes.size(), good);
}

std::optional<Bytes> Fields::find(std::string_view name) const noexcept {
    for (const Field& field : *this)
        if (field.name == name) return field.value;
    return std::nullopt;
}

Result<std::size_t> Fields::encoded_size(std::span<const Field> fields) noexcept {
    if (fields.size() > max_fields)
        return text_error(Code::too_large, fields.size(), "%zu fields in one entry: at most %zu", fields.size(),
                          max_fields);
    std::size_t size = number_size(fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const Field& field = fields[i];
        if (field.name.empty() || field.name.size() > max_field_name)
            return text_error(Code::bad_name, i, "field %zu has a name of %zu bytes: 1 to %zu", i, field.name.size(),
                              max_field_name);
        if (field.value.size() > largest_number)
            return text_error(Code::too_large, i, "field %zu has a value of %zu bytes: at most %llu", i,
                              field.value.size(), static_cast<unsigned long long>(largest_number));
        for (std::size_t before = 0; before < i; ++before)
            if (fields[before].name == field.name)
                return text_error(Code::bad_name, i, "fields %zu and %zu have the same name, %.*s", before, i,
                                  static_cast<int>(field.name.size()), field.name.data());
        size += 1 + number_size(field.value.size()) + field.name.size() + field.value.size();
    }
    return size;
}

Result<std::size_t> Fields::encode(std::span<const Field> fields, std::span<std::byte> to) noexcept {
    const auto size = encoded_size(fields);
    if (!size) return size.error();
    if (*size > to.size())
        return text_error(Code::too_large, *size, "fields of %zu bytes do not fit into %zu", *size, to.size());
    write_fields(fields, to.data());
    return *size;
}

std::byte* write_fields(std::span<const Field> fields, std::byte* to) noexcept {
    to = write_number(fields.size(), to);
    for (const Field& field : fields) {
        *to++ = static_cast<std::byte>(field.name.size());
        to = write_number(field.value.size(), to);
        to = write_bytes(bytes_of(field.name), to);
        to = write_bytes(field.value, to);
    }
    return to;
}

}  // namespace shmq
