#include "engine/schema/document.h"

#include <algorithm>

#include "engine/base/check.h"

namespace foreword::engine {
namespace {

/// Looks at a text before it is read, so that reading it cannot cost too much.
class Limits : public nlohmann::json_sax<Json> {
 public:
  Error error{ErrorCode::invalid_argument, "The schema is no JSON; check its commas, quotes and braces."};

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t value, const string_t& text) override {
    const auto written = Decimal::of(text), kept = Decimal::of(Json(value).dump());
    return (written && written == kept) || refuse("The number " + text.substr(0, 40) + " of the schema has more digits than can be kept; round it.");
  }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool key(string_t& name) override {
    if (name.starts_with(kInternal)) return refuse("A member's name begins with a control character, which is not read.");
    return ++n_members_.back() <= Document::kMostNames || refuse("The schema has an object of too many members; at most " + std::to_string(Document::kMostNames) + " are read.");
  }
  bool end_object() override { return n_members_.pop_back(), true; }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return n_members_.pop_back(), true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  bool open() {
    n_members_.push_back(0);
    return n_members_.size() <= static_cast<std::size_t>(Document::kMostNested) || refuse("The schema is nested too deep; use $defs and $ref.");
  }
  bool refuse(std::string why) {
    error = {ErrorCode::unsupported, std::move(why)};
    return false;
  }

  std::vector<std::size_t> n_members_;
};

std::string unescaped(std::string_view fragment) {
  std::string text;
  for (std::size_t i = 0; i < fragment.size(); ++i) {
    const auto digit = [&](std::size_t at) {
      const char c = at < fragment.size() ? fragment[at] : ' ';
      return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
    };
    const bool escape = fragment[i] == '%' && digit(i + 1) >= 0 && digit(i + 2) >= 0;
    text += escape ? static_cast<char>(digit(i + 1) * 16 + digit(i + 2)) : fragment[i];
    i += escape ? 2 : 0;
  }
  return text;
}

/// One step of a JSON pointer, and the other way.
std::string pointer_step(std::string_view escaped) {
  std::string name;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const bool escape = escaped[i] == '~' && i + 1 < escaped.size();
    name += escape ? (escaped[++i] == '1' ? '/' : '~') : escaped[i];
  }
  return name;
}
std::string escaped_step(std::string_view name) {
  std::string text;
  for (const char c : name) text += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return text;
}

const Json* child(const Json& node, const std::string& step) {
  if (node.is_object()) {
    const auto member = node.find(step);
    return member == node.end() ? nullptr : &*member;
  }
  if (!node.is_array() || step.empty() || step.size() > 6 || step.find_first_not_of("0123456789") != std::string::npos) return nullptr;
  const std::size_t at = std::stoul(step);
  return at < node.size() ? &node[at] : nullptr;
}

std::string id_of(const Json& node) {
  const auto id = node.is_object() ? node.find("$id") : node.end();
  return id != node.end() && id->is_string() ? id->get<std::string>() : "";
}

}  // namespace

Result<std::unique_ptr<Document>> Document::parse(std::string_view text) {
  Limits limits;
  if (!Json::sax_parse(text, &limits)) return limits.error;
  std::unique_ptr<Document> document(new Document);
  document->root_ = Json::parse(text, nullptr, false);
  const Json& root = document->root_;
  if (!root.is_object() && !root.is_boolean()) return Error{ErrorCode::invalid_argument, "A schema is a JSON object, true or false."};
  document->index(root, {nullptr, "", &root});
  return document;
}

const Json& Document::add(Json made, const Json& from) {
  const Json& node = made_.emplace_back(std::move(made));
  const auto info = info_.find(&from);
  check(info != info_.end(), "what is made of a node of the document");
  index(node, {nullptr, "", info->second.resource, &from});
  return node;
}

