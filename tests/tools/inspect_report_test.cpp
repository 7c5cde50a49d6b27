// The page of plots, as a real browser shows it.
#include "inspect_support.hpp"

namespace shmq::inspect_test {
namespace {

/// What a browser makes of a page: its elements after its scripts ran, what the scripts complained about, a picture.
struct Shown {
    std::string elements;
    std::string complaints;
    std::string picture;  // a PNG file
};
Shown show_in_browser(const Folder& folder, const std::string& page) {
    const std::string picture = folder.file("out/picture.png");
    // Its profile is no matter for /dev/shm, which may be small.
    const auto browse = [&](const std::string& what) {
        return folder.shell(
            "profile=$(mktemp -d); chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage "
            "--user-data-dir=$profile --window-size=1100,2400 --enable-logging=stderr " +
            what + " file://" + page + "; code=$?; rm -rf $profile; exit $code");
    };
    Shown shown;
    const Outcome dumped = browse("--dump-dom");
    EXPECT_EQ(dumped.code, 0) << dumped.error;
    shown.elements = dumped.out;
    std::istringstream lines(dumped.error);
    for (std::string line; std::getline(lines, line);)
        if (line.find("CONSOLE") != std::string::npos) shown.complaints += line + "\n";
    EXPECT_EQ(browse("--screenshot=" + picture).code, 0);
    shown.picture = read_whole(picture);
    return shown;
}

TEST(InspectReport, is_one_page_that_a_browser_shows_without_a_complaint) {
    const Folder folder;
    folder.shmq({"create", "jobs", "--time", "precise"});
    folder.shmq({"group", "create", "jobs", "workers", "--histograms"});
    folder.add_numbers("jobs", 200);
    EXPECT_EQ(folder.shell("shmq read jobs --group workers --count 150 >/dev/null").code, 0);
    const Holder holder(folder, "jobs", "workers", "worker", 50);
    const std::string page = folder.file("out/report.html");
    const Outcome made = folder.inspect({"report", "jobs", "--html", page, "--over", "500ms"});
    ASSERT_EQ(made.code, 0) << made.error;
    EXPECT_EQ(read_whole(page).find("http"), read_whole(page).find("http://www.w3.org/2000/svg")) << "only a name";

    const Shown shown = show_in_browser(folder, page);
    EXPECT_EQ(shown.complaints, "");
    for (const std::string& words :
         Words{"<h1 id=\"name\">jobs</h1>", "<h2>What is odd</h2>", "<h2>Rate</h2>", "<h2>Lag</h2>", "given to workers",
               "How long entries of workers waited", "add to delivery: 200, p50 ", "delivery to ack: 150, p50 ",
               "<h2>Chunks</h2>", "chunk 255: free", "<td>payload</td>", std::to_string(holder.pid())})
        EXPECT_NE(shown.elements.find(words), std::string::npos) << words;
    EXPECT_EQ(shown.picture.substr(1, 3), "PNG");
    EXPECT_GT(shown.picture.size(), 20'000u) << "an empty page is smaller";
}

TEST(InspectReport, texts_of_a_segment_do_not_become_a_part_of_the_page) {
    const Folder folder;
    const std::string path = folder.file("</script><script>alert(1)");
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    folder.shmq({"create", path, "--slots", "64", "--payload", "1MiB"});
    const std::string page = folder.file("out/report.html");
    EXPECT_EQ(folder.inspect({"report", path, "--html", page, "--over", "10ms"}).code, 0);
    EXPECT_EQ(read_whole(page).find("<script>alert"), std::string::npos);
    EXPECT_NE(show_in_browser(folder, page).elements.find("&lt;/script&gt;&lt;script&gt;alert(1)</h1>"),
              std::string::npos);
}

TEST(InspectReport, needs_a_place_and_a_stream) {
    const Folder folder;
    EXPECT_EQ(folder.inspect({"report", "jobs"}).code, 64);
    EXPECT_EQ(folder.inspect({"report", "jobs", "--html", folder.file("out/page")}).code, 66);
    EXPECT_FALSE(std::filesystem::exists(folder.file("out/page")));
}

}  // namespace
}  // namespace shmq::inspect_test
