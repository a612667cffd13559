#include "storage/chat_store.h"

#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class ChatStoreTest : public StoreTest {};

std::vector<std::string> texts(const std::vector<PathEntry>& path) {
  std::vector<std::string> result;
  for (const PathEntry& entry : path) result.push_back(entry.message.content);
  return result;
}
using Texts = std::vector<std::string>;

TEST_F(ChatStoreTest, keeps_every_field_across_a_restart) {
  Id chat_id = 0, message_id = 0;
  NewMessage message = said(0, 0, "Hello", Role::assistant);
  {
    auto store = open();
    chat_id = must(store->create_chat({"Title", true, "/models/a.gguf", "Be brief.", R"({"n":1})"})).id;
    message.chat_id = chat_id;
    message.reasoning = "because";
    message.model = "a";
    message.settings = R"({"seed":7})";
    message.stats = {100, 90, 20, 0.25, 1.5, "end", 2.5};
    message_id = must(store->append(message)).id;
  }
  auto store = open();
  const Chat chat = must(store->chat(chat_id));
  EXPECT_EQ(chat.title, "Title");
  EXPECT_TRUE(chat.title_by_user);
  EXPECT_EQ(chat.model_path, "/models/a.gguf");
  EXPECT_EQ(chat.system_prompt, "Be brief.");
  EXPECT_EQ(chat.settings, R"({"n":1})");
  EXPECT_GT(chat.updated_at, chat.created_at);
  const Message saved = must(store->message(message_id));
  EXPECT_EQ(saved.role, Role::assistant);
  EXPECT_EQ(saved.status, Status::complete);
  EXPECT_EQ(saved.content, "Hello");
  EXPECT_EQ(saved.reasoning, "because");
  EXPECT_EQ(saved.model, "a");
  EXPECT_EQ(saved.settings, R"({"seed":7})");
  EXPECT_EQ(saved.stats.prompt_tokens, 100);
  EXPECT_EQ(saved.stats.reused_tokens, 90);
  EXPECT_EQ(saved.stats.generated_tokens, 20);
  EXPECT_EQ(saved.stats.first_token_seconds, 0.25);
  EXPECT_EQ(saved.stats.reasoning_seconds, 2.5);
  EXPECT_EQ(saved.stats.seconds, 1.5);
  EXPECT_EQ(saved.stats.stop_reason, "end");
}

TEST_F(ChatStoreTest, keeps_every_byte_of_a_text) {
  std::string every_byte;
  for (int c = 0; c < 256; ++c) every_byte += static_cast<char>(c);
  std::string long_text;
  while (long_text.size() < 10'000'000) long_text += "Schöne Grüße, 世界 👋🏽! ";
  const std::string cases[] = {"",
                               "plain",
                               "family 👨‍👩‍👧‍👦, flag 🇯🇵, 漢字かな交じり文, ไทย, עברית, e\u0301",
                               "half a character: \xe4\xb8",
                               "\xff\xfe\xc0\x80\xed\xa0\x80 bad bytes",
                               std::string("zero\0inside", 11),
                               every_byte,
                               long_text};
  auto store = open();
  const Id chat = must(store->create_chat({"😀 \xff"})).id;
  std::vector<Id> ids;
  for (const std::string& text : cases) ids.push_back(must(store->append(said(chat, 0, text))).id);
  store.reset();
  store = open();
  EXPECT_EQ(must(store->chat(chat)).title, "😀 \xff");
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_TRUE(must(store->message(ids[i])).content == cases[i]) << "case " << i;
  }
  must(store->database().check_integrity());
}

TEST_F(ChatStoreTest, lists_pinned_then_latest_chats) {
  auto store = open();
  const Id a = must(store->create_chat({"a"})).id;
  const Id b = must(store->create_chat({"b"})).id;
  const Id c = must(store->create_chat({"c"})).id;
  must(store->append(said(a, 0, "newest")));
  must(store->pin_chat(b, true));
  std::vector<Id> order;
  for (const Chat& chat : must(store->chats())) order.push_back(chat.id);
  EXPECT_EQ(order, (std::vector<Id>{b, a, c}));
}

TEST_F(ChatStoreTest, D42_an_automatic_title_never_replaces_a_persons) {
  auto store = open();
  const Id chat = must(store->create_chat({"New chat"})).id;
  must(store->set_automatic_title(chat, "Automatic"));
  EXPECT_EQ(must(store->chat(chat)).title, "Automatic");
  must(store->rename_chat(chat, "Mine"));
  must(store->set_automatic_title(chat, "Other"));
  EXPECT_EQ(must(store->chat(chat)).title, "Mine");
}

