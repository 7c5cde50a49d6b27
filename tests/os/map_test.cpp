// Mappings: shared with all, given to no forked child, and holding no descriptor.
#include "os/map.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include "os/scratch.hpp"

namespace shmq::os::test {
namespace {

constexpr std::uint64_t size = 3 * 4096;

class Map : public ::testing::Test {
protected:
    [[nodiscard]] Mapping map(bool writable = true) const {
        return Mapping::map(open_segment(scratch_.path("s"), writable).value(), size, writable).value();
    }
    Scratch scratch_;
    Descriptor file_ = make_file(scratch_.path("s"), size);
};

/// Whether something is mapped at `address`.
bool mapped(const void* address) {
    unsigned char there = 0;
    return ::mincore(const_cast<void*>(address), 1, &there) == 0;
}

TEST_F(Map, shows_the_same_bytes_in_all_mappings) {
    const Mapping writer = map();
    const Mapping reader = map(false);
    ASSERT_NE(writer.data(), reader.data());
    EXPECT_EQ(writer.size(), size);
    EXPECT_TRUE(writer.writable());
    EXPECT_FALSE(reader.writable());
    writer.data()[size - 1] = std::byte{42};
    EXPECT_EQ(reader.data()[size - 1], std::byte{42});
    EXPECT_EQ(in_child([&] { return static_cast<int>(map(false).data()[size - 1]); }), 42);
}

TEST_F(Map, holds_no_descriptor) {
    const std::size_t before = open_descriptors();
    const Mapping mapping = map();
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Map, ends_with_its_last_owner) {
    const std::byte* address = nullptr;
    {
        Mapping first = map();
        address = first.data();
        Mapping second(std::move(first));
        EXPECT_FALSE(first);
        EXPECT_EQ(second.data(), address);
        first = std::move(second);
        EXPECT_TRUE(mapped(address));
        const std::byte* const replaced = first.data();
        first = map();
        EXPECT_FALSE(mapped(replaced));
        address = first.data();
    }
    EXPECT_FALSE(mapped(address));
}

TEST_F(Map, refuses_more_than_the_file_has) {
    for (const std::uint64_t wrong : {std::uint64_t{0}, size + 1, ~std::uint64_t{0}}) {
        const Result<Mapping> mapping = Mapping::map(file_, wrong, true);
        ASSERT_FALSE(mapping);
        EXPECT_EQ(mapping.error().code(), Code::corrupt);
        EXPECT_EQ(mapping.error().number(), size);
    }
}

TEST_F(Map, refuses_writing_through_a_descriptor_for_reading) {
    const Result<Mapping> mapping = Mapping::map(open_segment(scratch_.path("s"), false).value(), size, true);
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().code(), Code::not_allowed);
    EXPECT_EQ(mapping.error().number(), static_cast<std::uint64_t>(EACCES));
    EXPECT_EQ(Mapping::map(Descriptor(), size, true).error().number(), static_cast<std::uint64_t>(EBADF));
}

TEST_F(Map, of_one_for_reading_can_not_be_written) {
    // The kernel is asked to write there: the same check as for a store, with an errno in place of a signal.
    const Mapping mapping = map(false);
    const Descriptor zeros(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::read(zeros.get(), mapping.data(), 1), -1);
    EXPECT_EQ(errno, EFAULT);
    EXPECT_EQ(::read(zeros.get(), map(true).data(), 1), 1);
    EXPECT_EQ(mapping.data()[0], std::byte{0});
}

TEST_F(Map, is_not_there_in_a_forked_child) {
    const Mapping mapping = map();
    EXPECT_EQ(in_child([&] { return mapped(mapping.data()) ? 1 : 0; }), 0);
    EXPECT_TRUE(mapped(mapping.data()));
}

TEST_F(Map, abandoned_unmaps_nothing) {
    Mapping mapping = map();
    std::byte* const address = mapping.data();
    EXPECT_EQ(in_child([&] {
                  // Something else stands where the parent's pages were.
                  void* const other = ::mmap(address, size, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
                  if (other != address) return 1;
                  mapping.abandon();
                  if (mapping || mapping.size() != 0) return 2;
                  mapping = Mapping();
                  return mapped(address) ? 0 : 3;
              }),
              0);
    EXPECT_TRUE(mapping);
    Mapping forgotten = map();
    std::byte* const left = forgotten.data();
    forgotten.abandon();
    { const Mapping ended(std::move(forgotten)); }
    EXPECT_TRUE(mapped(left));
    ::munmap(left, size);
}

TEST(Flush, writes_a_file_on_a_disk) {
    const Scratch scratch("/tmp");
    const Descriptor file = make_file(scratch.path("s"), size);
    const Result<Mapping> mapping = Mapping::map(file, size, true);
    ASSERT_TRUE(mapping);
    mapping->data()[7] = std::byte{9};
    EXPECT_TRUE(flush(*mapping));
    char byte = 0;
    EXPECT_EQ(::pread(file.get(), &byte, 1, 7), 1);
    EXPECT_EQ(byte, 9);
    EXPECT_EQ(flush(Mapping()).error().code(), Code::closed);
}

}  // namespace
}  // namespace shmq::os::test
