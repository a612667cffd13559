#include "engine/answer_queue.h"

#include <algorithm>

namespace foreword::engine {
namespace {

/// Answers that run at once; more wait.
constexpr int kMostOpen = 4;

int most_open(const AnswerWriter& answer) { return answer.waits_for_room() ? 1 : answer.request().for_others ? kMostOpen - 1 : kMostOpen; }

/// The larger, the sooner it gives way.
int patience(const AnswerWriter& answer) { return answer.request().background ? 2 : answer.request().for_others ? 1 : 0; }

}  // namespace

void open_answers(std::list<AnswerWriter>& answers, PrefixKeeper* keeper, Drafting* drafting, bool beside_suggestion) {
  if (answers.empty()) return;
  for (AnswerWriter& answer : answers) {
    if (answer.has_lost_its_beginning()) answer.close();
  }
  auto n_open = std::ranges::count_if(answers, &AnswerWriter::is_open) + (beside_suggestion ? 1 : 0);
  for (AnswerWriter& answer : answers) {
    if (answer.is_open() || n_open >= most_open(answer)) continue;
    answer.open(keeper);
    ++n_open;
  }
  const auto first = std::ranges::find_if(answers, [](const AnswerWriter& answer) { return answer.need().roots > 0 && !answer.request().background; });
  const AnswerWriter& drafted = first != answers.end() ? *first : answers.front();
  for (AnswerWriter& answer : answers) answer.draft_with(&answer == &drafted ? drafting : nullptr);
}

AnswerWriter* to_send_away(std::list<AnswerWriter>& answers) {
  AnswerWriter* last = nullptr;
  for (AnswerWriter& answer : answers) {
    if (answer.is_open() && (last == nullptr || patience(answer) >= patience(*last))) last = &answer;
  }
  return last;
}

}  // namespace foreword::engine
