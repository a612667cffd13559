// The models that the controller opens, remembers and falls back to.

#include <gtest/gtest.h>

#include <algorithm>

#include "app/builtin.h"
#include "tests/app/controller_fixture.h"

namespace foreword::app {
namespace {

TEST_F(ControllerTest, ModelsAreLoadedRememberedAndTheirFailureSaid) {
  controller.start("/m/tiny.gguf");
  EXPECT_TRUE(to_engine.empty()) << "how it is opened stands in the settings";
  controller.on(storage::Event(event::Settings{1, {}}));
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/tiny.gguf");
  EXPECT_EQ(view().model.state, ui::ModelState::loading);
  ready();
  EXPECT_EQ(view().model.state, ui::ModelState::ready);
  EXPECT_EQ(view().status.device, "a processor");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.path, "/m/tiny.gguf");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.last_used, 1234);
  controller.on(engine::Event(engine::ModelFailed{"/m/bad.gguf", {ErrorCode::corrupt, "bad.gguf is no GGUF file."}}));
  EXPECT_EQ(view().notices.back().text, "bad.gguf is no GGUF file.");
}

TEST_F(ControllerTest, AModelThatDoesNotOpenGivesItsPlaceBackToTheOneBefore) {
  ready("/m/tiny.gguf");
  const auto fail = [&](const std::string& path, bool kept) { controller.on(engine::Event(engine::ModelFailed{path, {ErrorCode::io, "It does not open."}, kept})); };
  controller.on(ui::UiEvent(ui::OpenModel{"/m/typo.gguf"}));
  fail("/m/typo.gguf", true);
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/typo.gguf") << "the engine has kept what was open";
  ready("/m/tiny.gguf");
  EXPECT_EQ(view().model.state, ui::ModelState::ready);
  EXPECT_EQ(view().notices.back().text, "It does not open.");
  controller.on(ui::UiEvent(ui::OpenModel{"/m/large.gguf"}));
  fail("/m/large.gguf", false);
  EXPECT_EQ(asked_engine<engine::LoadModel>().path, "/m/tiny.gguf");
  EXPECT_EQ(view().model.state, ui::ModelState::loading);
  to_engine.clear();
  fail("/m/tiny.gguf", false);
  EXPECT_EQ(last<engine::LoadModel>(to_engine), nullptr) << "once is enough";
  EXPECT_EQ(view().model.state, ui::ModelState::failed);
}

TEST_F(ControllerTest, D58ALoadingSaysHowFarItIs) {
  controller.on(ui::UiEvent(ui::OpenModel{"/m/tiny.gguf"}));
  controller.on(engine::Event(engine::ModelLoading{"/m/tiny.gguf"}));
  EXPECT_LT(view().model.progress, 0);
  controller.on(engine::Event(engine::ModelLoading{"/m/tiny.gguf", 0.43}));
  EXPECT_EQ(view().model.state, ui::ModelState::loading);
  EXPECT_EQ(view().model.progress, 0.43);
  ready();
  EXPECT_LT(view().model.progress, 0);
}

TEST_F(ControllerTest, WhyAModelDidNotOpenIsSaidUntilTheUserOpensAnother) {
  const auto fail = [&](bool kept) { controller.on(engine::Event(engine::ModelFailed{"/m/typo.gguf", {ErrorCode::not_found, "There is no file /m/typo.gguf."}, kept})); };
  ready("/m/tiny.gguf");
  controller.on(storage::Event(event::OpenFailed{{ErrorCode::io, "The database cannot be opened."}}));
  controller.on(ui::UiEvent(ui::OpenModel{"/m/typo.gguf"}));
  fail(true);
  ready("/m/tiny.gguf");
  ASSERT_EQ(view().notices.size(), 2u) << "the one before stands in";
  controller.on(ui::UiEvent(ui::OpenModel{"/m/other.gguf"}));
  EXPECT_EQ(view().notices.size(), 2u);
  ready("/m/other.gguf");
  ASSERT_EQ(view().notices.size(), 1u);
  EXPECT_EQ(view().notices[0].text, "The database cannot be opened. Chats are not saved.");
}

class AdviceTest : public ControllerTest {
 protected:
  static const engine::SamplerParam* param(std::string_view name) { return &*std::ranges::find(engine::sampler_params(), name, &engine::SamplerParam::name); }
  static Controller::Options with_temperature() {
    Controller::Options options;
    options.sampling.temperature = 0.3F;
    options.sampling_named = {param("temperature")};
    return options;
  }
  AdviceTest() : ControllerTest(with_temperature()) {
    controller.start("/m/tiny.gguf");
    controller.on(storage::Event(event::Settings{1, {}}));
  }
};

