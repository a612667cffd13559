#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>

#include "app/command.h"
#include "app/download/ledger.h"
#include "app/paths.h"
#include "app/report.h"
#include "app/terminal.h"

namespace foreword::app {
namespace {

std::string time_text(std::int64_t at_ms, const char* format, std::tm* (*parts_of)(const std::time_t*, std::tm*)) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  std::tm parts{};
  std::array<char, 32> text{};
  if (parts_of(&seconds, &parts) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

std::string bytes_text(std::int64_t bytes) {
  std::array<char, 32> text{};
  const bool small = bytes < 1'000'000;
  std::snprintf(text.data(), text.size(), small ? "%.1f kB" : "%.1f MB", static_cast<double>(bytes) / (small ? 1e3 : 1e6));
  return text.data();
}

void print_row(const CommonOptions& common, const Asked& asked) {
  if (!common.json) {
    const std::string left = time_text(asked.at_ms, "%Y-%m-%d %H:%M:%S", localtime_r) + "  " + asked.host + "  " + asked.purpose;
    return print_text(stdout, left + "  " + bytes_text(asked.received) + ", " + outcome_words(asked) + "\n");
  }
  Report report;
  report.set("time", time_text(asked.at_ms, "%Y-%m-%dT%H:%M:%SZ", gmtime_r)).set("host", asked.host).set("purpose", asked.purpose).set("received_bytes", asked.received);
  asked.sent < 0 ? report.set_null("sent_bytes") : report.set("sent_bytes", asked.sent);
  asked.status == 0 ? report.set_null("status") : report.set("status", asked.status);
  asked.ended ? report.set("end", name_of(asked.end)) : report.set_null("end");
  report.print();
}

/// A request a line, the newest first.
int run(const CommonOptions& common, bool clear) {
  const Ledger ledger(find_paths(common.data_dir).network());
  if (clear) {
    const auto cleared = ledger.clear();
    return cleared ? kOk : fail(cleared.error());
  }
  const Ledger::Page page = ledger.read();
  for (const Asked& asked : page.rows) print_row(common, asked);
  if (!page.problem.empty()) return fail({ErrorCode::io, page.problem});
  if (page.rows.empty() && !common.json) print_text(stderr, "Nothing was asked of the internet so far.\n");
  return kOk;
}

}  // namespace

std::function<int()> add_network(CLI::App& app, const CommonOptions& common) {
  auto clear = std::make_shared<bool>(false);
  app.add_flag("--clear", *clear, "Forget all of it");
  return [&common, clear] { return run(common, *clear); };
}

}  // namespace foreword::app
