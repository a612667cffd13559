#include "engine/grammar/matcher.h"

#include <algorithm>

namespace foreword::engine {
namespace {

std::size_t mixed(std::uint64_t a, std::uint64_t b) {
  std::uint64_t hash = (a ^ (b * 0x9E3779B97F4A7C15U)) * 0xBF58476D1CE4E5B9U;
  return hash ^ (hash >> 31);
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

std::int64_t Matcher::bytes() const {
  std::size_t total = frames_.size() * (2 * sizeof(Frame) + sizeof(void*));
  for (const StateData& state : states_) total += sizeof(StateData) + state.ways.size() * sizeof(Way);
  return static_cast<std::int64_t>(total + states_.size() * static_cast<std::size_t>(grammar_->n_classes()) * sizeof(State));
}

}  // namespace foreword::engine
