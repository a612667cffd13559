#pragma once
// The window in many states: for pictures that somebody looks at, and for tests of all of them.

#include <string>

#include "ui/attachments.h"
#include "ui/view_state.h"

namespace foreword::ui {

using State = ViewState;

/// Rows beside and below their words, one that cannot be changed, one value that cannot be chosen.
inline std::vector<SettingRow> setting_rows() {
  return {{.key = "theme", .section = "Look", .label = "Colours", .help = "Of the whole window.", .options = {{"light", "Light"}, {"dark", "Dark"}}, .chosen = "light"},
          {.key = "scale", .section = "Look", .label = "Size", .help = "Of text and everything else, on top of the monitor's own scale.",
           .options = {{"0.75", "75 %"}, {"1.00", "100 %"}, {"1.50", "150 %"}, {"2.00", "200 %"}}, .chosen = "1.00"},
          {.key = "enter", .section = "Writing", .label = "The Enter key", .help = "The other one is on Shift+Enter. Ctrl+Enter always sends.",
           .reason = "Can be changed when the answer is finished.", .options = {{"sends", "Sends"}, {"new_line", "Begins a line"}}, .chosen = "sends"},
          {.key = "kv", .section = "Memory of a chat", .label = "How older parts of a chat are kept", .help = "The newest part is always exact. What a mode costs is measured on the open model, in idle moments.",
           .options = {{"auto", "Automatic", "The smallest of exact, fast and balanced that the model bears; now balanced"}, {"exact", "Exact", "16 bits a number, 1.1 GB"},
                       {"balanced", "Balanced", "8 and 4 bits a number, 430 MB; the same first choice at 98.7 % of tokens"},
                       {"memory", "Little memory", "4 bits, and 2 for what is long past; too coarse for this model, where 21.0 % of tokens differ", false}},
           .chosen = "auto"}};
}

/// Numbers as usual, chosen, and not to be changed.
inline AnswersView answers() {
  AnswersView view;
  view.instructions = "You are a patient teacher. Answer in short sentences.";
  view.sampling = {{.key = "temperature", .section = "Randomness", .label = "Temperature", .help = "Randomness: 0 always takes the likeliest token", .maximum = 10, .step = 0.1, .start = 0.8, .usual = "0.8", .chosen = "0.3"},
                   {.key = "top_k", .section = "Randomness", .label = "Top-k", .help = "Keep the k likeliest tokens; 0 keeps all", .maximum = 1e6, .step = 5, .whole = true, .start = 40, .usual = "40"},
                   {.key = "top_p", .section = "Randomness", .label = "Top-p", .help = "", .reason = "Set by the command line, --top-p.", .maximum = 1, .step = 0.05, .start = 0.9, .usual = "0.9"},
                   {.key = "max_tokens", .section = "Others", .label = "Longest answer", .help = "In tokens; a longer one is cut off there, and can go on when you say so.", .minimum = 1, .maximum = 1e6, .step = 100, .whole = true,
                    .start = 500, .usual = "no limit"}};
  view.own = true;
  view.as_new_chats = false;
  return view;
}

inline State base() {
  State s;
  s.chats = {{3, "A walk along the coast", ""}, {2, "Why is the sky blue?", ""}, {4, "日本語の短い手紙を書く", ""},
             {5, "Sorting a million numbers in C++", ""}, {6, "Names for a small bakery 🥐", ""}, {7, "A very long title that will never fit into the list as it is", ""}};
  s.model = {ModelState::ready, "stories260K", -1, ""};
  s.status.device = "AMD EPYC 9004 (2 threads)";
  s.status.memory_used = 5'230'000'000;
  s.status.memory_total = 16'600'000'000;
  s.status.tokens_per_second = 21.4;
  s.status.first_token_seconds = 0.62;
  s.status.context_used = 1'148;
  s.status.context_size = 8'192;
  s.status.prompt_tokens = 960;
  s.status.reused_tokens = 640;
  s.context.total = 1'204;
  s.context.shares = {{"Instructions", 14}, {"Earlier messages", 996}, {"What you write", 158}, {"The model's own format", 36}};
  s.context.larger = 16'384;
  s.context.larger_bytes = 1'074'000'000;
  s.settings = setting_rows();
  s.answers = answers();
  s.found_models = {{"/home/ada/.lmstudio/models/gemma-3-4b-it-Q4_K_M.gguf", "gemma-3-4b-it-Q4_K_M", "2.5 GB, from LM Studio", true, {FitLevel::fits, "Needs 3.4 of 11.2 GB", 3'400'000'000}},
                    {"/home/ada/.ollama/models/blobs/sha256-77", "llama3.2:3b", "2.0 GB, from Ollama", true, {FitLevel::fits, "Needs 2.9 of 11.2 GB", 2'900'000'000}},
                    {"/home/ada/.lmstudio/models/gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b-mxfp4", "12.1 GB, from LM Studio", true, {FitLevel::slow, "Needs 12.9 of 26.4 GB, 19 of 24 layers in graphics memory", 12'900'000'000}},
                    {"/home/ada/.lmstudio/models/Llama-3.3-70B-Q4_K_M.gguf", "Llama-3.3-70B-Q4_K_M", "42.5 GB, from LM Studio", true, {FitLevel::too_large, "Needs 45.3 of 26.4 GB", 45'300'000'000}},
                    {"/home/ada/models/mamba.gguf", "mamba-2.8b", "The architecture mamba keeps a recurrent state, which this version cannot run; choose another model.", false}};
  s.hub.can_ask = true;
  s.known_models = {{"Qwen3 4B", "2.5 GB, licence Apache 2.0", "a/b", {FitLevel::fits, "Needs 3.9 of 11.2 GB"}}};
  s.recent_models = {{"/home/ada/models/qwen3-8b-q4_k_m.gguf", "Qwen3 8B Q4_K_M", {FitLevel::fits, "Needs 6.2 of 11.2 GB", 6'200'000'000}}, {"/home/ada/models/stories260K.gguf", "stories260K"}};
  return s;
}

inline State conversation() {
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

inline State finished() {
  State s = conversation();
  s.messages.back().state = MessageState::stopped;
  s.messages.back().stats = "96 tokens \u00b7 20.9 tokens/s";
  s.generating = false;
  s.status.activity.clear();
  s.notices = {{1, NoticeKind::error, "qwen3-8b.gguf ends early: 3.1 of 4.7 GB are there. Download it again."}};
  return s;
}

/// Pinned chats, versions of messages, a deletion that can be taken back, and the bin.
inline State versions() {
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

inline State hidden() {
  State s = base();
  s.private_chat = true;
  return s;
}

inline State empty() {
  State s;
  return s;
}

inline State ready() {
  State s = base();
  s.draft = "Draft with e\u0301, 👩‍👩‍👧, 🇯🇵 and العربية\nand a second line";
  s.current_chat = 9;
  return s;
}

/// Scripts: Arabic and Hebrew from the right, Chinese, Japanese, Devanagari, Thai, emoji.
inline State scripts() {
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

inline MessageRow answer(std::int64_t id, std::string text) {
  MessageRow row;
  row.id = id;
  row.author = Author::assistant;
  row.name = "Qwen3 8B";
  row.text = std::move(text);
  row.stats = "318 tokens \u00b7 21.4 tokens/s";
  return row;
}

/// Headings, marks within lines, links, lists.
inline State prose() {
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
inline State table() {
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
inline State code() {
  State s = base();
  s.current_chat = 5;
  s.messages = {
      answer(1, "Sort with `std::sort`; it is *introsort* underneath:\n\n```cpp\n#include <algorithm>\n\n// Sorts in place, O(n log n).\ntemplate <class T>\n"
                "void sort_all(std::vector<T>& values, bool down = false) {\n  std::sort(values.begin(), values.end(), [&](const T& a, const T& b) { return down ? b < a : a < b; });\n"
                "  return 0x1F'00 + \"text \\n\";\n}\n```\n\nor in a shell:\n\n```bash\nsort -n numbers.txt | uniq -c > \"$HOME/out.txt\"  # count\n```\n\n"
                "```diff\n@@ -1,2 +1,2 @@\n-int x = 1;\n+int x = 2;\n```\n\n```json\n{\"name\": \"ada\", \"n\": 3, \"ok\": true}\n```")};
  return s;
}

inline State reasoning() {
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

/// A chat that outgrows the context: the cut line and its choices.
inline State overflow() {
  State s = conversation();
  s.messages.back().state = MessageState::complete;
  s.generating = false;
  s.status.activity.clear();
  s.context.total = 8'420;
  s.context.blocked = true;
  s.context.n_forgotten = 2;
  s.context.first_kept = 3;
  s.draft = "And on Mars?";
  return s;
}

/// The same after the choice: the line stays, and says what it means.
inline State forgotten() {
  State s = overflow();
  s.context.total = 6'110;
  s.context.blocked = false;
  s.context.choice = Overflow::drop_oldest;
  return s;
}

/// Files that come with a message, sent and not sent yet.
inline State files() {
  State s = base();
  s.current_chat = 5;
  MessageRow question;
  question.id = 1;
  question.text = with_attachments({{"measurements 2026.csv", std::string(1204, 'x')}, {"レポート.txt", std::string(380'000, 'x')}}, "What do these two files have in common?");
  MessageRow reply = answer(2, "Both list the *same twelve stations*, in the same order.");
  MessageRow alone;
  alone.id = 3;
  alone.text = with_attachments({{"notes.md", "one"}}, "");
  s.messages = {question, reply, alone};
  s.can_choose_files = true;
  s.draft = with_attachments({{"pasted.txt", std::string(5210, 'y')}}, "And this one?");
  return s;
}

inline State long_words() {
  State s = base();
  s.chats = {{1, std::string(300, 'w'), ""}, {2, "رسالة طويلة جدا لا مكان لها في القائمة كما هي الآن", ""}};
  s.current_chat = 1;
  s.model.name = std::string(200, 'm');
  s.status.device = std::string(120, 'd');
  s.status.activity = std::string(120, 'a');
  MessageRow question;
  question.id = 1;
  question.text = std::string(3000, 'q') + "\xff\xfe";
  s.messages = {question, answer(2, std::string(3000, 'x') + "\n\n| " + std::string(400, 't') + " | b |\n|---|---|\n| 1 | 2 |")};
  s.notices = {{1, NoticeKind::error, std::string(400, 'n')}};
  return s;
}

inline State loading() {
  State s = base();
  s.model = {ModelState::loading, "Qwen3 8B Q4_K_M", 0.43, ""};
  s.status = {};
  return s;
}

inline State failed() {
  State s = base();
  s.model = {ModelState::failed, "broken.gguf", -1, "broken.gguf ends early: 3.1 of 4.7 GB are there. Download it again."};
  s.status = {};
  s.notices = {{1, NoticeKind::error, s.model.failure}};
  return s;
}

inline State many() {
  State s = base();
  s.chats.clear();
  for (int i = 1; i <= 10'000; ++i) s.chats.push_back({i, "Chat number " + std::to_string(i), ""});
  s.current_chat = 1;
  for (int i = 1; i <= 10'000; ++i) {
    MessageRow row = i % 2 == 1 ? MessageRow{} : answer(i, "Some **words** and `code`, " + std::to_string(i) + ".");
    row.id = i;
    if (i % 2 == 1) row.text = "Question " + std::to_string(i);
    s.messages.push_back(row);
  }
  return s;
}

/// The copies that can be gone back to; with `damaged`, why they are needed.
inline State copies(bool damaged) {
  State s = versions();
  s.notices.clear();
  s.backups = BackupsView{.reason = damaged ? "The chats are damaged and cannot be opened. The newest good copy stands first; what was written after it is not in it. The damaged file is kept beside the copies." : "",
                          .busy = {},
                          .rows = {{1, "Today, 14:03", "13 chats, 2.4 MB \u00b7 Before a restore"}, {2, "Today, 09:12", "12 chats, 2.1 MB \u00b7 Daily copy"},
                                   {3, "Yesterday, 18:40", "12 chats, 2.1 MB \u00b7 Daily copy"}, {4, "22 November, 11:25", "9 chats, 1.8 MB \u00b7 Daily copy"},
                                   {5, "3 November, 08:01", "4 chats, 340 kB \u00b7 Before an update"}}};
  return s;
}
inline State backups() { return copies(false); }
inline State damaged() { return copies(true); }

/// What dropped files hold.
inline State import() {
  State s = versions();
  s.notices.clear();
  s.import = ImportView{.rows = {{ImportState::fresh, "Why is the sky blue?", "38 messages, 24 November, 18:03"}, {ImportState::fresh, "日本語の短い手紙を書く", "4 messages, Yesterday, 09:12"},
                                 {ImportState::known, "A walk along the coast", "Is here already, and stays as it is here"},
                                 {ImportState::unreadable, "conversations.json", "The chat cannot be read: messages[3].content is no text."}},
                        .busy = {}};
  return s;
}

struct NamedState {
  const char* name;
  State (*make)();
  bool picture;  // the gallery takes one
};
inline constexpr NamedState kStates[] = {
    {"empty", empty, true}, {"loading", loading, true}, {"failed", failed, true}, {"ready", ready, true}, {"conversation", conversation, true},
    {"finished", finished, true}, {"versions", versions, true}, {"private", hidden, true}, {"scripts", scripts, true}, {"prose", prose, true},
    {"table", table, true}, {"code", code, true}, {"reasoning", reasoning, true}, {"overflow", overflow, true}, {"forgotten", forgotten, true},
    {"files", files, true}, {"backups", backups, true}, {"damaged", damaged, true}, {"import", import, true}, {"long_words", long_words, true}, {"many", many, false}};

}  // namespace foreword::ui
