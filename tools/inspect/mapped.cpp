// See mapped.hpp.
#include "tools/inspect/mapped.hpp"

#include "os/file.hpp"

namespace shmq::inspect {

Result<Mapped> map_segment(const std::string& name) {
    Result<std::string> path = os::segment_path(name);
    if (!path) return path.error();
    Result<os::Descriptor> file = os::open_segment(*path, false);
    if (!file) return file.error();
    Result<std::uint64_t> size = os::file_size(*file);
    if (!size) return size.error();
    if (*size == 0) return Error(Code::corrupt, 0);
    Result<os::Mapping> mapping = os::Mapping::map(*file, *size, false);
    if (!mapping) return mapping.error();
    Result<Geometry> geometry = check_header(mapping->data(), *size);
    if (!geometry) return geometry.error();
    Mapped mapped{std::move(*mapping), {}};
    mapped.segment = Segment(mapped.mapping.data(), *geometry);
    return mapped;
}

}  // namespace shmq::inspect
