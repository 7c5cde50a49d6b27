# Writes pages of docs/ as texts of tools/inspect/documents.hpp: cmake -DFOLDER=docs -DOUTPUT=documents.cpp -P documents.cmake
# A literal may not be longer than 64 KiB by the standard, so each line is one of its own.
set(text "// Made from docs/ by cmake/documents.cmake.\n#include \"tools/inspect/documents.hpp\"\n\nnamespace shmq::inspect {\n")
foreach(page errors inspect)
    file(READ ${FOLDER}/${page}.md lines)
    string(REPLACE "\n" "\\n)_\"\n    R\"_(" lines "${lines}")
    string(REPLACE "\\n)_\"" ")_\" \"\\n\"" lines "${lines}")
    string(APPEND text "\nconst std::string_view ${page}_document =\n    R\"_(${lines})_\";\n")
endforeach()
string(APPEND text "\n}  // namespace shmq::inspect\n")
file(WRITE ${OUTPUT} "${text}")
