// Dialogs of programs that are installed (D79): what they are started with, and what comes of them. The programs are scripts.

#include "app/bus/file_tool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/fixtures.h"

namespace foreword::app {
namespace {

using Words = std::vector<std::string>;
const FileQuestion kOpen{.title = "Open a model", .filters = {{"Models", {"*.gguf", "*.bin"}}, {"All files", {"*"}}}};
const FileQuestion kSave{.save = true, .title = "Save this chat", .name = "-rf.md", .folder = "/home/ada"};

TEST(FileTool, D79AreStartedWithWordsOfTheirOwn) {
  ASSERT_EQ(file_tools().size(), 2U);
  EXPECT_EQ(file_tools()[0].words(kOpen), (Words{"zenity", "--file-selection", "--title=Open a model", "--file-filter=Models | *.gguf *.bin", "--file-filter=All files | *"}));
  EXPECT_EQ(file_tools()[0].words(kSave), (Words{"zenity", "--file-selection", "--title=Save this chat", "--save", "--confirm-overwrite", "--filename=/home/ada/-rf.md"}));
  EXPECT_EQ(file_tools()[1].words(kOpen), (Words{"kdialog", "--title", "Open a model", "--getopenfilename", ".", "Models (*.gguf *.bin)"}));
  EXPECT_EQ(file_tools()[1].words(kSave), (Words{"kdialog", "--title", "Save this chat", "--getsavefilename", "/home/ada/-rf.md"}));
}

/// A program that does what a line of shell says.
class Script {
 public:
  explicit Script(const std::string& line) {
    std::ofstream(file_) << "#!/bin/sh\n" << line << '\n';
    std::filesystem::permissions(file_, std::filesystem::perms::owner_all);
    place = file_.string();
  }
  FileTool tool() const {
    return {"script", [](const FileQuestion&) { return Words{place, "a b"}; }};
  }
  std::filesystem::path folder() const { return folder_.path(); }

 private:
  static inline std::string place;
  test::TempDir folder_;
  std::filesystem::path file_ = folder_.path() / "script";
};

FileChoice run(const std::string& line) {
  const std::atomic<bool> stop{false};
  return run_file_tool(Script(line).tool(), kOpen, stop);
}

TEST(FileTool, WhatTheySayIsAPathOrNothing) {
  const FileChoice chosen = run("echo \"/m/$1 \xe6\xa8\xa1.gguf\"");
  EXPECT_EQ(chosen.end, FileEnd::chosen);
  EXPECT_EQ(chosen.path, "/m/a b \u6a21.gguf");
  EXPECT_EQ(run("printf '/m/a\\n.gguf\\n'").path, "/m/a\n.gguf") << "names may have lines";
  EXPECT_EQ(run("exit 1").end, FileEnd::cancelled);
  EXPECT_EQ(run("echo /m/a; exit 1").end, FileEnd::cancelled);
  for (const char* line : {"exit 255", "exit 0", "echo a.gguf", "kill -9 $$", "exec tail -f /dev/null > /dev/null", "head -c 100000 /dev/zero | tr '\\0' /"}) EXPECT_EQ(run(line).end, FileEnd::unavailable) << line;
  const std::atomic<bool> stop{false};
  EXPECT_EQ(run_file_tool({"none", [](const FileQuestion&) { return Words{"/nowhere/none"}; }}, kOpen, stop).end, FileEnd::unavailable);
}

TEST(FileTool, OneThatIsOpenGoesAwayAtTheEnd) {
  const Script script("exec tail -f /dev/null");
  std::atomic<bool> stop{false};
  FileChoice choice{.end = FileEnd::chosen};
  std::thread asker([&] { choice = run_file_tool(script.tool(), kOpen, stop); });
  stop = true;
  asker.join();
  EXPECT_EQ(choice.end, FileEnd::cancelled);
}

}  // namespace
}  // namespace foreword::app
