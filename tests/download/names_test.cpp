// Names: what a person may write, and what of the network may become a file's name.

#include "app/download/names.h"

#include <gtest/gtest.h>

namespace foreword::app {
namespace {

const HubSettings kHub{.endpoint = {"https", "huggingface.co", ""}};

TEST(Target, IsRead) {
  struct Row {
    std::string text, repo, quant, revision, file;
  };
  for (const Row& row : {
           Row{"org/repo-GGUF", "org/repo-GGUF", "", "main", ""},
           Row{"org/repo:Q4_K_M", "org/repo", "Q4_K_M", "main", ""},
           Row{"hf.co/org/repo:q8_0", "org/repo", "q8_0", "main", ""},
           Row{"huggingface.co/org/repo/", "org/repo", "", "main", ""},
           Row{"https://huggingface.co/org/repo", "org/repo", "", "main", ""},
           Row{"https://HuggingFace.co:443/org/repo?not-for-all=1#x", "org/repo", "", "main", ""},
           Row{"https://hf.co/org/repo:Q6_K", "org/repo", "Q6_K", "main", ""},
           Row{"https://huggingface.co/org/repo/tree/v2", "org/repo", "", "v2", ""},
           Row{"https://huggingface.co/org/repo/resolve/main/a.gguf?download=true", "org/repo", "", "main", "a.gguf"},
           Row{"https://huggingface.co/org/repo/blob/refs%2Fpr%2F1/sub/a%20b.gguf", "org/repo", "", "refs/pr/1", "sub/a b.gguf"},
       }) {
    const auto target = read_target(row.text, kHub);
    ASSERT_TRUE(target) << row.text;
    EXPECT_EQ(std::tie(target->repo, target->quant, target->revision, target->file), std::tie(row.repo, row.quant, row.revision, row.file)) << row.text;
    EXPECT_FALSE(target->url) << row.text;
  }
  const HubSettings mirror{.endpoint = {"http", "127.0.0.1:8000", "/hub"}};
  EXPECT_EQ(read_target("http://127.0.0.1:8000/hub/org/repo", mirror)->repo, "org/repo");
  EXPECT_EQ(read_target("https://huggingface.co/org/repo", mirror)->repo, "org/repo");
}

TEST(Target, OfAnotherHost) {
  const auto target = read_target("https://example.org/models/My%20Model.GGUF?x=1", kHub);
  ASSERT_TRUE(target && target->url);
  EXPECT_EQ(target->url->text(), "https://example.org/models/My%20Model.GGUF?x=1");
  EXPECT_EQ(target->name, "My Model.GGUF");
  EXPECT_EQ(target->repo, "");
}

TEST(Target, IsRefused) {
  for (const std::string text : {"", "repo", "org/", "/repo", "org/repo/x", "org/repo/resolve/main", "../..", "org/..", "./x", "org/.hidden", "org/re po", "org/repo:", "org/repo:a/b",
                                 "org/repo:../x", "https://huggingface.co/org/repo/resolve/main/config.json", "https://huggingface.co/org/repo/resolve/main/..%2f..%2fa.gguf", "https://example.org/a.zip",
                                 "https://example.org/..%2fa.gguf", "https://example.org/.gguf", "https://example.org/%00a.gguf",
                                 "ftp://example.org/a.gguf", "file:///etc/a.gguf", "https://user@example.org/a.gguf", "https://huggingface.co@evil.example/a.gguf",
                                 "https://evil.example\\@huggingface.co/a.gguf", "https:///a.gguf", "https://exa mple.org/a.gguf"}) {
    EXPECT_FALSE(read_target(text, kHub)) << text;
  }
  EXPECT_FALSE(read_target(std::string("org/re\0po", 9), kHub));
}

TEST(SafePath, StaysBelowItsFolder) {
  for (const std::string name : {"a.gguf", "sub/a.gguf", "ein Modell.gguf", "Модель.gguf", "模型-Q4.gguf"}) EXPECT_EQ(safe_path(name)->string(), name);
  for (const std::string name : {"", "/a", "../a", "a/../b", "a/..", ".", "..", "a//b", "a/", "a\\b", "a\nb",
                                 "a\x1b[2Jb", "\x7f", "\xc2\x9b", ".hidden", "a/.b/c", "\xff", "\xc3", "\xe2\x80\xae.gguf", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_FALSE(safe_path(name)) << name;
  }
  EXPECT_FALSE(safe_path(std::string("a\0b", 3)));
  EXPECT_TRUE(safe_path(std::string(200, 'a')));
  EXPECT_FALSE(safe_path(std::string(201, 'a')));
  std::string deep;
  for (int i = 0; i < 600; ++i) deep += "a/";
  EXPECT_FALSE(safe_path(deep + "b"));
}

TEST(Url, RedirectsLead) {
  const Url from = *parse_url("https://host/a/b?c=d");
  for (const auto& [location, to] : std::initializer_list<std::pair<const char*, const char*>>{
           {"https://cdn:8443/x?y=/z#f", "https://cdn:8443/x?y=/z"}, {"/x", "https://host/x"}, {"x", "https://host/a/x"}, {"?q", "https://host/a/b?q"}, {"//cdn/x", "https://cdn/x"},
           {"HTTP://Cdn:80", "http://cdn/"}, {"/a b\xc3\xa4", "https://host/a%20b%C3%A4"}, {"/x?u=https://other/", "https://host/x?u=https://other/"}, {"https://[::1]:80/x", "https://[::1]:80/x"}}) {
    const auto url = follow(from, location);
    ASSERT_TRUE(url) << location;
    EXPECT_EQ(url->text(), to);
  }
  for (const char* location : {"ftp://host/x", "https://a@b/x", "https://h\\x", "/a\r\nX: y", "https://", "https://host:x/", "https://host:1234567/", "javascript://x", "//"})
    EXPECT_FALSE(follow(from, location)) << location;
  EXPECT_EQ(parse_url("https://host:443")->origin(), parse_url("HTTPS://HOST/x")->origin());
  EXPECT_NE(parse_url("http://host")->origin(), parse_url("https://host")->origin());
  EXPECT_NE(parse_url("https://host:444")->origin(), parse_url("https://host")->origin());
  EXPECT_EQ(percent_decoded("%41%zz%4"), "A%zz%4");
  EXPECT_EQ(percent_encoded("a/b c", true), "a/b%20c");
  EXPECT_EQ(percent_encoded("a/b"), "a%2Fb");
}

}  // namespace
}  // namespace foreword::app
