#include "midair/json/json.h"

#include <Poco/JSON/ParseHandler.h>

#include <sstream>

#include "midair/json/strict_json.h"
#include "utf8.h"

namespace midair {

Result<Poco::JSON::Object::Ptr> parse_json_object(std::string_view text, const std::string& subject,
                                                  std::uint64_t max_bytes) {
  Poco::JSON::ParseHandler tree;
  MIDAIR_TRY(parse_json_strictly(text, subject, max_bytes, tree));
  const Poco::Dynamic::Var root = tree.asVar();
  if (root.type() == typeid(Poco::JSON::Object::Ptr)) return root.extract<Poco::JSON::Object::Ptr>();
  return Error{Errc::corrupt, "read", subject, "it is not a JSON object"};
}

std::string to_canonical_json(const Poco::JSON::Object& object) {
  std::ostringstream text;
  object.stringify(text);
  return replace_invalid_utf8(text.str());  // Poco writes what it is given
}

}  // namespace midair
