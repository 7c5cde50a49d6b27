# What cmake --install puts down: headers, library, packages for find_package(shmq) and pkg-config, tools, licence.
include(CMakePackageConfigHelpers)
