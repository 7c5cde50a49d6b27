# shmq_flags: what every target of this project is compiled with. Never exported.
add_library(shmq_flags INTERFACE)
target_compile_features(shmq_flags INTERFACE cxx_std_20)
target_compile_options(shmq_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align
                       -Wcast-qual -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wformat=2 -Wimplicit-fallthrough
 -Wundef -Wunused)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(shmq_flags INTERFACE -Wlogical-op -Wduplicated-cond -Wuseless-cast)
    # g++ 12 sees overlaps in std::string where there are none (its bug 105651).
    target_compile_options(shmq_flags INTERFACE -Wno-restrict)
endif()
if(SHMQ_WARNINGS_AS_ERRORS)
    target_compile_options(shmq_flags INTERFACE -Werror)
endif()

if(SHMQ_SANITIZE)
    target_compile_options(shmq_flags INTERFACE -fsanitize=${SHMQ_SANITIZE} -fno-sanitize-recover=all
                           -fno-omit-frame-pointer)
    target_link_options(shmq_flags INTERFACE -fsanitize=${SHMQ_SANITIZE})
    if(SHMQ_SANITIZE MATCHES "thread")
        target_compile_definitions(shmq_flags INTERFACE SHMQ_THREAD_SANITIZER)
    endif()
    if(SHMQ_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # g++ says that ThreadSanitizer does not see fences; those that the protocol needs stand beside atomic accesses.
        target_compile_options(shmq_flags INTERFACE -Wno-tsan)
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # The checks that the sanitizers insert make g++ 12 see uses that are not there.
        target_compile_options(shmq_flags INTERFACE -Wno-maybe-uninitialized -Wno-null-dereference)
    endif()
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(BUILD_SHARED_LIBS)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()
