# Toolchain file: 64-bit ARM by Debian's cross-compiler (g++-aarch64-linux-gnu), its programs run by qemu-user. Headers without
# code of their own (Boost) are the host's: Debian's cross-compiler looks into /usr/include by itself.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
# A library of the host links with nothing here.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
