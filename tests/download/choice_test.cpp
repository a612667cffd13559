// Which files are one model, and which is taken.

#include "app/download/choice.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

std::vector<OfferedModel> offered(std::initializer_list<const char*> paths) {
  std::vector<HubFile> files;
  for (const char* path : paths) files.push_back({path, static_cast<std::int64_t>(1000 + files.size())});
  return offered_models(files);
}
std::string chosen(std::initializer_list<const char*> paths, const std::string& quant = {}, const std::string& file = {}) {
  const auto model = choose_model(offered(paths), "o/r", quant, file);
  return model ? model->files[0].path : std::string(name_of(model.error().code));
}

TEST(Quant, IsReadFromNames) {
  for (const auto& [path, quant] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Qwen2.5-7B-Instruct-Q4_K_M.gguf", "Q4_K_M"}, {"llama-2-7b.Q5_K_S.gguf", "Q5_K_S"}, {"qwen2.5-0.5b-instruct-q8_0.gguf", "Q8_0"}, {"gemma-3-4b-it-BF16.gguf", "BF16"},
           {"Qwen3-8B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"}, {"model.i1-IQ3_XXS.gguf", "IQ3_XXS"}, {"gpt-oss-20b-mxfp4.gguf", "MXFP4"}, {"x-TQ1_0.gguf", "TQ1_0"}, {"a-f16.gguf", "F16"},
           {"Q8_0/big-00001-of-00003.gguf", "Q8_0"}, {"big-Q6_K-00002-of-00003.gguf", "Q6_K"}, {"model.gguf", ""}, {"Qwen2.5-Q.gguf", ""}, {"q9-model.gguf", ""}, {"stories260K.gguf", ""},
           {"a-Q4_0-b.gguf", "Q4_0"}, {"-.gguf", ""}}) {
    EXPECT_EQ(quant_of(path), quant) << path;
  }
}

TEST(Choice, TakesTheUsualOne) {
  EXPECT_EQ(chosen({"a-Q8_0.gguf", "a-Q4_K_M.gguf", "a-Q2_K.gguf"}), "a-Q4_K_M.gguf");
  EXPECT_EQ(chosen({"a-Q8_0.gguf", "a-Q5_K_M.gguf", "a-Q2_K.gguf"}), "a-Q5_K_M.gguf");
  EXPECT_EQ(chosen({"a-BF16.gguf", "a-Q8_0.gguf"}), "a-Q8_0.gguf");
  EXPECT_EQ(chosen({"gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b-F16.gguf"}), "gpt-oss-20b-mxfp4.gguf");
  EXPECT_EQ(chosen({"larger.gguf", "x.gguf"}), "larger.gguf") << "the smallest where no name says anything";
  EXPECT_EQ(chosen({}), "not_found");
}

TEST(Choice, TakesWhatIsNamed) {
  EXPECT_EQ(chosen({"a-Q8_0.gguf", "a-Q4_K_M.gguf"}, "q8_0"), "a-Q8_0.gguf");
  EXPECT_EQ(chosen({"a-UD-Q2_K_XL.gguf", "a-Q4_K_M.gguf"}, "Q2_K_XL"), "a-UD-Q2_K_XL.gguf");
  EXPECT_EQ(chosen({"a-Q8_0.gguf"}, "Q4_K_M"), "not_found");
  EXPECT_EQ(chosen({"a-Q8_0.gguf", "b-Q8_0.gguf"}, "Q8_0"), "invalid_argument");
  EXPECT_EQ(chosen({"a-Q8_0.gguf", "b-Q8_0.gguf"}, "", "b-Q8_0.gguf"), "b-Q8_0.gguf");
  EXPECT_EQ(chosen({"sub/b.gguf", "a-Q4_K_M.gguf"}, "", "b.gguf"), "sub/b.gguf");
  EXPECT_EQ(chosen({"a-Q4_K_M.gguf"}, "", "c.gguf"), "not_found");
  EXPECT_NE(choose_model(offered({"a-Q8_0.gguf", "a-Q2_K.gguf"}), "o/r", "Q4_0", "").error().message.find("Q8_0, Q2_K"), std::string::npos);
}

TEST(Choice, ModelsComeWhole) {
  const auto models = offered({"b-Q4_K_M-00002-of-00002.gguf", "mmproj-b-f16.gguf", "b.imatrix.gguf", "b-Q4_K_M-00001-of-00002.gguf", "c-Q8_0-00001-of-00002.gguf", "d-Q2_K-00000-of-00000.gguf"});
  ASSERT_EQ(models.size(), 1u) << "no projector, no matrix, no model with a part missing";
  EXPECT_EQ(models[0].name, "b-Q4_K_M");
  EXPECT_EQ(models[0].bytes, 2003);
  EXPECT_EQ(models[0].files[0].path, "b-Q4_K_M-00001-of-00002.gguf");
  EXPECT_EQ(models[0].files[1].path, "b-Q4_K_M-00002-of-00002.gguf");
  EXPECT_EQ(offered_models({{"a-00001-of-00002.gguf", INT64_MAX}, {"a-00002-of-00002.gguf", INT64_MAX}})[0].bytes, -1);
}

}  // namespace
}  // namespace foreword::app
