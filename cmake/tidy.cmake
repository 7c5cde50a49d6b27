# Target `tidy`: clang-tidy over the sources, with .clang-tidy. Target `format`: clang-format, in place.
find_program(clang_tidy clang-tidy)
find_program(clang_format clang-format)
mark_as_advanced(clang_tidy clang_format)

file(GLOB_RECURSE tidy_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cpp ${PROJECT_SOURCE_DIR}/tools/*.cpp)
if(clang_tidy)
    add_custom_target(tidy COMMAND ${clang_tidy} --quiet -p ${PROJECT_BINARY_DIR} ${tidy_sources}
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM USES_TERMINAL)
endif()
if(clang_format)
    file(GLOB_RECURSE format_sources CONFIGURE_DEPENDS
         ${PROJECT_SOURCE_DIR}/include/*.hpp ${PROJECT_SOURCE_DIR}/src/*.[ch]pp ${PROJECT_SOURCE_DIR}/tools/*.[ch]pp
         ${PROJECT_SOURCE_DIR}/tests/*.[ch]pp ${PROJECT_SOURCE_DIR}/bench/*.[ch]pp ${PROJECT_SOURCE_DIR}/examples/*.[ch]pp)
    add_custom_target(format COMMAND ${clang_format} -i ${format_sources}
                      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
endif()
