// Mapping through Boost.Interprocess.
//
// mapped_region takes anything that answers get_mapping_handle() and get_mode(), and asks only while it maps: it keeps
// neither the object nor the descriptor (boost/interprocess/mapped_region.hpp, 1.74: the handle is stored on Windows
// alone). It unmaps in its destructor and has nothing else to free, so forgetting a mapping means freeing its object
// undestroyed.
#include "os/map.hpp"

#include <sys/mman.h>

#include <boost/interprocess/exceptions.hpp>
#include <boost/interprocess/mapped_region.hpp>
#include <cerrno>
#include <new>
#include <utility>

#include "os/refused.hpp"

namespace shmq::os {
namespace {

namespace interprocess = boost::interprocess;

static_assert(sizeof(std::size_t) == sizeof(std::uint64_t), "a segment may be larger than 4 GiB");

/// Shows a descriptor of ours to mapped_region.
struct Mappable {
    int number;
    interprocess::mode_t mode;
    [[nodiscard]] interprocess::mapping_handle_t get_mapping_handle() const noexcept {
        return interprocess::ipcdetail::mapping_handle_from_file_handle(number);
    }
    [[nodiscard]] interprocess::mode_t get_mode() const noexcept { return mode; }
};

}  // namespace

struct Mapping::Region {
    interprocess::mapped_region mapped;
};

Mapping::Mapping(Mapping&& other) noexcept
    : region_(std::exchange(other.region_, nullptr)), data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)), writable_(other.writable_), abandoned_(other.abandoned_) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    if (this == &other) return *this;
    reset();
    region_ = std::exchange(other.region_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    writable_ = other.writable_;
    abandoned_ = other.abandoned_;
    return *this;
}

Mapping::~Mapping() { reset(); }

void Mapping::reset() noexcept {
    if (abandoned_)
        ::operator delete(static_cast<void*>(region_));  // its destructor would unmap
    else
        delete region_;
    region_ = nullptr;
    data_ = nullptr;
    size_ = 0;
    abandoned_ = false;
}

Result<Mapping> Mapping::map(const Descriptor& file, std::uint64_t size, bool writable) {
    const Result<std::uint64_t> file_bytes = file_size(file);
    if (!file_bytes) return file_bytes.error();
    if (size == 0 || size > *file_bytes) return Error(Code::corrupt, *file_bytes);  // a page beyond the end is a SIGBUS
    const interprocess::mode_t mode = writable ? interprocess::read_write : interprocess::read_only;
    Mapping mapping;
    try {
        mapping.region_ = new Region{interprocess::mapped_region(Mappable{file.get(), mode}, mode, 0, size)};
    } catch (const interprocess::interprocess_exception& exception) {
        return refused(exception.get_native_error());
    } catch (const std::bad_alloc&) {
        return refused(ENOMEM);
    }
    mapping.data_ = static_cast<std::byte*>(mapping.region_->mapped.get_address());
    mapping.size_ = size;
    mapping.writable_ = writable;
    if (::madvise(mapping.data_, size, MADV_DONTFORK) != 0) return refused(errno);
    return mapping;
}

void Mapping::abandon() noexcept {
    abandoned_ = true;
    data_ = nullptr;
    size_ = 0;
}

Result<void> flush(const Mapping& mapping) {
    if (!mapping) return Error(Code::closed);
    if (!mapping.region_->mapped.flush(0, mapping.size_, false)) return refused(errno);
    return {};
}

}  // namespace shmq::os
