# Target `tidy`: clang-tidy over the sources, with .clang-tidy. Target `format`: clang-format, in place.
find_program(clang_tidy clang-tidy)
find_program(clang_format clang-format)
mark_as_advanced(clang_tidy clang_format)

if(clang_tidy)
    add_custom_target(tidy COMMAND sh cmake/tidy.sh tidy ${clang_tidy} ${PROJECT_BINARY_DIR}
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM USES_TERMINAL)
endif()
if(clang_format)
    add_custom_target(format COMMAND sh cmake/tidy.sh format ${clang_format}
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM USES_TERMINAL)
endif()
