// How long the history takes when it is long: searches as they are typed, among 100,000 messages in many scripts, one kind
// of query a row. Words are drawn as often as words of a language are (Zipf), so that common and rare ones, long and short
// result lists are all among the queries. The database is made once and kept.
// Times are the processor's, so that a shared machine does not matter.
// usage: history_bench FOLDER [MESSAGES [SEED]]

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "storage/chat_store.h"

namespace foreword::storage {
namespace {

constexpr int kMessagesPerChat = 40, kQueriesPerRow = 60, kLimit = 50;

template <class T>
T must(Result<T> result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str()), std::exit(1);
  return std::move(result).value();
}

void append_utf8(std::string& text, unsigned c) {
  if (c < 0x80) return void(text += static_cast<char>(c));
  if (c >= 0x800) text += static_cast<char>(0xE0 | c >> 12);
  text += static_cast<char>(c >= 0x800 ? 0x80 | (c >> 6 & 63) : 0xC0 | c >> 6);
  text += static_cast<char>(0x80 | (c & 63));
}

/// Words and characters as often as in a language: the n-th has the weight 1 / n.
class Language {
 public:
  explicit Language(unsigned seed) : random_(seed) {
    static constexpr const char* kSyllables[] = {"an", "ber", "co", "den", "er", "fi", "gra", "ha", "in", "jo", "ka", "le", "mo", "na", "or", "pe", "qui", "re",
                                                 "sta", "ti", "un", "ver", "wa", "xi", "yo", "zu", "ing", "tion", "th", "ly"};
    for (int i = 0; i < 30'000; ++i) {
      std::string word;
      for (int n = 1 + below(2) + (i > 500) + below(2); n > 0; --n) word += kSyllables[below(std::size(kSyllables))];
      words_.push_back(word);
    }
  }
  int below(std::size_t n) { return static_cast<int>(random_() % n); }
  /// Its rank falls as 1 / n: half of all draws come from the square root of the vocabulary.
  std::size_t rank(std::size_t n) {
    const double u = static_cast<double>(random_() >> 5) / (1 << 27);
    return std::min(n - 1, static_cast<std::size_t>(std::pow(static_cast<double>(n), u)) - 1);
  }
  const std::string& word() { return words_[rank(words_.size())]; }
  const std::string& rare_word() { return words_[words_.size() / 2 + static_cast<std::size_t>(below(words_.size() / 2))]; }
  std::string han() { return character(0x4E00, 4000); }
  std::string kana() { return character(0x3042, 80); }
  std::string thai() { return character(0x0E01, 46); }

  std::string text() {
    const int kind = below(10), n = 10 + static_cast<int>(rank(300));
    std::string text;
    for (int i = 0; i < n; ++i) {
      if (kind < 7) {
        text += word();
        text += below(12) == 0 ? ".\n" : below(30) == 0 ? " \U0001F642 " : " ";
      } else {
        text += kind == 7 ? han() : kind == 8 ? (below(3) == 0 ? han() : kana()) : thai();
        if (below(15) == 0) text += kind == 9 ? " " : "\u3002";
      }
    }
    return text;
  }

 private:
  std::string character(unsigned first, std::size_t n) {
    std::string text;
    append_utf8(text, first + static_cast<unsigned>(rank(n)));
    return text;
  }
  std::mt19937 random_;
  std::vector<std::string> words_;
};

/// Of the processor: what other programs take is left out, and the file lies in memory anyway.
double milliseconds_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double start = now();
  work();
  return now() - start;
}

double percentile(std::vector<double> times, double share) {
  std::sort(times.begin(), times.end());
  return times[std::min(times.size() - 1, static_cast<std::size_t>(share * static_cast<double>(times.size())))];
}

void fill(ChatStore& store, int n_messages, Language& language) {
  std::printf("making %d messages\n", n_messages);
  const auto status = [&](int i) { return i % 2 == 0 ? Role::user : Role::assistant; };
  for (int done = 0; done < n_messages;) {
    std::vector<ChatTree> trees;
    for (int chat = 0; chat < 50 && done < n_messages; ++chat) {
      ChatTree tree;
      tree.chat.title = language.word() + " " + language.word() + " " + language.han();
      for (int i = 0; i < kMessagesPerChat && done < n_messages; ++i, ++done) {
        TreeMessage entry;
        entry.message.id = i + 1;
        entry.message.parent_id = language.below(10) == 0 ? i / 2 : i;  // now and then another branch
        entry.message.role = status(i);
        entry.message.content = language.text();
        tree.messages.push_back(std::move(entry));
      }
      trees.push_back(std::move(tree));
    }
    must(store.add_trees(trees));
  }
}

