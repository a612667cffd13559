// The bin, forks and whole chats.
#include "tests/storage/store_test.h"

namespace foreword::storage {
namespace {

class BinTest : public StoreTest {
 protected:
  void SetUp() override {
    store_ = open();
    chat_ = must(store_->create_chat({"walks"})).id;
    question_ = must(store_->append(said(chat_, 0, "where to walk"))).id;
    first_ = must(store_->append(said(chat_, question_, "along the coast", Role::assistant))).id;
    second_ = must(store_->append(said(chat_, question_, "up the mountain", Role::assistant))).id;
    below_ = must(store_->append(said(chat_, second_, "which mountain"))).id;
  }
  std::vector<Id> path() {
    std::vector<Id> ids;
    for (const PathEntry& entry : must(store_->shown_path(chat_))) ids.push_back(entry.message.id);
    return ids;
  }
  std::unique_ptr<ChatStore> store_;
  Id chat_ = 0, question_ = 0, first_ = 0, second_ = 0, below_ = 0;
};
using Ids = std::vector<Id>;

TEST_F(BinTest, D16_a_deleted_chat_is_neither_listed_nor_found_and_comes_back_whole) {
  const Id entry = must(store_->bin_chat(chat_));
  EXPECT_TRUE(must(store_->chats()).empty());
  EXPECT_TRUE(must(store_->search("coast", 10)).empty());
  EXPECT_TRUE(must(store_->search("walks", 10)).empty());
  EXPECT_TRUE(must(store_->search("alk", 10)).empty());
  EXPECT_TRUE(must(store_->search("al", 10)).empty());
  EXPECT_EQ(store_->bin_chat(chat_).error().code, ErrorCode::invalid_argument);
  store_.reset();
  store_ = open();
  const std::vector<BinEntry> bin = must(store_->bin());
  ASSERT_EQ(bin.size(), 1u);
  EXPECT_EQ(bin[0].title, "walks");
  EXPECT_EQ(bin[0].message_id, 0);
  EXPECT_EQ(must(store_->restore(entry)), chat_);
  EXPECT_EQ(must(store_->chats()).size(), 1u);
  EXPECT_EQ(must(store_->search("coast", 10)).size(), 1u);
  EXPECT_EQ(path(), (Ids{question_, second_, below_}));
  EXPECT_EQ(store_->restore(entry).error().code, ErrorCode::not_found);
}

TEST_F(BinTest, D38_a_deleted_branch_gives_way_to_its_sibling_and_comes_back) {
  const Id entry = must(store_->bin_branch(second_));
  EXPECT_EQ(path(), (Ids{question_, first_}));
  EXPECT_EQ(must(store_->siblings(first_)), (Ids{first_}));
  EXPECT_TRUE(must(store_->search("mountain", 10)).empty());
  EXPECT_EQ(must(store_->bin()).at(0).excerpt, "up the mountain");
  EXPECT_EQ(store_->bin_branch(second_).error().code, ErrorCode::invalid_argument);
  must(store_->restore(entry));
  EXPECT_EQ(path(), (Ids{question_, second_, below_})) << "what was shown is shown again";
  EXPECT_EQ(must(store_->search("mountain", 10)).size(), 1u);
}

TEST_F(BinTest, D38_deletions_within_deletions_are_undone_one_by_one) {
  const Id inner = must(store_->bin_branch(below_)), outer = must(store_->bin_branch(second_));
  must(store_->restore(outer));
  EXPECT_EQ(path(), (Ids{question_, second_}));
  must(store_->restore(inner));
  EXPECT_EQ(path(), (Ids{question_, second_, below_}));
  const Id again = must(store_->bin_branch(below_));
  must(store_->bin_branch(question_));
  EXPECT_TRUE(path().empty());
  must(store_->restore(again));
  EXPECT_EQ(path(), (Ids{question_, second_, below_})) << "nothing comes back below what is still deleted";
  EXPECT_TRUE(must(store_->bin()).empty());
}

TEST_F(BinTest, D16_who_goes_on_in_what_another_program_deleted_takes_it_back) {
  auto other = open();
  const auto go_on = [&](Role role) { return must(store_->append(said(chat_, below_, "and then", role))).id; };
  must(other->bin_branch(below_));
  must(other->bin_branch(second_));
  const Id apart = must(other->bin_branch(first_));
  must(other->bin_chat(chat_));
  go_on(Role::assistant);
  EXPECT_TRUE(must(store_->chats()).empty()) << "an answer that was on its way when the chat was deleted";
  const Id message = go_on(Role::user);
  EXPECT_EQ(must(store_->chats()).size(), 1u);
  EXPECT_EQ(path(), (Ids{question_, second_, below_, message}));
  ASSERT_EQ(must(store_->bin()).size(), 1u);
  EXPECT_EQ(must(store_->bin())[0].id, apart) << "the other branch stays deleted";
}

TEST_F(BinTest, D16_after_thirty_days_the_next_start_deletes_for_good) {
  must(store_->bin_branch(first_));
  const Id other = must(store_->create_chat({"other"})).id;
  must(store_->bin_chat(other));
  now_ += ChatStore::kBinMilliseconds - 1000;
  store_.reset();
  store_ = open();
  EXPECT_EQ(must(store_->bin()).size(), 2u);
  now_ += 2000;
  store_.reset();
  store_ = open();
  EXPECT_TRUE(must(store_->bin()).empty());
  EXPECT_EQ(store_->chat(other).error().code, ErrorCode::not_found);
  EXPECT_EQ(store_->message(first_).error().code, ErrorCode::not_found);
  EXPECT_EQ(path(), (Ids{question_, second_, below_}));
  must(store_->database().check_integrity());
}

TEST_F(BinTest, D38_a_fork_holds_the_way_to_its_message_and_leaves_the_chat_alone) {
  const Chat fork = must(store_->fork(first_));
  EXPECT_NE(fork.id, chat_);
  EXPECT_EQ(fork.title, "walks");
  const auto copy = must(store_->shown_path(fork.id));
  ASSERT_EQ(copy.size(), 2u);
  EXPECT_EQ(copy[1].message.content, "along the coast");
  EXPECT_EQ(copy[1].siblings.size(), 1u);
  EXPECT_EQ(path(), (Ids{question_, second_, below_}));
  EXPECT_EQ(store_->fork(999).error().code, ErrorCode::not_found);
}

TEST_F(BinTest, D42_folders_are_paths_that_chats_are_moved_to) {
  must(store_->move_chat(chat_, " Work / Reports//"));
  EXPECT_EQ(must(store_->chat(chat_)).folder, "Work/Reports");
  EXPECT_EQ(must(store_->fork(first_)).folder, "Work/Reports") << "beside the chat that it comes from";
  const Id other = must(store_->create_chat({"other"})).id, near = must(store_->create_chat({"near"})).id;
  must(store_->move_chat(other, "Work"));
  must(store_->move_chat(near, "Workshop"));
  must(store_->rename_folder("Work", "Büro"));
  EXPECT_EQ(must(store_->chat(chat_)).folder, "Büro/Reports");
  EXPECT_EQ(must(store_->chat(other)).folder, "Büro");
  EXPECT_EQ(must(store_->chat(near)).folder, "Workshop") << "only whole names count";
  must(store_->rename_folder("Büro", ""));
  EXPECT_EQ(must(store_->chat(chat_)).folder, "Reports");
  EXPECT_EQ(must(store_->chat(other)).folder, "");
  EXPECT_EQ(store_->rename_folder("", "x").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(store_->move_chat(999, "x").error().code, ErrorCode::not_found);
}

TEST_F(BinTest, a_whole_chat_is_read_and_added_again) {
  must(store_->show(first_));
  const ChatTree tree = must(store_->tree(chat_));
  EXPECT_EQ(tree.messages.size(), 4u);
  const Chat copy = must(store_->add_tree(tree));
  const auto shown = must(store_->shown_path(copy.id));
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[1].message.content, "along the coast");
  EXPECT_EQ(shown[1].message.created_at, tree.messages[1].message.created_at);
  ChatTree broken = tree;
  std::swap(broken.messages[0], broken.messages[1]);
  EXPECT_EQ(store_->add_tree(broken).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(must(store_->chats()).size(), 2u) << "a broken chat leaves nothing behind";
}

}  // namespace
}  // namespace foreword::storage
