#include "ui/autocomplete/words.h"

#include <functional>

#include "ui/autocomplete/prose.h"

namespace foreword::ui::autocomplete {

void Words::add(std::string_view text) {
  for (text::Range word = next_word(text, 0); !word.empty(); word = next_word(text, word.end)) {
    hashes_.insert(std::hash<std::string>()(folded(text.substr(word.begin, word.end - word.begin))));
  }
}

bool Words::contains(std::string_view word) const { return hashes_.contains(std::hash<std::string>()(folded(word))); }

}  // namespace foreword::ui::autocomplete
