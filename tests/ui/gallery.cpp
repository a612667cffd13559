// Draws the window in many states and writes a picture of each: what only eyes can judge.
// usage: ui_gallery FOLDER [light|dark]... (needs a display, Xvfb will do)

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "ui/window.h"

namespace foreword::ui {
namespace {

using State = ViewState;

State base() {
  State s;
  s.chats = {{3, "A walk along the coast", ""}, {2, "Why is the sky blue?", ""}, {4, "日本語の短い手紙を書く", ""},
             {5, "Sorting a million numbers in C++", ""}, {6, "Names for a small bakery 🥐", ""}, {7, "A very long title that will never fit into the list as it is", ""}};
  s.model = {ModelState::ready, "stories260K", -1, ""};
  s.status = {"AMD EPYC 9004 (2 threads)", "", 812.4, 0.03, 148, 2048, 96, 64};
  s.recent_models = {{"/home/ada/models/qwen3-8b-q4_k_m.gguf", "Qwen3 8B Q4_K_M"}, {"/home/ada/models/stories260K.gguf", "stories260K"}};
  return s;
}

State conversation() {
  State s = base();
  s.current_chat = 2;
  s.messages = {
      {1, Author::user, MessageState::complete, "", "Why is the sky blue? Explain it so that a child of ten understands it.", "", 0},
      {2, Author::assistant, MessageState::complete, "Qwen3 8B",
       "Sunlight looks white, but it is a mixture of all the colours of the rainbow. When it enters the air, it bumps into "
       "tiny molecules, far too small to see. Blue light travels in shorter waves than red light, and short waves are thrown "
       "about much more.\n\nSo while red and yellow go almost straight on, blue is scattered in every direction. Wherever you "
       "look, some of this scattered blue comes to your eyes: the whole sky seems to shine with it.\n\nIn the evening the light "
       "takes a longer way through the air. Most of the blue is lost on the way, and what is left is orange and red. 🌅",
       "142 tokens \u00b7 21.4 tokens/s", 0},
      {3, Author::user, MessageState::complete, "", "And how much more is blue scattered? Show it in Python. 日本語でも一言。", "", 0},
      {4, Author::assistant, MessageState::streaming, "Qwen3 8B",
       "The strength grows with the inverse fourth power of the wavelength (Rayleigh, 1871):\n\n```python\ndef ratio(blue=450e-9, red=700e-9):\n"
       "    \"\"\"How many times more blue light is scattered than red.\"\"\"\n    return (red / blue) ** 4\n\nprint(f\"{ratio():.1f}\")  # 5.9\n```\n\n"
       "Blue is scattered about six times as much as red. 空が青いのは、青い光が散らばりやすいからです。 It is the same reason", "", 0}};
  s.generating = true;
  s.status.activity = "Answering";
  return s;
}

State finished() {
  State s = conversation();
  s.messages.back().state = MessageState::stopped;
  s.messages.back().stats = "96 tokens \u00b7 20.9 tokens/s";
  s.generating = false;
  s.status.activity.clear();
  s.notices = {{1, NoticeKind::error, "qwen3-8b.gguf ends early: 3.1 of 4.7 GB are there. Download it again."}};
  return s;
}

/// Pinned chats, versions of messages, a deletion that can be taken back, and the bin.
State versions() {
  State s = finished();
  s.chats[0].pinned = s.chats[1].pinned = true;
  s.chats[2].folder = "Writing/日本";
  s.chats[4].folder = "Writing";
  s.messages[0].sibling = 2;
  s.messages[0].n_siblings = 2;
  s.messages[2].sibling = 1;
  s.messages[2].n_siblings = 3;
  s.messages[3].sibling = 2;
  s.messages[3].n_siblings = 3;
  s.notices = {{1, NoticeKind::info, "The message and what follows it are in the bin.", true}};
  s.bin = {{2, "Why is the sky blue?", "And at night?"}, {1, "Shopping", ""}};
  return s;
}

/// The copies that can be gone back to; with `damaged`, why they are needed.
State copies(bool damaged) {
  State s = versions();
  s.notices.clear();
  s.backups = BackupsView{.reason = damaged ? "The chats are damaged and cannot be opened. The newest good copy stands first; what was written after it is not in it. The damaged file is kept beside the copies." : "",
                          .busy = {},
                          .rows = {{1, "Today, 14:03", "13 chats, 2.4 MB \u00b7 Before a restore"}, {2, "Today, 09:12", "12 chats, 2.1 MB \u00b7 Daily copy"},
                                   {3, "Yesterday, 18:40", "12 chats, 2.1 MB \u00b7 Daily copy"}, {4, "22 November, 11:25", "9 chats, 1.8 MB \u00b7 Daily copy"},
                                   {5, "3 November, 08:01", "4 chats, 340 kB \u00b7 Before an update"}}};
  return s;
}
State backups() { return copies(false); }
State damaged() { return copies(true); }

/// What dropped files hold.
State import() {
  State s = versions();
  s.notices.clear();
  s.import = ImportView{.rows = {{ImportState::fresh, "Why is the sky blue?", "38 messages, 24 November, 18:03"}, {ImportState::fresh, "日本語の短い手紙を書く", "4 messages, Yesterday, 09:12"},
                                 {ImportState::known, "A walk along the coast", "Is here already, and stays as it is here"},
                                 {ImportState::unreadable, "conversations.json", "The chat cannot be read: messages[3].content is no text."}},
                        .busy = {}};
  return s;
}

State hidden() {
  State s = base();
  s.private_chat = true;
  return s;
}

State empty() {
  State s;
  return s;
}

State ready() {
  State s = base();
  s.draft = "Draft with e\u0301, 👩‍👩‍👧, 🇯🇵 and العربية\nand a second line";
  s.current_chat = 9;
  return s;
}

/// Scripts: Arabic and Hebrew from the right, Chinese, Japanese, Devanagari, Thai, emoji.
State scripts() {
  State s = base();
  s.current_chat = 4;
  s.chats[0].title = "رسالة قصيرة إلى صديق";
  s.messages = {
      {1, Author::user, MessageState::complete, "", "اكتب جملة قصيرة عن البحر، ثم اشرح كلمة SQL بالعربية.", "", 0},
      {2, Author::assistant, MessageState::complete, "Qwen3 8B",
       "البحر واسع وهادئ عند الغروب، وتلمع مياهه بألوان الذهب والنحاس حين تميل الشمس نحو الأفق البعيد.\n\n"
       "كلمة SQL تعني Structured Query Language وهي لغة للاستعلام عن البيانات، ظهرت عام 1974 (قبل 50 سنة).\n\n"
       "שלום עולם: המחשב הזה מריץ את המודל בעצמו, בלי רשת.",
       "96 tokens \u00b7 20.1 tokens/s", 0},
      {3, Author::user, MessageState::complete, "", "用中文写一小段关于秋天的文字。👩‍👩‍👧 🇯🇵 👍🏽", "", 0},
      {4, Author::assistant, MessageState::complete, "Qwen3 8B",
       "秋天来了，山上的树叶慢慢变成金黄色。清晨的空气里带着一点凉意，湖面上飘着薄薄的雾。人们换上厚一点的衣服，坐在窗边喝一杯热茶，"
       "听风吹过屋檐的声音。\n\n空は高く、風は涼しい。 शरद ऋतु में आकाश साफ़ रहता है। ฤดูใบไม้ร่วงอากาศเย็นสบาย 🍂🍁🍵",
       "142 tokens \u00b7 21.4 tokens/s", 0}};
  s.draft = "مرحبا Foreword، كيف الحال؟\nsecond line";
  return s;
}

MessageRow answer(std::int64_t id, std::string text) {
  MessageRow row;
  row.id = id;
  row.author = Author::assistant;
  row.name = "Qwen3 8B";
  row.text = std::move(text);
  row.stats = "318 tokens \u00b7 21.4 tokens/s";
  return row;
}

/// Headings, marks within lines, links, lists.
State prose() {
  State s = base();
  s.current_chat = 3;
  s.messages = {
      answer(1, "# A walk along the coast\n\nThe path is **four kilometres** long, *mostly flat*, and open all year; the old name was ~~Gull Road~~. "
                "See the [map of the coast](https://example.org/map) or https://example.org for `tide` times.\n\n## What to bring\n\n"
                "1. Water, at least a litre\n2. Good shoes:\n   - for the stones\n   - for the wet sand, which is softer than it looks and will take "
                "your sandals\n3. A hat\n\n### If it rains\n\nStay; the ***best light*** comes after the rain.")};
  return s;
}

/// Tasks, quotes, a table, a rule, mathematics.
State table() {
  State s = base();
  s.current_chat = 3;
  s.messages = {
      answer(1, "- [x] look up the tide\n- [ ] charge the `camera`\n\n> The sea never tells the same story twice.\n>\n> > Not even to itself.\n\n"
                "| Place | From the start | Tide | Notes |\n|:--|--:|:-:|---|\n| Lighthouse | 0.8 km | any | Open on **Sundays** only, and the stairs are steep |\n"
                "| Stone arch | 2.1 km | low | Wet feet |\n| Café 🥐 | 3.6 km | any | [menu](https://example.org/menu) |\n\n---\n\n"
                "The angle of the sun is \\(\\alpha = 23.4^\\circ\\) at noon.")};
  return s;
}

/// Code in several languages, and code that is wider than the column.
State code() {
  State s = base();
  s.current_chat = 5;
  s.messages = {
      answer(1, "Sort with `std::sort`; it is *introsort* underneath:\n\n```cpp\n#include <algorithm>\n\n// Sorts in place, O(n log n).\ntemplate <class T>\n"
                "void sort_all(std::vector<T>& values, bool down = false) {\n  std::sort(values.begin(), values.end(), [&](const T& a, const T& b) { return down ? b < a : a < b; });\n"
                "  return 0x1F'00 + \"text \\n\";\n}\n```\n\nor in a shell:\n\n```bash\nsort -n numbers.txt | uniq -c > \"$HOME/out.txt\"  # count\n```\n\n"
                "```diff\n@@ -1,2 +1,2 @@\n-int x = 1;\n+int x = 2;\n```\n\n```json\n{\"name\": \"ada\", \"n\": 3, \"ok\": true}\n```")};
  return s;
}

State reasoning() {
  State s = base();
  s.current_chat = 2;
  MessageRow question;
  question.id = 1;
  question.text = "Is 91 prime?\n```py\nprint(91 % 7)\n```";
  MessageRow done = answer(2, "<think>\n91 is odd. 9 + 1 = 10, so 3 does not divide it. 7 * 13 = 91.\n</think>\n\nNo: **91 = 7 \u00d7 13**.");
  done.reasoning_seconds = 4.2;
  MessageRow again = question;
  again.id = 3;
  again.text = "And 97?";
  MessageRow open = answer(4, "<think>\nI need to try 2, 3, 5 and 7, since 11 * 11 = 121 is more than 97:\n\n- 97 is odd\n- 9 + 7 = 16");
  open.state = MessageState::streaming;
  s.messages = {question, done, again, open};
  s.generating = true;
  return s;
}

class Gallery final : public WindowClient {
 public:
  Gallery(std::filesystem::path folder, std::vector<std::pair<std::string, State>> pages) : folder_(std::move(folder)), pages_(std::move(pages)) {}
  const ViewState& refresh() override { return pages_[page_].second; }
  void handle(UiEvent) override {}
  bool finished() override { return done_; }
  std::optional<std::filesystem::path> picture_wanted() override {
    window->wake();
    if (++frame_ < 3) return std::nullopt;
    return folder_ / (pages_[page_].first + ".png");
  }
  void picture_taken(Result<void> result) override {
    if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
    frame_ = 0;
    done_ = ++page_ == pages_.size();
    if (done_) --page_;
  }
  Window* window = nullptr;

