#pragma once
// Which messages are left out when a chat outgrows the context (D57). Pure arithmetic; the engine counts before and after.

#include <cstddef>
#include <cstdint>
#include <span>

namespace foreword::app {

struct CountedRow {
  std::int64_t tokens = 0;
  bool question = false;  // of the user: a prompt may begin here
};

/// Tokens that an answer should at least find room for.
std::int64_t answer_room(std::int64_t context);

/// The first row to keep so that about `excess` tokens go: at a question, or `rows.size()` (only what is being written is
/// left). `kept`: rows before it are left out already.
std::size_t first_row_to_keep(std::span<const CountedRow> rows, std::size_t kept, std::int64_t excess);

}  // namespace foreword::app