TEST_F(ChatStoreTest, D36_D37_edits_become_siblings_and_each_parent_remembers_its_shown_child) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  const Id question = must(store->append(said(chat, 0, "q1"))).id;
  const Id first = must(store->append(said(chat, question, "a1", Role::assistant))).id;
  must(store->append(said(chat, first, "follow-up")));
  const Id second = must(store->append(said(chat, question, "a2", Role::assistant))).id;
  EXPECT_EQ(texts(must(store->shown_path(chat))), (Texts{"q1", "a2"}));
  must(store->show(first));
  EXPECT_EQ(texts(must(store->shown_path(chat))), (Texts{"q1", "a1", "follow-up"}));
  EXPECT_EQ(must(store->shown_path(chat))[1].siblings, (std::vector<Id>{first, second}));
  EXPECT_EQ(must(store->siblings(second)), (std::vector<Id>{first, second}));

  const Id edited = must(store->append(said(chat, 0, "q2"))).id;
  EXPECT_EQ(texts(must(store->shown_path(chat))), (Texts{"q2"}));
  EXPECT_EQ(must(store->siblings(edited)), (std::vector<Id>{question, edited}));
  must(store->show(question));  // the branch below it is as it was left
  EXPECT_EQ(texts(must(store->shown_path(chat))), (Texts{"q1", "a1", "follow-up"}));
  EXPECT_EQ(texts(must(store->path_to(second))), (Texts{"q1", "a2"}));
  EXPECT_EQ(must(store->children(chat, question)).size(), 2u);
  EXPECT_EQ(must(store->shown_child(chat, question)), first);
}

TEST_F(ChatStoreTest, deleting_a_branch_shows_the_newest_that_is_left) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  const Id question = must(store->append(said(chat, 0, "q"))).id;
  const Id first = must(store->append(said(chat, question, "a1", Role::assistant))).id;
  const Id second = must(store->append(said(chat, question, "a2", Role::assistant))).id;
  must(store->append(said(chat, second, "below")));
  must(store->delete_branch(second));
  EXPECT_EQ(texts(must(store->shown_path(chat))), (Texts{"q", "a1"}));
  EXPECT_EQ(must(store->siblings(first)), (std::vector<Id>{first}));
  must(store->delete_branch(question));
  EXPECT_TRUE(must(store->shown_path(chat)).empty());
  EXPECT_EQ(store->delete_branch(question).error().code, ErrorCode::not_found);
}

TEST_F(ChatStoreTest, a_chain_of_5000_messages_opens_and_goes) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  {
    auto transaction = must(store->database().begin());
    for (int i = 1; i <= 5000; ++i) {
      const NullableId parent{i - 1};
      must(store->database().execute(
          "INSERT INTO messages (chat_id, parent_id, role, status, created_at, content) "
          "VALUES (?, ?, 'user', 'complete', 0, 'm')",
          chat, parent));
    }
    must(transaction.commit());
  }
  must(store->show(5000));
  EXPECT_EQ(must(store->shown_path(chat)).size(), 5000u);
  EXPECT_EQ(must(store->path_to(5000)).front().message.id, 1);
  must(store->delete_branch(2));
  EXPECT_EQ(must(store->shown_path(chat)).size(), 1u);
  must(store->delete_chat(chat));
  EXPECT_EQ(store->message(1).error().code, ErrorCode::not_found);
}

TEST_F(ChatStoreTest, a_long_chain_goes_with_its_chat) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  Id parent = 0;
  auto transaction = must(store->database().begin());
  for (int i = 1; i <= 3000; ++i) {
    must(store->database().execute(
        "INSERT INTO messages (chat_id, parent_id, role, status, created_at, content) "
        "VALUES (?, ?, 'user', 'complete', 0, 'm')",
        chat, NullableId{parent}));
    parent = store->database().last_insert_id();
  }
  must(transaction.commit());
  must(store->delete_chat(chat));
  EXPECT_TRUE(must(store->chats()).empty());
  EXPECT_TRUE(must(store->search("m", 10)).empty());
}

