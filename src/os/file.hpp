// The segment file: its name, how it is made, opened, listed and removed.
//
// Invariants:
// * A segment gets its name only when all its bytes exist and are initialised: make_unnamed, write, give_name. Of
//   several creators of one name exactly one wins.
// * The room of a new file is allocated at once, so a full file system is an error here and never a SIGBUS later.
// * Nothing but a regular file is ever opened or removed, and the last part of a path is never followed if it is a
// link.
// * No descriptor survives exec, and none is 0, 1 or 2: what a program prints can't land in a segment.
//
// Called by src/log (create, open, remove) and by the tools (list). Any thread may call anything here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shmq/status.hpp"

namespace shmq::os {

/// Owns one file descriptor and closes it in the end. Move-only; one thread at a time.
class Descriptor {
public:
    Descriptor() noexcept = default;
    /// Takes over `number`, an open file descriptor, or -1 for none.
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~Descriptor() { close(); }

    /// The descriptor's number, -1 if there is none. It stays owned.
    [[nodiscard]] int get() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }
    /// Closes it now; nothing to do if there is none. Async-signal-safe; errno stays as it was.
    void close() noexcept;
    /// Gives the number away unclosed.
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

private:
    int number_ = -1;
};

/// Which file it is, whatever its name.
struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    bool operator==(const FileId&) const = default;
};

/// Where the segment of a stream lies: `$SHMQ_DIR/NAME.shmq`, or `/dev/shm/NAME.shmq` without SHMQ_DIR. A name that
/// begins with `/`, `./` or `../` is a path and is taken as it is. Names: 1 to 200 bytes of `[A-Za-z0-9._-]`, no dot or
/// dash first. Errors: bad_name with the size of the name in bytes.
[[nodiscard]] Result<std::string> segment_path(std::string_view name);

/// Whether a group or consumer may be called so: 1 to `longest` bytes of `[A-Za-z0-9._:-]`, no dot or dash first.
[[nodiscard]] bool valid_name(std::string_view name, std::size_t longest) noexcept;

/// A new file of `size` bytes, all allocated and zero, in the folder of `path`, without a name yet, open for reading
/// and writing. `mode`: its permission bits, 0 to 0777, not masked by umask. Nothing is left behind by an error, or if
/// the process dies.
/// On a file system without O_TMPFILE the answer is that of make_hidden.
/// Errors: no_space with `size`; not_allowed with errno; system with errno (ENOENT: there is no such folder).
[[nodiscard]] Result<Descriptor> make_unnamed(const std::string& path, std::uint64_t size, std::uint32_t mode);

/// As make_unnamed, for file systems without O_TMPFILE: the file has a name `.NAME.XXXXXX` beside `path` until
/// give_name or discard takes it away. A creator that dies before leaves it behind, harmless: no call looks at such
/// names.
[[nodiscard]] Result<Descriptor> make_hidden(const std::string& path, std::uint64_t size, std::uint32_t mode);

/// Gives a file of make_unnamed or make_hidden its name; it is visible from now on, whole. An error takes a hidden name
/// away. Errors: exists if the name is taken; not_allowed, no_space (the folder's room), system with errno.
[[nodiscard]] Result<void> give_name(const Descriptor& file, const std::string& path);

/// Takes away the hidden name of a file that was made but will not be given a name; nothing to do for make_unnamed's
/// own. For the creator alone, and never after give_name.
void discard(const Descriptor& file) noexcept;

/// Opens an existing segment file; `writable`: for reading and writing, otherwise for reading alone.
/// Errors: no_stream; bad_name if the path is too long; not_allowed with errno, or for what is no regular file with
/// ELOOP (a link), EISDIR (a folder) or ENXIO (a device, fifo or socket); system with errno.
[[nodiscard]] Result<Descriptor> open_segment(const std::string& path, bool writable);

/// Opens the same file again as a NEW open file description, which shares no lock, no offset and no mode with `file`.
/// Locks need it: the description that holds a lock is never the one that was mapped. `path` is only the way where
/// /proc is missing. Errors: as open_segment; no_stream if another file has the path by now.
[[nodiscard]] Result<Descriptor> reopen(const Descriptor& file, const std::string& path, bool writable);

/// Errors: system with errno.
[[nodiscard]] Result<FileId> identity(const Descriptor& file);
/// Bytes. Errors: system with errno.
[[nodiscard]] Result<std::uint64_t> file_size(const Descriptor& file);
/// Whether the file still has a name; false also when that can't be told.
[[nodiscard]] bool is_linked(const Descriptor& file) noexcept;

/// Takes the name of a segment away; processes that have it open go on. It does not look inside: the caller knows that
/// it is a segment. Errors: no_stream; not_allowed as open_segment; system with errno.
[[nodiscard]] Result<void> remove_file(const std::string& path);

/// The streams in the default folder: regular files NAME.shmq with a valid name, without the `.shmq`, sorted by bytes.
/// Errors: not_allowed, system with errno (ENOENT: there is no such folder).
[[nodiscard]] Result<std::vector<std::string>> list_segments();

/// Bytes that are free for this user in the file system of `path`'s folder, for messages; 0 if that can't be told.
[[nodiscard]] std::uint64_t free_space(const std::string& path);

}  // namespace shmq::os
