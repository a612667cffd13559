#pragma once
// What the benchmarks of drafts ask.

#include <string>
#include <vector>

namespace foreword::engine {

/// Requests of one kind: chats of one question, or beginnings of a text.
struct Kind {
  const char* name;
  bool chat;
  std::vector<std::string> prompts;
};

inline std::vector<Kind> kinds() {
  const std::string wrong[] = {
      "Yesterday we has walked along the river to the old mill. The water were high, and the path was full of mud, but nobody minded. At the mill we ate our bread and looked at the wheel, which turn slowly in the sun.",
      "I want to thank you for the quick answer. The meeting on Thursday are fine for me. Please bring the list of open questions, so that we can talk about it one by one, and tell Anna that the room is booked until four oclock.",
      "The garden behind the house is not large, but it have everything: two apple trees, a bench, and a small pond with fishes. In spring the birds comes back and build their nests in the hedge beside the gate.",
      "Our train leave at seven in the morning. We should meet at the station at half past six, because the ticket office are closed on Sundays and the machine takes only coins. I will bring coffee for all of us."};
  Kind edits{"edits", true, {}};
  for (const std::string& text : wrong) edits.prompts.push_back("Correct the mistakes in this text: " + text);
  return {std::move(edits),
          {"chat", true, {"What should I cook tonight?", "Why is the sky blue?", "Tell me something about dogs.", "How do I write a good letter?", "What is a river?", "Can you help me plan a birthday party?", "Which book should I read next?", "Explain what a bank does.", "Write a short story about a cat.", "What is the difference between rain and snow?", "Give me three ideas for a weekend.", "Who are you?",
                         "How do I get a red wine stain out of a shirt?", "What can I give my mother for her birthday?", "Why do leaves fall in autumn?", "How long do I boil an egg?", "Tell me a joke.", "What is a glacier?",
                         "I cannot sleep. What can I do?", "How do I thank a colleague for his help?", "What is the capital of France?", "Write a poem about the sea.", "How do bees make honey?", "What should I pack for a week in the mountains?",
                         "Explain what a computer does.", "I am learning English. How can I practise?", "What is a good breakfast?", "Write a short letter to my landlord about the heating.", "How does a bicycle stay upright?", "What do I do with old bread?",
                         "Can you recommend a game for five children?", "Why is the sea salty?", "How do I ask for a day off?", "What is a volcano?", "Describe a walk through a forest.", "What is the best way to learn a poem by heart?"}},
          {"mail", false, {"Dear Ms. Brown,\n\nthank you for your message. I would like to", "Hello Tom,\n\nunfortunately I cannot come to the meeting on", "Dear team,\n\nplease find attached the", "Hi Anna,\n\nI hope you are well. I am writing to ask whether",
                           "Dear Sir or Madam,\n\nwe received your order and", "Hello everybody,\n\na short reminder that"}},
          {"prose", false, {"The old man opened the door and", "It was a cold morning in November when", "She had never seen the sea before, and", "Nobody in the village knew why", "The train stopped in the middle of the", "In the evening, when the lamps were lit,"}}};
}

}  // namespace foreword::engine
