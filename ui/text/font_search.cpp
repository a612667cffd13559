#include "ui/text/font_search.h"

#include <fontconfig/fontconfig.h>

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <system_error>

namespace foreword::ui::text {
namespace {

constexpr const char* kFontDir = "/usr/share/fonts/";

struct StyleRow {
  Style style;
  std::initializer_list<const char*> files;  // below kFontDir, best first
  const char* family;                        // what fontconfig is asked for otherwise, as it writes patterns
  int weight;                                // fontconfig's scale
};

const StyleRow& row_of(Style style) {
  static const StyleRow kRows[kStyleCount] = {
      {Style::regular,
       {"opentype/inter/Inter-Regular.otf", "truetype/noto/NotoSans-Regular.ttf", "truetype/dejavu/DejaVuSans.ttf"},
       "sans-serif",
       FC_WEIGHT_REGULAR},
      {Style::medium,
       {"opentype/inter/Inter-Medium.otf", "truetype/noto/NotoSans-Regular.ttf", "truetype/dejavu/DejaVuSans.ttf"},
       "sans-serif",
       FC_WEIGHT_MEDIUM},
      {Style::bold,
       {"opentype/inter/Inter-SemiBold.otf", "truetype/noto/NotoSans-Bold.ttf", "truetype/dejavu/DejaVuSans-Bold.ttf"},
       "sans-serif",
       FC_WEIGHT_BOLD},
      {Style::italic,
       {"opentype/inter/Inter-Italic.otf", "truetype/noto/NotoSans-Italic.ttf", "truetype/dejavu/DejaVuSans-Oblique.ttf"},
       "sans-serif:italic",
       FC_WEIGHT_REGULAR},
      {Style::bold_italic,
       {"opentype/inter/Inter-SemiBoldItalic.otf", "truetype/noto/NotoSans-BoldItalic.ttf", "truetype/dejavu/DejaVuSans-BoldOblique.ttf"},
       "sans-serif:italic",
       FC_WEIGHT_BOLD},
      {Style::mono,
       {"truetype/jetbrains-mono/JetBrainsMono-Regular.ttf", "truetype/noto/NotoSansMono-Regular.ttf",
        "truetype/dejavu/DejaVuSansMono.ttf"},
       "monospace",
       FC_WEIGHT_REGULAR},
  };
  return kRows[static_cast<std::size_t>(style)];
}

std::optional<FontFile> known_file(const char* name) {
  std::string path = std::string(kFontDir) + name;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  return FontFile{std::move(path), 0};
}

using Pattern = std::unique_ptr<FcPattern, decltype(&FcPatternDestroy)>;

std::optional<FontFile> match(FcPattern* wanted) {
  FcConfigSubstitute(nullptr, wanted, FcMatchPattern);
  FcDefaultSubstitute(wanted);
  FcResult result = FcResultNoMatch;
  const Pattern found(FcFontMatch(nullptr, wanted, &result), FcPatternDestroy);
  FcChar8* path = nullptr;
  int index = 0;
  if (!found || FcPatternGetString(found.get(), FC_FILE, 0, &path) != FcResultMatch) return std::nullopt;
  FcPatternGetInteger(found.get(), FC_INDEX, 0, &index);
  return FontFile{reinterpret_cast<const char*>(path), index & 0xFFFF};
}

}  // namespace

std::optional<FontFile> find_style(Style style) {
  const StyleRow& row = row_of(style);
  for (const char* name : row.files) {
    if (auto file = known_file(name)) return file;
  }
  const Pattern wanted(FcNameParse(reinterpret_cast<const FcChar8*>(row.family)), FcPatternDestroy);
  FcPatternAddInteger(wanted.get(), FC_WEIGHT, row.weight);
  FcPatternAddBool(wanted.get(), FC_SCALABLE, FcTrue);
  return match(wanted.get());
}

std::vector<FontFile> find_companions() {
  std::vector<FontFile> found;
  for (const char* name :
       {"truetype/noto/NotoSans-Regular.ttf", "truetype/noto/NotoSansMath-Regular.ttf",
        "truetype/noto/NotoSansSymbols2-Regular.ttf", "truetype/dejavu/DejaVuSans.ttf",
        "truetype/ancient-scripts/Symbola_hint.ttf"}) {
    if (auto file = known_file(name)) found.push_back(*std::move(file));
  }
  return found;
}

std::optional<FontFile> find_emoji() {
  if (auto file = known_file("truetype/noto/NotoColorEmoji.ttf")) return file;
  const Pattern wanted(FcNameParse(reinterpret_cast<const FcChar8*>("emoji:color=true")), FcPatternDestroy);
  return match(wanted.get());
}

std::optional<FontFile> find_for(std::u32string_view characters) {
  const Pattern wanted(FcPatternCreate(), FcPatternDestroy);
  const std::unique_ptr<FcCharSet, decltype(&FcCharSetDestroy)> set(FcCharSetCreate(), FcCharSetDestroy);
  for (const char32_t c : characters) FcCharSetAddChar(set.get(), c);
  FcPatternAddCharSet(wanted.get(), FC_CHARSET, set.get());
  FcPatternAddBool(wanted.get(), FC_SCALABLE, FcTrue);
  return match(wanted.get());
}

}  // namespace foreword::ui::text
