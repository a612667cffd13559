#include "engine/grammar/matcher.h"

#include <algorithm>
#include <cstdint>

namespace foreword::engine {
namespace {

std::size_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t hash = (a ^ (b * 0x9E3779B97F4A7C15U)) * 0xBF58476D1CE4E5B9U;
  return hash ^ (hash >> 31);
}

std::uint8_t first_of(const ByteSet& set) {
  std::uint8_t byte = 0;
  while (!set[byte]) ++byte;
  return byte;
}

}  // namespace

std::size_t Matcher::Hash::operator()(const Frame& frame) const {
  return mixed(mixed(static_cast<std::uint64_t>(frame.below), static_cast<std::uint64_t>(frame.step)), static_cast<std::uint64_t>(frame.times));
}

std::size_t Matcher::Hash::operator()(const Way& way) const { return mixed(static_cast<std::uint64_t>(way.step), static_cast<std::uint64_t>(way.frame)); }

Matcher::Matcher(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)) {
  clear();
  begin();
}

void Matcher::begin() {
  StateData data;
  seen_.clear();
  spread({grammar_->first(), kBottom}, data);
  start_ = seen_.size() < kMostWays ? number_of(std::move(data)) : kDead;
}

void Matcher::clear() {
  frames_.assign(1, {});
  known_frames_.clear();
  states_.clear();
  moves_.clear();
  known_states_.clear();
  number_of({});  // kDead
}

Matcher::FrameId Matcher::frame(const Frame& frame) {
  const auto [known, is_new] = known_frames_.try_emplace(frame, static_cast<FrameId>(frames_.size()));
  if (is_new) frames_.push_back(frame);
  return known->second;
}

void Matcher::spread(Way way, StateData& into) {
  todo_.assign(1, way);
  while (!todo_.empty()) {
    const Way at = todo_.back();
    todo_.pop_back();
    if (seen_.size() >= kMostWays || !seen_.try_emplace(at, true).second) continue;
    const Grammar::Step& step = grammar_->step(at.step);
    switch (step.kind) {
      case Grammar::Kind::bytes: into.ways.push_back(at); break;
      case Grammar::Kind::either:
        todo_.push_back({step.next, at.frame});
        todo_.push_back({step.other, at.frame});
        break;
      case Grammar::Kind::call:
        // Where nothing comes behind it, nothing has to be remembered: what calls itself at its end needs no room.
        todo_.push_back({step.other, grammar_->step(step.next).kind == Grammar::Kind::end ? at.frame : frame({at.frame, at.step, 0})});
        break;
      case Grammar::Kind::repeat:
        todo_.push_back({step.other, frame({at.frame, at.step, 0})});
        if (step.least == 0) todo_.push_back({step.next, at.frame});
        break;
      case Grammar::Kind::end: {
        if (at.frame == kBottom) {
          into.may_end = true;
          break;
        }
        const Frame back = frames_[static_cast<std::size_t>(at.frame)];
        const Grammar::Step& begun = grammar_->step(back.step);
        if (begun.kind == Grammar::Kind::call) {
          todo_.push_back({begun.next, back.below});
          break;
        }
        // Beyond the least number and without a largest one, how often does not matter any more.
        const std::int32_t times = begun.most < 0 ? std::min(back.times + 1, begun.least) : back.times + 1;
        if (begun.most < 0 || times < begun.most) todo_.push_back({begun.other, frame({back.below, back.step, times})});
        if (times >= begun.least) todo_.push_back({begun.next, back.below});
        break;
      }
    }
  }
}

Matcher::State Matcher::number_of(StateData data) {
  std::ranges::sort(data.ways);
  std::size_t hash = data.may_end ? 1 : 0;
  for (const Way& way : data.ways) hash = mixed(hash, Hash()(way));
  const auto [first, last] = known_states_.equal_range(hash);
  for (auto known = first; known != last; ++known) {
    if (states_[static_cast<std::size_t>(known->second)] == data) return known->second;
  }
  const auto number = static_cast<State>(states_.size());
  known_states_.emplace(hash, number);
  states_.push_back(std::move(data));
  moves_.resize(moves_.size() + static_cast<std::size_t>(grammar_->n_classes()), -1);
  return number;
}

Matcher::State Matcher::find_next(State state, int byte_class) {
  StateData data;
  seen_.clear();
  for (const Way& way : states_[static_cast<std::size_t>(state)].ways) {
    const Grammar::Step& step = grammar_->step(way.step);
    if (grammar_->has(step.set, byte_class)) spread({step.next, way.frame}, data);
  }
  if (seen_.size() >= kMostWays) data = {};
  const State next = data.ways.empty() && !data.may_end ? kDead : number_of(std::move(data));
  moves_[place(state, byte_class)] = next;
  return next;
}

