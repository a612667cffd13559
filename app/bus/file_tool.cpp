#include "app/bus/file_tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/spawn.h"

namespace foreword::app {
namespace {

constexpr int kLookEach = 100;          // milliseconds: for `stop`
constexpr std::size_t kMostSaid = 8192;  // bytes; a path has no more than 4096

std::string joined(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) text.append(text.empty() ? "" : " ").append(pattern);
  return text;
}

/// What the dialog begins with. An absolute path, so that no name is taken for an option.
std::string start_of(const FileQuestion& question) { return question.folder.empty() ? std::string() : question.folder + "/" + question.name; }

std::vector<std::string> zenity_words(const FileQuestion& question) {
  std::vector<std::string> words{"zenity", "--file-selection", "--title=" + question.title};
  if (question.save) words.insert(words.end(), {"--save", "--confirm-overwrite"});
  if (const std::string start = start_of(question); !start.empty()) words.push_back("--filename=" + start);
  for (const FileFilter& filter : question.filters) words.push_back("--file-filter=" + filter.label + " | " + joined(filter.patterns));
  return words;
}

/// It takes one filter.
std::vector<std::string> kdialog_words(const FileQuestion& question) {
  const std::string start = start_of(question);
  std::vector<std::string> words{"kdialog", "--title", question.title, question.save ? "--getsavefilename" : "--getopenfilename", start.empty() ? "." : start};
  if (!question.filters.empty()) words.push_back(question.filters.front().label + " (" + joined(question.filters.front().patterns) + ")");
  return words;
}

constexpr FileTool kTools[] = {{"zenity", zenity_words}, {"kdialog", kdialog_words}};

/// All that comes, until its end or the stop.
std::string read_all(int from, const std::atomic<bool>& stop) {
  std::string said;
  std::array<char, 1024> piece{};
  while (!stop) {
    pollfd wait{from, POLLIN, 0};
    if (poll(&wait, 1, kLookEach) == 0) continue;
    const ssize_t n = read(from, piece.data(), piece.size());
    if (n <= 0) break;
    if (said.size() < kMostSaid) said.append(piece.data(), static_cast<std::size_t>(n));
  }
  return said;
}

}  // namespace

std::span<const FileTool> file_tools() { return kTools; }

const FileTool* installed_file_tool() {
  const auto tool = std::ranges::find_if(kTools, [](const FileTool& one) { return is_installed(one.program); });
  return tool == std::end(kTools) ? nullptr : tool;
}

FileChoice run_file_tool(const FileTool& tool, const FileQuestion& question, const std::atomic<bool>& stop) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return {};
  const auto child = start_program(tool.words(question), pipe_ends[1]);
  close(pipe_ends[1]);
  std::string path = child ? read_all(pipe_ends[0], stop) : std::string();
  close(pipe_ends[0]);
  if (!child) return {};
  kill(*child, SIGTERM);  // whoever has ended does not hear it; whoever only says no more shall end
  int status = 0;
  waitpid(*child, &status, 0);
  if (path.ends_with('\n')) path.pop_back();
  if (stop || (WIFEXITED(status) && WEXITSTATUS(status) == 1)) return {.end = FileEnd::cancelled};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !path.starts_with('/') || path.size() >= kMostSaid) return {};
  return {FileEnd::chosen, std::move(path)};
}

}  // namespace foreword::app