TEST_F(ChatStoreTest, D39_streams_finishes_and_resumes) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  const Id id = must(store->append(answer(chat, 0))).id;
  must(store->update_text(id, "Once", "hm"));
  must(store->update_text(id, "Once upon", "hmm"));
  EXPECT_EQ(must(store->message(id)).status, Status::streaming);
  EXPECT_TRUE(must(store->search("upon", 10)).empty()) << "growing texts are not indexed";
  const MessageEnd end{Status::stopped, {10, 5, 3, 0.1, 0.2, "stop"}};
  const Message stopped = must(store->finish(id, "Once upon a", "hmm.", end));
  EXPECT_EQ(stopped.status, Status::stopped);
  EXPECT_EQ(stopped.content, "Once upon a");
  EXPECT_EQ(stopped.stats.stop_reason, "stop");
  EXPECT_EQ(must(store->search("upon", 10)).size(), 1u);

  must(store->resume(id));
  EXPECT_TRUE(must(store->search("upon", 10)).empty());
  must(store->finish(id, "Once upon a time", "", {Status::complete, {}}));
  EXPECT_EQ(must(store->search("time", 10)).size(), 1u);
  EXPECT_EQ(store->resume(id).error().code, ErrorCode::invalid_argument);
  must(store->database().check_integrity());
}

TEST_F(ChatStoreTest, D36_finished_text_never_changes) {
  auto store = open();
  const Id chat = must(store->create_chat({})).id;
  const Id id = must(store->append(said(chat, 0, "final"))).id;
  EXPECT_EQ(store->update_text(id, "other", "").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store->finish(id, "other", "", {}).error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(store->database().execute("UPDATE messages SET content = 'other'"));
  EXPECT_EQ(must(store->message(id)).content, "final");
}

TEST_F(ChatStoreTest, broken_promises_are_refused_and_change_nothing) {
  auto store = open();
  const Id a = must(store->create_chat({"a"})).id;
  const Id b = must(store->create_chat({"b"})).id;
  const Id in_a = must(store->append(said(a, 0, "x"))).id;
  EXPECT_EQ(store->append(said(b, in_a, "x")).error().code, ErrorCode::not_found);
  EXPECT_EQ(store->append(said(77, 0, "x")).error().code, ErrorCode::not_found);
  EXPECT_EQ(store->rename_chat(77, "x").error().code, ErrorCode::not_found);
  EXPECT_EQ(store->shown_path(77).error().code, ErrorCode::not_found);
  EXPECT_EQ(store->path_to(77).error().code, ErrorCode::not_found);
  EXPECT_EQ(store->show(77).error().code, ErrorCode::not_found);
  EXPECT_EQ(store->update_text(77, "", "").error().code, ErrorCode::not_found);
  EXPECT_EQ(store->finish(in_a, "", "", {Status::streaming, {}}).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(must(store->children(b, 0)).empty());
}

TEST_F(ChatStoreTest, settings_and_models) {
  auto store = open();
  EXPECT_FALSE(must(store->setting("theme")).has_value());
  must(store->set_setting("theme", "dark"));
  must(store->set_setting("theme", "light"));
  must(store->set_setting("scale", "1.25"));
  EXPECT_EQ(must(store->setting("theme")), "light");
  EXPECT_EQ(must(store->settings()).size(), 2u);
  must(store->erase_setting("theme"));
  EXPECT_FALSE(must(store->setting("theme")).has_value());

  must(store->remember_model({"/a.gguf", "A", 5, 100}));
  must(store->remember_model({"/b.gguf", "B", 6, 200}));
  must(store->remember_model({"/a.gguf", "A again", 7, 101}));
  const std::vector<ModelRecord> models = must(store->models());
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "A again");
  EXPECT_EQ(models[0].size, 101);
  must(store->forget_model("/a.gguf"));
  EXPECT_EQ(must(store->models()).size(), 1u);
}

TEST_F(ChatStoreTest, WhatTheUserSaidOldestFirstWithoutWhatIsInTheBin) {
  auto store = open();
  const Id one = must(store->create_chat({})).id, two = must(store->create_chat({})).id;
  const Id first = must(store->append(said(one, 0, "a"))).id;
  must(store->append(said(one, first, "answer", Role::assistant)));
  const Id branch = must(store->append(said(one, first, "b"))).id;
  must(store->append(said(two, 0, "c")));
  const auto texts = [&](std::int64_t most) {
    std::string all;
    for (const SaidText& each : must(store->said(most))) all += std::to_string(each.chat == one ? 1 : 2) + each.text + " ";
    return all;
  };
  EXPECT_EQ(texts(10), "1a 1b 2c ");
  EXPECT_EQ(texts(2), "1b 2c ") << "the newest count";
  must(store->delete_branch(branch));
  EXPECT_EQ(texts(10), "1a 2c ");
  must(store->delete_chat(two));
  EXPECT_EQ(texts(10), "1a ");
}

}  // namespace
}  // namespace foreword::storage
