#include "midair/host/event_bus.h"

#include <exception>
#include <list>
#include <map>
#include <mutex>

#include "midair/json/json.h"
#include "midair/log.h"

namespace midair::host {

std::string to_json(const Event& event) {
  auto json = event.fields();
  json.set("event", event.name());
  return to_canonical_json(json);
}

/// Who listens to what. Delivery is done topic by topic, so that all subscribers hear the same order.
class InProcessEventBus::Topics {
 public:
  /// One subscriber. Called under its own lock, which its end takes too: afterwards nobody is inside.
  class Listener {
   public:
    explicit Listener(EventHandler handler) : handler_(std::move(handler)) {}

    void hear(const std::string& topic, const std::shared_ptr<const Event>& event) {
      const std::scoped_lock lock(mutex_);
      if (!handler_) return;
      try {
        handler_(event);
      } catch (const std::exception& failure) {
        log(LogLevel::error, "event.handler_failed", {{"topic", topic}, {"error", failure.what()}});
      }
    }
    void end() {
      const std::scoped_lock lock(mutex_);
      handler_ = nullptr;
    }

   private:
    std::mutex mutex_;
    EventHandler handler_;  ///< guarded by mutex_; empty once it has ended
  };

  struct Topic {
    std::mutex delivery;  ///< held while one event is delivered
    std::list<std::shared_ptr<Listener>> listeners;
  };

  void deliver(const std::string& name, const std::shared_ptr<const Event>& event) {
    const auto topic = find(name);
    if (!topic) return;
    const std::scoped_lock delivering(topic->delivery);
    for (const auto& listener : listeners_of(*topic)) listener->hear(name, event);
  }

  void add(const std::string& name, std::shared_ptr<Listener> listener) {
    const std::scoped_lock lock(mutex_);
    auto& topic = topics_[name];
    if (!topic) topic = std::make_shared<Topic>();
    topic->listeners.push_back(std::move(listener));
  }

  void remove(const std::string& name, const std::shared_ptr<Listener>& listener) {
    const std::scoped_lock lock(mutex_);
    const auto topic = topics_.find(name);
    topic->second->listeners.remove(listener);
    if (topic->second->listeners.empty()) topics_.erase(topic);
  }

 private:
  std::shared_ptr<Topic> find(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto topic = topics_.find(name);
    return topic == topics_.end() ? nullptr : topic->second;
  }
  std::list<std::shared_ptr<Listener>> listeners_of(const Topic& topic) {
    const std::scoped_lock lock(mutex_);
    return topic.listeners;
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Topic>> topics_;  ///< and their lists of listeners; guarded by mutex_
};

InProcessEventBus::InProcessEventBus() : topics_(std::make_shared<Topics>()) {}
InProcessEventBus::~InProcessEventBus() = default;

void InProcessEventBus::publish(const std::string& topic, std::shared_ptr<const Event> event) {
  topics_->deliver(topic, event);
}

Subscription InProcessEventBus::subscribe(const std::string& topic, EventHandler handler) {
  auto listener = std::make_shared<Topics::Listener>(std::move(handler));
  topics_->add(topic, listener);
  const auto leave = [topics = topics_, topic, listener](void*) {
    topics->remove(topic, listener);
    listener->end();
  };
  return Subscription(std::shared_ptr<void>(nullptr, leave));
}

}  // namespace midair::host
