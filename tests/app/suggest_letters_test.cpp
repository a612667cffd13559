#include "app/suggest_letters.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

using ui::autocomplete::DraftsEvent;
using ui::autocomplete::Letter;
using ui::autocomplete::Reason;

Letter letter(Letter::Kind kind, std::vector<ui::autocomplete::DraftId> drafts = {}) {
  Letter letter;
  letter.kind = kind;
  letter.request = 7;
  letter.before = "How d";
  letter.drafts = std::move(drafts);
  letter.limits = {3, 24, 800, -1.5};
  return letter;
}

TEST(SuggestLetters, ANewJobIsASuggest) {
  const SuggestContext context{std::vector<engine::ChatMessage>{{engine::Role::user, "Hello", {}}, {engine::Role::assistant, "Hi", {}}}, 1000, 4};
  for (const auto kind : {Letter::Kind::suggest, Letter::Kind::extend}) {
    const auto command = SuggestLetters().command_of(letter(kind), context);
    ASSERT_TRUE(command);
    const auto& suggest = std::get<engine::Suggest>(*command);
    EXPECT_EQ(suggest.id, 7U);
    EXPECT_EQ(suggest.before, "How d");
    EXPECT_EQ(std::get<std::vector<engine::ChatMessage>>(suggest.context).size(), 2U);
    EXPECT_EQ(suggest.most_context, 1000);
    EXPECT_EQ(suggest.chat, 4);
    EXPECT_EQ(suggest.limits.count, 3);
    EXPECT_EQ(suggest.limits.max_tokens, 24);
    EXPECT_DOUBLE_EQ(suggest.limits.least_mean_log_prob, -1.5);
    EXPECT_DOUBLE_EQ(suggest.seconds, 0.8);
  }
}

TEST(SuggestLetters, AQuestionWithoutAnAnswerIsPartOfTheTurn) {
  const SuggestContext context{std::vector<engine::ChatMessage>{{engine::Role::user, "Hello", {}}}};
  const auto suggest = std::get<engine::Suggest>(*SuggestLetters().command_of(letter(Letter::Kind::suggest), context));
  EXPECT_TRUE(std::get<std::vector<engine::ChatMessage>>(suggest.context).empty());
  EXPECT_EQ(suggest.before, "Hello\n\nHow d");
}

TEST(SuggestLetters, AdvisorsThatFollowEachOtherDiffer) {
  SuggestLetters second(100);
  EXPECT_EQ(std::get<engine::Suggest>(*second.command_of(letter(Letter::Kind::suggest), {})).id, 107U);
  EXPECT_EQ(std::get<engine::AdjustDrafts>(*second.command_of(letter(Letter::Kind::advance, {1}), {})).id, 107U);
  EXPECT_EQ(std::get<engine::CancelSuggest>(*second.command_of(letter(Letter::Kind::cancel), {})).id, 107U);
  engine::Drafts drafts;
  drafts.id = 107;
  EXPECT_EQ(second.event_of(drafts).request, 7U);
}

TEST(SuggestLetters, AJobThatGoesOnIsAdjusted) {
  const auto extended = std::get<engine::AdjustDrafts>(*SuggestLetters().command_of(letter(Letter::Kind::extend, {0, 2}), {}));
  EXPECT_EQ(extended.id, 7U);
  EXPECT_EQ(extended.ids, (std::vector<std::int32_t>{0, 2}));
  EXPECT_EQ(extended.max_tokens, 24);
  const auto advanced = std::get<engine::AdjustDrafts>(*SuggestLetters().command_of(letter(Letter::Kind::advance, {1}), {}));
  EXPECT_EQ(advanced.ids, (std::vector<std::int32_t>{1}));
  EXPECT_EQ(advanced.max_tokens, 0) << "as they were";
  EXPECT_FALSE(SuggestLetters().command_of(letter(Letter::Kind::advance), {})) << "none named: none given up";
  EXPECT_EQ(std::get<engine::CancelSuggest>(*SuggestLetters().command_of(letter(Letter::Kind::cancel), {})).id, 7U);
}

engine::Draft draft(std::int32_t id, std::string text, engine::DraftEnd end, std::size_t n_tokens) {
  engine::Draft draft;
  draft.id = id;
  draft.text = std::move(text);
  draft.score = -0.5;
  draft.end = end;
  draft.ids.resize(n_tokens);
  return draft;
}

TEST(SuggestLetters, AnEventSaysWhatIsNewSinceTheLast) {
  SuggestLetters letters;
  engine::Drafts drafts;
  drafts.id = 7;
  drafts.decoded_tokens = 9;
  drafts.drafts = {draft(2, "o you", engine::DraftEnd::running, 3), draft(0, "oes", engine::DraftEnd::length, 2),
                   draft(1, "on't.", engine::DraftEnd::sentence, 2)};
  DraftsEvent event = letters.event_of(drafts);
  EXPECT_EQ(event.request, 7U);
  EXPECT_FALSE(event.finished);
  EXPECT_EQ(event.tokens_decoded, 9U);
  EXPECT_EQ(event.tokens_dropped, 0U);
  ASSERT_EQ(event.drafts.size(), 3U);
  EXPECT_EQ(event.drafts[0].id, 2U);
  EXPECT_EQ(event.drafts[0].text, "o you");
  EXPECT_DOUBLE_EQ(event.drafts[0].mean_log_prob, -0.5);
  EXPECT_FALSE(event.drafts[0].ended);
  EXPECT_FALSE(event.drafts[1].ended) << "it can go on";
  EXPECT_TRUE(event.drafts[2].ended);

  drafts.decoded_tokens = 12;
  drafts.reason = engine::SuggestReason::done;
  event = letters.event_of(drafts);
  EXPECT_TRUE(event.finished);
  EXPECT_EQ(event.reason, Reason::none);
  EXPECT_EQ(event.tokens_decoded, 3U);
  EXPECT_EQ(event.tokens_dropped, 5U) << "12 less the 7 of the drafts";
  event = letters.event_of(drafts);
  EXPECT_EQ(event.tokens_decoded + event.tokens_dropped, 0U) << "nothing is counted twice";
  drafts.id = 8;
  EXPECT_EQ(letters.event_of(drafts).tokens_decoded, 12U) << "another job";
}

TEST(SuggestLetters, AnEventWithoutDraftsSaysWhy) {
  const auto reason_of = [](engine::SuggestReason reason) {
    engine::Drafts drafts;
    drafts.reason = reason;
    return SuggestLetters().event_of(drafts).reason;
  };
  EXPECT_EQ(reason_of(engine::SuggestReason::done), Reason::low_confidence);
  EXPECT_EQ(reason_of(engine::SuggestReason::busy), Reason::busy);
  EXPECT_EQ(reason_of(engine::SuggestReason::cancelled), Reason::none);
  EXPECT_EQ(reason_of(engine::SuggestReason::failed), Reason::none);
}

}  // namespace
}  // namespace foreword::app
