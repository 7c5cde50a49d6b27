# What cmake --install puts down: headers, library, packages for find_package(shmq) and pkg-config, tools with their manual
# pages and completions, licence.
# Everything is found from where it lies, so that an installed tree may be moved.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/shmq)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/shmq DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS shmq_library EXPORT shmq
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(tool shmq_tool shmq_inspect)
    if(TARGET ${tool})
        install(TARGETS ${tool} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
        if(BUILD_SHARED_LIBS)
            file(RELATIVE_PATH library_from_tool ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
            set_target_properties(${tool} PROPERTIES INSTALL_RPATH "$ORIGIN/${library_from_tool}")
        endif()
    endif()
endforeach()
if(SHMQ_ABOUT_FOLDER)
    foreach(tool shmq shmq-inspect)
        install(FILES ${SHMQ_ABOUT_FOLDER}/${tool}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
        install(FILES ${SHMQ_ABOUT_FOLDER}/${tool} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
        install(FILES ${SHMQ_ABOUT_FOLDER}/_${tool} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
        install(FILES ${SHMQ_ABOUT_FOLDER}/${tool}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
    endforeach()
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(EXPORT shmq NAMESPACE shmq:: FILE shmqTargets.cmake DESTINATION ${package_folder})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/shmqConfig.cmake.in ${PROJECT_BINARY_DIR}/cmake/shmqConfig.cmake
                              INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
# Below 1.0 a new minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/shmqConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/shmqConfig.cmake ${PROJECT_BINARY_DIR}/cmake/shmqConfigVersion.cmake
        DESTINATION ${package_folder})

file(RELATIVE_PATH prefix_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/shmq.pc.in ${PROJECT_BINARY_DIR}/cmake/shmq.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/shmq.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