 private:
  std::filesystem::path folder_;
  std::vector<std::pair<std::string, State>> pages_;
  std::size_t page_ = 0;
  int frame_ = 0;
  bool done_ = false;
};

int run(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, State>> pages;
  const std::pair<const char*, State (*)()> kStates[] = {
      {"empty", empty}, {"ready", ready}, {"conversation", conversation}, {"finished", finished}, {"versions", versions}, {"backups", backups}, {"damaged", damaged}, {"import", import}, {"private", hidden}, {"scripts", scripts}, {"prose", prose}, {"table", table},
      {"code", code}, {"reasoning", reasoning}};
  for (const auto& [name, make] : kStates) {
    for (const ThemeChoice theme : {ThemeChoice::light, ThemeChoice::dark}) {
      for (const float scale : {1.0f, 1.5f}) {
        State s = make();
        for (MessageRow& row : s.messages) row.id += static_cast<std::int64_t>(100 * pages.size());  // no page continues another
        s.theme = theme;
        s.scale = scale;
        pages.emplace_back(std::string(name) + (theme == ThemeChoice::dark ? "-dark" : "-light") + (scale > 1 ? "-150" : "-100"), std::move(s));
      }
    }
  }
  auto window = Window::open({});
  if (!window) {
    std::fprintf(stderr, "%s\n", window.error().message.c_str());
    return 1;
  }
  std::filesystem::create_directories(folder);
  Gallery gallery(folder, std::move(pages));
  gallery.window = window->get();
  (*window)->run(gallery);
  return 0;
}

}  // namespace
}  // namespace foreword::ui

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: ui_gallery FOLDER\n");
    return 2;
  }
  return foreword::ui::run(argv[1]);
}