int Matcher::only_byte(State state) {
  if (may_end(state)) return -1;
  int only = -1;
  for (int byte_class = 0; byte_class < grammar_->n_classes(); ++byte_class) {
    const std::uint8_t byte = grammar_->byte_of(byte_class);
    if (next(state, byte) == kDead) continue;
    if (only >= 0 || grammar_->size_of(byte_class) > 1) return -1;
    only = byte;
  }
  return only;
}

Matcher::State Matcher::common_next(State state, std::uint8_t first, std::uint8_t last) {
  const State common = next(state, first);
  for (int byte = first + 1; byte <= last; ++byte) {
    if (next(state, static_cast<std::uint8_t>(byte)) != common) return kDead;
  }
  return common;
}

Matcher::State Matcher::wide_next(State state) {
  // Table 3-7 of the Unicode Standard: first bytes, second ones, and how many follow, which may be any from 80 to BF.
  struct Row {
    std::uint8_t first, last, first_second, last_second;
    int more;
  };
  constexpr Row kRows[] = {{0xC2, 0xDF, 0x80, 0xBF, 0}, {0xE0, 0xE0, 0xA0, 0xBF, 1}, {0xE1, 0xEC, 0x80, 0xBF, 1}, {0xED, 0xED, 0x80, 0x9F, 1},
                           {0xEE, 0xEF, 0x80, 0xBF, 1}, {0xF0, 0xF0, 0x90, 0xBF, 2}, {0xF1, 0xF3, 0x80, 0xBF, 2}, {0xF4, 0xF4, 0x80, 0x8F, 2}};
  State common = -1;
  for (const Row& row : kRows) {
    State at = common_next(common_next(state, row.first, row.last), row.first_second, row.last_second);
    for (int i = 0; i < row.more; ++i) at = common_next(at, 0x80, 0xBF);
    if (at == kDead || (common >= 0 && at != common)) return kDead;
    common = at;
  }
  return common;
}

Matcher::FreeRun Matcher::free_run(State state) {
  constexpr std::uint8_t kLastAscii = 0x7F;
  constexpr std::size_t kFar = 32;  // hardly any token is longer
  // Where most letters lead.
  std::unordered_map<State, int> successors;
  State to = kDead;
  for (std::uint8_t byte = 0; byte <= kLastAscii; ++byte) {
    const State one = next(state, byte);
    if (one != kDead && ++successors[one] > successors[to]) to = one;
  }
  if (to == kDead) return {};
  FreeRun run{{}, wide_next(state) == to, 1};
  for (std::uint8_t byte = 0; byte <= kLastAscii; ++byte) run.ascii.set(byte, next(state, byte) == to);
  // And on, as long as they all lead to one state again.
  for (State at = state; run.length < kFar; ++run.length) {
    if (to == at) return {run.ascii, run.wide, SIZE_MAX};
    at = std::exchange(to, run.wide ? wide_next(to) : next(to, first_of(run.ascii)));
    if (to == kDead) return run;
    for (std::uint8_t byte = 0; byte <= kLastAscii; ++byte) {
      if (run.ascii[byte] && next(at, byte) != to) return run;
    }
  }
  return run;
}

Matcher::State Matcher::keep_only(State state) {
  if (state == kDead) return kDead;
  const std::vector<Frame> frames = std::move(frames_);
  StateData data = std::move(states_[static_cast<std::size_t>(state)]);
  clear();
  // Frames below come first: their numbers are smaller.
  std::vector<FrameId> needed;
  for (const Way& way : data.ways) needed.push_back(way.frame);
  std::unordered_map<FrameId, FrameId> renamed{{kBottom, kBottom}};
  const auto rename = [&](FrameId id) {
    std::vector<FrameId> chain;
    for (; !renamed.contains(id); id = frames[static_cast<std::size_t>(id)].below) chain.push_back(id);
    for (auto old = chain.rbegin(); old != chain.rend(); ++old) {
      Frame kept = frames[static_cast<std::size_t>(*old)];
      kept.below = renamed[kept.below];
      renamed[*old] = frame(kept);
    }
  };
  for (Way& way : data.ways) {
    rename(way.frame);
    way.frame = renamed[way.frame];
  }
  const State kept = number_of(std::move(data));
  begin();
  return kept;
}

}  // namespace foreword::engine
