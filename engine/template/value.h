#pragma once
// What a template computes with: Python's values as far as chat templates use them, and the Runtime that owns them.
// A Value is a small handle; texts, lists and dicts live in the Runtime until the rendering ends, so that no cycle
// leaks and no deep value is torn down recursively. What the Runtime has handed out is counted, never given back: its
// memory limit bounds the bytes in use and the bytes moved at once.

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/template/text.h"

namespace foreword::engine::jinja {

/// Why a template stopped. Thrown within this room only; ChatTemplate turns it into an Error or a fall-back.
struct Failure {
  enum class Kind : std::uint8_t { syntax, runtime, raised, limit };
  Kind kind = Kind::runtime;
  std::string message;
  int line = 0;  // 0 = not known yet
};
[[noreturn]] void fail(std::string message);

struct Limits {
  std::int64_t steps = 4'000'000;           // nodes evaluated, and about one for every 32 bytes or 4 items looked at
  std::size_t memory_bytes = 192u << 20;    // all values made, and all text written
  std::size_t output_bytes = 16u << 20;     // of one buffer: the result, a macro's, a block's
  int depth = 400;                          // nested evaluations
};

struct Value;
struct List;
struct Dict;
struct BoundFunction;
struct Macro;
struct Loop;

enum class Kind : std::uint8_t {
  undefined, none, boolean, integer, real, text, list, dict, name_space, function, macro, loop
};

struct Value {
  Kind kind = Kind::undefined;
  union {
    std::int64_t integer = 0;
    bool boolean;
    double real;
    const Text* text;
    List* list;
    Dict* dict;  // name_space too
    const BoundFunction* function;
    const Macro* macro;
    Loop* loop;
  };

  static Value none();
  static Value of(bool value);
  static Value of(std::int64_t value);
  static Value of(double value);
  static Value of(const Text* text);  // must outlive the value

  bool is(Kind other) const { return kind == other; }
  bool is_number() const { return kind == Kind::boolean || kind == Kind::integer || kind == Kind::real; }
  bool is_whole() const { return kind == Kind::boolean || kind == Kind::integer; }
  std::int64_t whole() const { return kind == Kind::boolean ? (boolean ? 1 : 0) : integer; }  // is_whole()
  double number() const { return kind == Kind::real ? real : static_cast<double>(whole()); }  // is_number()
  const std::string& bytes() const { return text->bytes(); }                                  // is(text)
};

using Values = std::vector<Value>;

struct List {
  /// What Python makes of it: `lazy` is a generator (true, unprintable, without length, used up by one pass), `group`
  /// a tuple with the names `grouper` and `list`, `view` what items(), keys() and values() of a dict give.
  enum class Flavour : std::uint8_t { list, tuple, group, lazy, view };
  Values items;
  Flavour flavour = Flavour::list;

  bool is_tuple() const { return flavour == Flavour::tuple || flavour == Flavour::group; }
  bool is_indexable() const { return flavour == Flavour::list || is_tuple(); }
};

/// Keys are hashable values, in the order of their first insertion.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, std::size_t> index;  // by hash_key()

  const Value* find(std::string_view key) const;
};

/// The text by which equal keys are equal (1, 1.0 and true are one key). Fails for lists and dicts.
std::string hash_key(const Value& key);

struct For;
struct MacroDefinition;
struct Scope;

/// The state of a running `for`, behind the name `loop`.
struct Loop {
  Values items;
  std::int64_t index = 0;
  std::int64_t depth = 0;       // of recursive calls
  List* last_changed = nullptr;  // what changed() was asked about last; null: nothing
  const For* recursive = nullptr;  // what a call runs again; null: it cannot be called
  Scope* scope = nullptr;          // around it
};

struct Function;

/// A built-in with the value it is a method of (undefined for a global).
struct BoundFunction {
  const Function* function = nullptr;
  Value self;
};

/// A macro of the template with the scope it was written in.
struct Macro {
  const MacroDefinition* definition = nullptr;
  Scope* scope = nullptr;
};

class Runtime {
 public:
  Runtime(const Limits& limits, const std::tm& now) : limits_(limits), now_(now) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  void step(std::size_t n = 1) {
    if ((steps_ += static_cast<std::int64_t>(n)) > limits_.steps) limit("takes too many steps");
  }
  void scan(std::size_t bytes) { step(bytes / 32); }  // for reading without making anything
  void walk(std::size_t bytes) { step(bytes / 4); }   // for work on every character
  void charge(std::size_t bytes) {
    if (bytes > limits_.memory_bytes - used_bytes_) limit("needs too much memory");
    used_bytes_ += bytes;
  }
  /// charge(count * bytes), safe against overflow.
  void charge(std::size_t count, std::size_t bytes);

  Value text(Text value);
  Value text(std::string_view trusted) { return text(Text(trusted)); }
  Value list(Values items, List::Flavour flavour = List::Flavour::list);
  Value dict();
  Value name_space();
  Value bind(const BoundFunction& function);
  Value macro(const Macro& macro);
  Loop* loop(Values items);
  static Value of(Loop* loop);

  void set(Dict& dict, const Value& key, const Value& value);
  void set(Dict& dict, std::string_view key, const Value& value) { set(dict, text(key), value); }
  void append(List& list, const Value& value);
  /// Adds to a buffer that is being written.
  void write(Text& out, const Text& piece) { write(out, piece, 0, piece.size()); }
  void write(Text& out, const Text& piece, std::size_t begin, std::size_t end);
  void write(Text& out, std::string_view bytes, bool trusted = true);

  const std::tm& now() const { return now_; }

  /// One level of nesting while it lives.
  class Level {
   public:
    explicit Level(Runtime& runtime) : runtime_(runtime) {
      if (runtime_.depth_ >= runtime_.limits_.depth) runtime_.limit("nests too deeply");
      ++runtime_.depth_;
    }
    ~Level() { --runtime_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Runtime& runtime_;
  };

 private:
  [[noreturn]] static void limit(const char* what);

  Limits limits_;
  std::tm now_{};
  std::int64_t steps_ = 0;
  std::size_t used_bytes_ = 0;
  int depth_ = 0;
  std::deque<Text> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<BoundFunction> functions_;
  std::deque<Macro> macros_;
  std::deque<Loop> loops_;
};

}  // namespace foreword::engine::jinja