void Document::index(const Json& root, const Info& info) {
  info_[&root] = info;
  std::vector<const Json*> waiting = {&root};
  while (!waiting.empty()) {
    const Json* node = waiting.back();
    waiting.pop_back();
    const Json* resource = info_[node].resource;
    const auto add_child = [&](const Json& part, std::string step) {
      if (!part.is_structured() && !part.is_boolean()) return;
      const std::string id = id_of(part);
      info_[&part] = {node, std::move(step), id.empty() || id.starts_with('#') ? resource : &part};
      waiting.push_back(&part);
    };
    if (node->is_object()) {
      for (const auto& [name, part] : node->items()) add_child(part, name);
    } else if (node->is_array()) {
      for (std::size_t i = 0; i < node->size(); ++i) add_child((*node)[i], std::to_string(i));
    }
  }
}

std::string Document::place_of(const Json& node) const {
  std::string place;
  auto at = info_.find(&node);
  while (at != info_.end() && (at->second.parent != nullptr || at->second.from != nullptr)) {
    const bool is_made = at->second.parent == nullptr;
    if (is_made) place.clear();
    if (!is_made) place = "/" + escaped_step(at->second.step) + place;
    at = info_.find(is_made ? at->second.from : at->second.parent);
  }
  return "#" + place;
}

const Json* Document::resource_named(std::string_view id) const {
  const auto is_it = [&](const Json& node) {
    std::string own = id_of(node);
    if (own.ends_with('#')) own.pop_back();
    return own == id;
  };
  if (is_it(root_)) return &root_;
  const Json* found = nullptr;
  for (const auto& [node, info] : info_) {
    if (info.resource != node || info.parent == nullptr || !is_it(*node)) continue;
    if (found != nullptr) return nullptr;
    found = node;
  }
  return found;
}

const Json* Document::anchor(std::string_view name, const Json* resource) const {
  for (const auto& [node, info] : info_) {
    if (!node->is_object() || info.resource != resource || info.from != nullptr) continue;
    for (const char* keyword : {"$anchor", "$dynamicAnchor"}) {
      const auto own = node->find(keyword);
      if (own != node->end() && own->is_string() && own->get_ref<const std::string&>() == name) return node;
    }
    if (id_of(*node) == "#" + std::string(name)) return node;
  }
  return nullptr;
}

Result<const Json*> Document::target(const Json& schema, const std::string& reference) const {
  const auto own = info_.find(&schema);
  check(own != info_.end(), "a schema of the document");
  const std::size_t hash = std::min(reference.find('#'), reference.size());
  const Json* node = hash == 0 ? own->second.resource : resource_named(std::string_view(reference).substr(0, hash));
  if (node == nullptr) {
    return Error{ErrorCode::unsupported, "The $ref \"" + reference + "\" at " + place_of(schema) + " leads to another document; put what it names into $defs."};
  }
  const std::string fragment = hash < reference.size() ? unescaped(std::string_view(reference).substr(hash + 1)) : "";
  if (!fragment.empty() && fragment[0] != '/') node = anchor(fragment, node);
  if (!fragment.empty() && fragment[0] == '/') {
    for (std::size_t at = 0; at < fragment.size() && node != nullptr;) {
      const std::size_t end = std::min(fragment.find('/', at + 1), fragment.size());
      node = child(*node, pointer_step(std::string_view(fragment).substr(at + 1, end - at - 1)));
      at = end;
    }
  }
  if (node == nullptr || (!node->is_object() && !node->is_boolean())) {
    return Error{ErrorCode::invalid_argument, "The $ref \"" + reference + "\" at " + place_of(schema) + " leads to no schema."};
  }
  return node;
}

Decimal decimal_of(const Json& number) {
  const auto decimal = Decimal::of(number.dump());
  check(decimal.has_value(), "a number that was looked at when it was read");
  return *decimal;
}

bool same_value(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return decimal_of(a) == decimal_of(b);
  if (a.type() != b.type()) return false;
  if (a.is_array()) return std::ranges::equal(a, b, same_value);
  if (!a.is_object()) return a == b;
  return a.size() == b.size() && std::ranges::all_of(a.items(), [&](const auto& member) {
           const auto other = b.find(member.key());
           return other != b.end() && same_value(member.value(), *other);
         });
}

}  // namespace foreword::engine
