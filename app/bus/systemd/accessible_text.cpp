// How texts of the window are read: what the user writes, and messages. Nothing is written by this way.

#include <algorithm>
#include <string>

#include "app/bus/reading.h"
#include "app/bus/systemd/accessible_objects.h"

namespace foreword::app {
namespace {

using Asked = AccessibleObjects::Asked;
using ReadUnit = Range (*)(std::string_view text, std::size_t byte, TextUnit unit);
using FindUnit = TextUnit (*)(std::uint32_t number);

const std::string& text_of(const Asked& asked) { return *asked.node->text; }
int character_of(const Asked& asked, std::size_t byte) { return n_characters(text_of(asked), byte); }

int append_part(const Asked& asked, sd_bus_message* reply, Range part) {
  return sd_bus_message_append(reply, "sii", text_of(asked).substr(part.begin, part.end - part.begin).c_str(), character_of(asked, part.begin), character_of(asked, part.end));
}

int count(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", character_of(asked, text_of(asked).size())); }
int caret(const Asked& asked, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", character_of(asked, asked.node->caret)); }

/// An end before the beginning is the text's.
int text(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  int from = 0, to = -1;
  if (const int read = sd_bus_message_read(call, "ii", &from, &to); read < 0) return read;
  const std::string& all = text_of(asked);
  const std::size_t begin = byte_of(all, from), end = to < 0 ? all.size() : std::max(byte_of(all, to), begin);
  return sd_bus_message_append(reply, "s", all.substr(begin, end - begin).c_str());
}

template <ReadUnit kRead, FindUnit kFind>
int part(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  int at = 0;
  std::uint32_t unit = 0;
  if (const int read = sd_bus_message_read(call, "iu", &at, &unit); read < 0) return read;
  return append_part(asked, reply, kRead(text_of(asked), byte_of(text_of(asked), at), kFind(unit)));
}

int character(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  int at = -1;
  if (const int read = sd_bus_message_read(call, "i", &at); read < 0) return read;
  return sd_bus_message_append(reply, "i", at < 0 ? 0 : character_at(text_of(asked), byte_of(text_of(asked), at)));
}

int n_selections(const Asked& asked, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", asked.node->selection.empty() ? 0 : 1); }

int selection(const Asked& asked, sd_bus_message* call, sd_bus_message* reply) {
  int number = -1;
  if (const int read = sd_bus_message_read(call, "i", &number); read < 0) return read;
  const Range selected = number == 0 ? asked.node->selection : Range{};
  return sd_bus_message_append(reply, "ii", character_of(asked, selected.begin), character_of(asked, selected.end));
}

int refused(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "b", 0); }
int no_attribute(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "s", ""); }
int no_attributes(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "a{ss}", 0); }

/// The whole text looks the same.
int same_attributes(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  return sd_bus_message_append(reply, "a{ss}ii", 0, 0, character_of(asked, text_of(asked).size()));
}

/// Where single letters stand is not told: the whole text's place is.
int extents(const Asked& asked, sd_bus_message*, sd_bus_message* reply) {
  const AccessibleBox& box = asked.node->box;
  return sd_bus_message_append(reply, "iiii", box.left, box.top, box.width, box.height);
}

int no_offset(const Asked&, sd_bus_message*, sd_bus_message* reply) { return sd_bus_message_append(reply, "i", -1); }

}  // namespace

extern const sd_bus_vtable kTextRows[] = {
    SD_BUS_VTABLE_START(SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_PROPERTY("CharacterCount", "i", property<count>, 0, 0),
    SD_BUS_PROPERTY("CaretOffset", "i", property<caret>, 0, 0),
    SD_BUS_METHOD("GetText", "ii", "s", answer<text>, 0),
    SD_BUS_METHOD("GetStringAtOffset", "iu", "sii", (answer<part<unit_at, unit_of_granularity>>), 0),
    SD_BUS_METHOD("GetTextAtOffset", "iu", "sii", (answer<part<unit_at, unit_of_boundary>>), 0),
    SD_BUS_METHOD("GetTextBeforeOffset", "iu", "sii", (answer<part<unit_before, unit_of_boundary>>), 0),
    SD_BUS_METHOD("GetTextAfterOffset", "iu", "sii", (answer<part<unit_after, unit_of_boundary>>), 0),
    SD_BUS_METHOD("GetCharacterAtOffset", "i", "i", answer<character>, 0),
    SD_BUS_METHOD("GetNSelections", "", "i", answer<n_selections>, 0),
    SD_BUS_METHOD("GetSelection", "i", "ii", answer<selection>, 0),
    SD_BUS_METHOD("AddSelection", "ii", "b", answer<refused>, 0),
    SD_BUS_METHOD("RemoveSelection", "i", "b", answer<refused>, 0),
    SD_BUS_METHOD("SetSelection", "iii", "b", answer<refused>, 0),
    SD_BUS_METHOD("SetCaretOffset", "i", "b", answer<refused>, 0),
    SD_BUS_METHOD("GetAttributeValue", "is", "s", answer<no_attribute>, 0),
    SD_BUS_METHOD("GetAttributes", "i", "a{ss}ii", answer<same_attributes>, 0),
    SD_BUS_METHOD("GetAttributeRun", "ib", "a{ss}ii", answer<same_attributes>, 0),
    SD_BUS_METHOD("GetDefaultAttributes", "", "a{ss}", answer<no_attributes>, 0),
    SD_BUS_METHOD("GetDefaultAttributeSet", "", "a{ss}", answer<no_attributes>, 0),
    SD_BUS_METHOD("GetCharacterExtents", "iu", "iiii", answer<extents>, 0),
    SD_BUS_METHOD("GetRangeExtents", "iiu", "iiii", answer<extents>, 0),
    SD_BUS_METHOD("GetOffsetAtPoint", "iiu", "i", answer<no_offset>, 0),
    SD_BUS_VTABLE_END,
};

}  // namespace foreword::app
