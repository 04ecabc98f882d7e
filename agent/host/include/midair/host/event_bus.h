/// @file
/// What happens, told to whoever listens: services publish typed events, and text, JSON, streams and scripts subscribe.
#pragma once

#include <Poco/JSON/Object.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace midair::host {

/// What happened, as one message. Immutable once it is published, so it may be shared between threads.
class Event {
 public:
  virtual ~Event() = default;
  /// "packed": stable, lower case.
  [[nodiscard]] virtual std::string name() const = 0;
  /// Its fields in their one stable shape; who publishes documents them.
  [[nodiscard]] virtual Poco::JSON::Object fields() const = 0;

  /// The value, for those who know its type; null if it is of another.
  template <class T>
  [[nodiscard]] const T* as() const;
};

/// An event made of any value that has `name_of(value)` and `fields_of(value)` beside it.
template <class T>
class EventOf final : public Event {
 public:
  explicit EventOf(T value) : value_(std::move(value)) {}
  [[nodiscard]] std::string name() const override { return name_of(value_); }
  [[nodiscard]] Poco::JSON::Object fields() const override { return fields_of(value_); }
  [[nodiscard]] const T& value() const { return value_; }

 private:
  const T value_;
};

template <class T>
const T* Event::as() const {
  const auto* typed = dynamic_cast<const EventOf<T>*>(this);
  return typed != nullptr ? &typed->value() : nullptr;
}

/// One line for machines: the fields and `event`, keys in order.
[[nodiscard]] std::string to_json(const Event& event);

/// Hears events. May be called on any thread, by one at a time for each topic.
using EventHandler = std::function<void(const std::shared_ptr<const Event>&)>;

/// Listens for as long as it lives. When its destructor has returned, the handler is not running and never runs again;
/// so it must not be destroyed by its own handler.
class Subscription {
 public:
  explicit Subscription(std::shared_ptr<void> held) : held_(std::move(held)) {}

 private:
  std::shared_ptr<void> held_;
};

/// Carries events from publishers to subscribers. The host offers one as service "events". Thread-safe.
///
/// Topics are "<kind>:<id>", e.g. "rollout:01J...". What is published at a topic reaches each of its subscribers in
/// that order. Nothing is kept for those who come later.
class EventBus {
 public:
  virtual ~EventBus() = default;
  /// Never fails, and never throws what a handler throws.
  virtual void publish(const std::string& topic, std::shared_ptr<const Event> event) = 0;
  [[nodiscard]] virtual Subscription subscribe(const std::string& topic, EventHandler handler) = 0;

  /// Publishes a value: see EventOf.
  template <class T>
  void publish_value(const std::string& topic, T value) {
    publish(topic, std::make_shared<const EventOf<T>>(std::move(value)));
  }
};

/// Within one process: handlers are called on the publisher's thread, in the order in which they subscribed, before
/// publish() returns. So a handler has to be quick; one that may wait brings a queue of its own. What a handler throws
/// is logged, and the others still hear.
class InProcessEventBus final : public EventBus {
 public:
  InProcessEventBus();
  ~InProcessEventBus() override;
  void publish(const std::string& topic, std::shared_ptr<const Event> event) override;
  [[nodiscard]] Subscription subscribe(const std::string& topic, EventHandler handler) override;

 private:
  class Topics;
  const std::shared_ptr<Topics> topics_;  ///< outlives the bus in its subscriptions
};

}  // namespace midair::host
