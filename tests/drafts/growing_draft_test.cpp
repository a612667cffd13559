#include "engine/autocomplete/growing_draft.h"

#include "tests/drafts/draft_fixture.h"

namespace foreword::engine {
namespace {

class GrowingDraftTest : public DraftTest {
 protected:
  /// The token that stands for these bytes alone.
  TokenId token_of(std::string_view bytes) const {
    TokenId id = 0;
    while (id < tokenizer_->size() && bytes_->of(id) != bytes) ++id;
    EXPECT_LT(id, tokenizer_->size()) << bytes;
    return id;
  }
  GrowingDraft grown(std::span<const std::string_view> pieces) const {
    const DraftGround ground{.tokenizer = &*tokenizer_, .bytes = &*bytes_};
    GrowingDraft draft;
    for (const std::string_view piece : pieces) {
      EXPECT_TRUE(draft.running()) << piece;
      draft.grow(ground, token_of(piece), 0);
    }
    return draft;
  }
};

TEST_F(GrowingDraftTest, EndsAtTheLastWordBeforeWhatIsNoText) {
  struct Case {
    std::vector<std::string_view> pieces;
    DraftEnd end;
    std::string_view text;
  };
  const Case cases[] = {{{" the", " the", "\xA9"}, DraftEnd::unsure, " the"},
                        {{" the", ",", "\xC3", " the"}, DraftEnd::unsure, " the"},
                        {{"\xA9"}, DraftEnd::unsure, ""},
                        {{" the", "\xC3", "\xA9", " the"}, DraftEnd::running, " the\u00E9"},
                        {{" the", " the", "\n"}, DraftEnd::line, " the the"}};
  for (const Case& each : cases) {
    const GrowingDraft draft = grown(each.pieces);
    EXPECT_EQ(draft.draft.end, each.end) << each.text;
    EXPECT_EQ(draft.draft.text, each.text);
  }
}

}  // namespace
}  // namespace foreword::engine
