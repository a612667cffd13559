#include "engine/infill.h"

namespace foreword::engine {

Result<std::vector<TokenId>> encode_infill(const Tokenizer& tokenizer, const Infill& infill) {
  const FillInMiddle& marks = tokenizer.fill_in_middle();
  if (marks.prefix == kNoToken || marks.suffix == kNoToken || marks.middle == kNoToken) {
    return Error{ErrorCode::unsupported, "This model cannot write between two texts: its vocabulary has no marks for it; open one that was trained to fill in the middle."};
  }
  std::vector<TokenId> ids;
  const auto add = [&](const std::string& text) {
    const std::vector<TokenId> tokens = tokenizer.encode(text, {});
    ids.insert(ids.end(), tokens.begin(), tokens.end());
  };
  if (marks.separator != kNoToken && !infill.files.empty()) {
    if (marks.repository != kNoToken) {
      ids.push_back(marks.repository);
      add("project\n");
    }
    for (const Infill::File& file : infill.files) {
      ids.push_back(marks.separator);
      add(file.name + "\n" + file.text);
    }
    ids.push_back(marks.separator);
    add(infill.name + "\n");
  }
  ids.push_back(marks.prefix);
  add(infill.before);
  ids.push_back(marks.suffix);
  add(infill.after);
  ids.push_back(marks.middle);
  return ids;
}

}  // namespace foreword::engine
