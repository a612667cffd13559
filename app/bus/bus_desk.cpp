#include "app/bus/bus_desk.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "app/bus/bus_plugin.h"

namespace foreword::app {

class BusDesk::Listener final : public BusListener {
 public:
  explicit Listener(BusDesk& desk) : desk_(desk) {}
  void looks(const Looks& looks) override {
    told_ = true;
    desk_.outbox_.push([hear = desk_.hears_.looks, looks] { hear(looks); });
  }
  void dialogs(bool there) override {
    desk_.outbox_.push([hear = desk_.hears_.dialogs, there] { hear(there); });
  }
  void answered(const FileAnswer& answer) override {
    desk_.outbox_.push([&desk = desk_, answer] {
      const auto tell = desk.asked_.extract(answer.id);
      if (tell) tell.mapped()(choice_of(answer));
    });
  }
  void clicked() override { desk_.outbox_.push(desk_.hears_.clicked); }
  void reader(bool there) override {
    reader_ = there;
    desk_.outbox_.push([hear = desk_.hears_.reader, there] { hear(there); });
  }
  void wished(const AccessibleWish& wish) override {
    desk_.outbox_.push([hear = desk_.hears_.wished, wish] { hear(wish); });
  }
  /// Nothing more will come. What the desktop has said of looks goes on to hold.
  void lost() {
    if (!told_) looks({});
    dialogs(false);
    if (reader_) reader(false);
  }

 private:
  BusDesk& desk_;
  bool told_ = false, reader_ = false;
};

BusDesk::BusDesk(Hears hears, Mailbox<Afterwards>& outbox)
    : hears_(std::move(hears)), outbox_(outbox), waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), inbox_([this] { wake(); }), thread_([this] { run(); }) {}

void BusDesk::end() {
  if (!thread_.joinable()) return;
  inbox_.close();
  wake();
  thread_.join();
  close(waker_);
}

void BusDesk::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(waker_, &one, sizeof(one));  // full: it is awake already
}

void BusDesk::run() {
  Listener listener(*this);
  if (const auto bus = open_desktop_bus(listener)) serve(**bus);
  listener.lost();
  while (auto order = inbox_.take()) (*order)(nullptr);
}

/// Until the bus is lost, or the end.
void BusDesk::serve(DesktopBus& bus) {
  while (!inbox_.closed()) {
    const BusState state = bus.serve(waker_);
    if (state == BusState::lost) return;
    std::uint64_t wakes = 0;
    [[maybe_unused]] const auto read_now = read(waker_, &wakes, sizeof(wakes));
    if (state == BusState::connecting) continue;
    while (auto order = inbox_.try_take()) (*order)(&bus);
  }
}

void BusDesk::ask(FileQuestion question, std::function<void(const FileChoice&)> tell) {
  question.id = next_question_++;
  asked_[question.id] = std::move(tell);
  inbox_.push([this, question = std::move(question)](DesktopBus* bus) {
    if (bus != nullptr) return bus->ask(question);
    Listener(*this).answered({.id = question.id});
  });
}

void BusDesk::announce(std::string sentence) {
  inbox_.push([sentence = std::move(sentence)](DesktopBus* bus) {
    if (bus != nullptr) bus->announce(sentence);
  });
}

void BusDesk::keep_awake(bool on, std::string reason) {
  inbox_.push([on, reason = std::move(reason)](DesktopBus* bus) {
    if (bus != nullptr) bus->keep_awake(on, reason);
  });
}

void BusDesk::show(std::shared_ptr<const AccessibleWindow> window) {
  inbox_.push([window = std::move(window)](DesktopBus* bus) {
    if (bus != nullptr) bus->show(window);
  });
}

void BusDesk::say(std::string sentence) {
  inbox_.push([sentence = std::move(sentence)](DesktopBus* bus) {
    if (bus != nullptr) bus->say(sentence);
  });
}

}  // namespace foreword::app