int run(const std::filesystem::path& folder, int n_messages, unsigned seed) {
  const auto path = folder / ("history-" + std::to_string(n_messages) + ".db");
  const bool there = std::filesystem::exists(path);
  std::vector<double> all;
  auto store = must(ChatStore::open(path));
  Language language(seed);
  if (!there) std::printf("made in %.0f s\n", milliseconds_of([&] { fill(*store, n_messages, language); }) / 1000);
  std::printf("%d messages, %.0f MB, seed %u\n", n_messages, static_cast<double>(std::filesystem::file_size(path)) / 1e6, seed);

  const auto cut = [&](std::string word, std::size_t n) { return word.substr(0, std::min(word.size(), n)); };
  const std::pair<const char*, std::function<std::string()>> kRows[] = {
      {"first letter of a word", [&] { return cut(language.word(), 1); }},
      {"first two letters", [&] { return cut(language.word(), 2); }},
      {"first three letters", [&] { return cut(language.word(), 3); }},
      {"first four letters", [&] { return cut(language.word(), 4); }},
      {"a word", [&] { return language.word(); }},
      {"a rare word", [&] { return language.rare_word(); }},
      {"two words", [&] { return language.word() + " " + language.word(); }},
      {"three words, the last unfinished", [&] { return language.word() + " " + language.word() + " " + cut(language.word(), 2); }},
      {"a part of a word", [&] { return language.rare_word().substr(1, 4); }},
      {"a word that nobody wrote", [&] { return language.rare_word() + "q" + language.word(); }},
      {"common words that never meet", [&] { return language.word() + language.word() + " " + language.word(); }},
      {"one Chinese character", [&] { return language.han(); }},
      {"two Chinese characters", [&] { return language.han() + language.han(); }},
      {"three Chinese characters", [&] { return language.han() + language.han() + language.han(); }},
      {"a rare pair of Chinese characters", [&] { return std::string("\u9f98") + language.han(); }},
      {"kana and a Chinese character", [&] { return language.kana() + language.han(); }},
      {"two Thai letters", [&] { return language.thai() + language.thai(); }},
      {"a character and a word", [&] { return language.han() + " " + language.word(); }},
      {"an emoji", [&] { return std::string("\U0001F642"); }},
      {"an emoji that nobody wrote", [&] { return std::string("\U0001F9A9"); }},
      {"a sign that nobody wrote", [&] { return std::string("{"); }},
  };
  std::printf("%-36s %8s %8s %8s %8s\n", "query", "p50 ms", "p95 ms", "max ms", "hits");
  for (const auto& [name, make] : kRows) {
    std::vector<double> times;
    std::size_t n_hits = 0;
    for (int i = 0; i < kQueriesPerRow; ++i) {
      const std::string query = make();
      times.push_back(milliseconds_of([&] { n_hits += must(store->search(query, kLimit)).size(); }));
    }
    all.insert(all.end(), times.begin(), times.end());
    std::printf("%-36s %8.1f %8.1f %8.1f %8.1f\n", name, percentile(times, 0.5), percentile(times, 0.95), percentile(times, 1), static_cast<double>(n_hits) / kQueriesPerRow);
    std::fflush(stdout);
  }
  std::printf("%-36s %8.1f %8.1f %8.1f\n", "all of them", percentile(all, 0.5), percentile(all, 0.95), percentile(all, 1));
  std::printf("%-36s %8.1f\n", "the list of all chats", milliseconds_of([&] { must(store->chats()); }));
  std::printf("%-36s %8.1f\n", "opening a chat", milliseconds_of([&] { must(store->shown_path(n_messages / kMessagesPerChat / 2)); }));
  std::printf("%-36s %8.1f\n", "the check after a crash", milliseconds_of([&] { (void)store->database().check_integrity(); }));
  store.reset();
  std::printf("%-36s %8.1f\n", "opening the database", milliseconds_of([&] { store = must(ChatStore::open(path)); }));
  return 0;
}

}  // namespace
}  // namespace foreword::storage

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: history_bench FOLDER [MESSAGES [SEED]]\n");
    return 2;
  }
  return foreword::storage::run(argv[1], argc > 2 ? std::atoi(argv[2]) : 100'000, argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1);
}
