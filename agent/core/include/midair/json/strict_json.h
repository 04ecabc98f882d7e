/// @file
/// The strict parser beneath json.h, for documents too long to become a tree of objects.
#pragma once

#include <Poco/JSON/Handler.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "midair/error.h"

namespace midair {

/// Passes everything on to a target, which derived classes may exchange.
class ForwardingHandler : public Poco::JSON::Handler {
 public:
  explicit ForwardingHandler(Poco::JSON::Handler& target) : target_(&target) {}

  void reset() override { target_->reset(); }
  void startObject() override { target_->startObject(); }
  void endObject() override { target_->endObject(); }
  void startArray() override { target_->startArray(); }
  void endArray() override { target_->endArray(); }
  void key(const std::string& name) override { target_->key(name); }
  void null() override { target_->null(); }
  void value(int v) override { target_->value(v); }
  void value(unsigned v) override { target_->value(v); }
  void value(Poco::Int64 v) override { target_->value(v); }
  void value(Poco::UInt64 v) override { target_->value(v); }
  void value(const std::string& v) override { target_->value(v); }
  void value(double v) override { target_->value(v); }
  void value(bool v) override { target_->value(v); }

 protected:
  Poco::JSON::Handler* target_;
};

/// Tells `handler` what `text` consists of, in its order. Errc::corrupt as for parse_json_object(), or if `handler`
/// throws a Poco::Exception, whose message is the cause. On an error it may have been told of a part, or of everything.
[[nodiscard]] Result<void> parse_json_strictly(std::string_view text, const std::string& subject,
                                               std::uint64_t max_bytes, Poco::JSON::Handler& handler);

/// Checks text that is passed on as it is: as parse_json_strictly(), but for integers, which their reader judges.
[[nodiscard]] Result<void> check_json(std::string_view text, const std::string& subject, std::uint64_t max_bytes);

}  // namespace midair