TEST_F(AdviceTest, OfAModelsFileHoldsForWhatTheUserHasNotNamed) {
  ready("/m/tiny.gguf", {{param("temperature"), 0.6}, {param("top_k"), 20}});
  EXPECT_EQ(view().model.about, "Answers are drawn as the model's file recommends: top-k 20.");
  say("Hi");
  EXPECT_EQ(asked_engine<engine::Generate>().sampling.temperature, 0.3F);
  EXPECT_EQ(asked_engine<engine::Generate>().sampling.top_k, 20);
  done();
  ready("/m/other.gguf");
  EXPECT_EQ(view().model.about, "");
  say("Again");
  EXPECT_EQ(asked_engine<engine::Generate>().sampling.top_k, 40) << "another model's advice";
}

class BuiltinTest : public ControllerTest {
 protected:
  static Controller::Options with_builtin() {
    Controller::Options options;
    options.builtin = "/b/main.gguf";
    return options;
  }
  BuiltinTest() : ControllerTest(with_builtin()) {
    controller.start("");
    controller.on(storage::Event(event::Settings{1, {}}));
  }
  std::string loaded() {
    const auto* letter = last<engine::LoadModel>(to_engine);
    return letter == nullptr ? "" : letter->path.string();
  }
};

TEST_F(BuiltinTest, IsOpenedWhenNothingElseWasEverUsed) {
  EXPECT_FALSE(controller.settled()) << "which model it will be is not known yet";
  EXPECT_EQ(loaded(), "");
  models({});
  EXPECT_EQ(loaded(), "/b/main.gguf");
  EXPECT_EQ(view().model.name, kBuiltinName) << "not main.gguf";
  EXPECT_EQ(view().model.about, "");
  ready("/b/main.gguf");
  EXPECT_EQ(view().model.about, kBuiltinAbout);
  EXPECT_EQ(view().builtin_model.path, "/b/main.gguf");
  EXPECT_EQ(asked_storage<command::RememberModel>().model.path, kBuiltinKey) << "the program may move";
  models({{kBuiltinKey, "tiny", 1234, 1}});
  EXPECT_TRUE(view().recent_models.empty());
  controller.on(ui::UiEvent(ui::OpenModel{"/m/tiny.gguf"}));
  ready();
  EXPECT_EQ(view().model.about, "") << "the sentence is about the built-in one alone";
}

TEST_F(BuiltinTest, GivesWayToTheModelThatWasUsedLast) {
  models({{kBuiltinKey, "b", 5, 1}, {"/m/old.gguf", "Old", 7, 1}, {"/m/older.gguf", "Older", 6, 1}});
  EXPECT_EQ(loaded(), "/m/old.gguf");
  ASSERT_EQ(view().recent_models.size(), 2u);
  ready("/m/old.gguf");
  to_engine.clear();
  models({{"/m/older.gguf", "Older", 9, 1}});
  controller.on(engine::Event(engine::ModelFailed{"/m/x.gguf", {ErrorCode::corrupt, "x.gguf is no GGUF file."}}));
  EXPECT_EQ(loaded(), "/m/old.gguf") << "after the start only the user opens others";
}

TEST_F(BuiltinTest, IsOpenedAgainIfItWasUsedLast) {
  models({{"/m/old.gguf", "Old", 5, 1}, {kBuiltinKey, "b", 7, 1}});
  EXPECT_EQ(loaded(), "/b/main.gguf");
}

TEST_F(BuiltinTest, StandsInForALostModelAndTheLossIsSaid) {
  models({{"/m/old.gguf", "Old", 7, 1}});
  controller.on(engine::Event(engine::ModelFailed{"/m/old.gguf", {ErrorCode::not_found, "There is no file /m/old.gguf."}}));
  EXPECT_EQ(loaded(), "/b/main.gguf");
  EXPECT_EQ(view().notices.back().text, "There is no file /m/old.gguf.");
  to_engine.clear();
  controller.on(engine::Event(engine::ModelFailed{"/b/main.gguf", {ErrorCode::corrupt, "main.gguf is damaged."}}));
  EXPECT_TRUE(to_engine.empty()) << "once is enough";
}

TEST_F(BuiltinTest, IsOpenedWithoutADatabaseToo) {
  controller.on(storage::Event(event::OpenFailed{{ErrorCode::io, "The database cannot be opened."}}));
  EXPECT_EQ(loaded(), "/b/main.gguf");
}

TEST_F(BuiltinTest, IsNotOpenedOverTheUsersChoice) {
  controller.on(ui::UiEvent(ui::OpenModel{"/m/mine.gguf"}));
  models({{"/m/old.gguf", "Old", 7, 1}});
  EXPECT_EQ(loaded(), "/m/mine.gguf");
}

TEST_F(ControllerTest, WithoutABuiltInModelNothingIsOpened) {
  controller.start("");
  controller.on(storage::Event(event::Settings{1, {}}));
  models({});
  EXPECT_TRUE(to_engine.empty());
  EXPECT_TRUE(controller.settled());
  EXPECT_EQ(view().model.state, ui::ModelState::none);
}

}  // namespace
}  // namespace foreword::app
