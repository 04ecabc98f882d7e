#include "midair/release/writable_places.h"

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/release/manifest.h"

namespace midair {

namespace {

Error refused(const std::string& name, const std::string& cause) {
  return {Errc::bad_input, "make a writable place of", "'" + printable(name) + "'", cause,
          "name directories of the release, relative to it, such as tmp or public/uploads"};
}

/// Sorted, without slashes at the ends, and without what lies below another.
Result<std::vector<std::string>> tidied(std::vector<std::string> names) {
  for (std::string& name : names) {
    const std::string given = name;
    while (name.size() > 1 && name.ends_with('/')) name.pop_back();
    if (auto checked = check_entry_name(name); !checked) return refused(given, checked.error().cause);
    if (name == kManifestName) return refused(given, "it is the release's manifest");
  }
  std::ranges::sort(names);
  std::vector<std::string> outermost;
  for (std::string& name : names)
    if (place_around(outermost, name) == nullptr) outermost.push_back(std::move(name));
  return outermost;
}

}  // namespace

const std::string* place_around(const std::vector<std::string>& places, std::string_view name) {
  const auto place = std::ranges::find_if(places, [name](const std::string& candidate) {
    return name.starts_with(candidate) && (name.size() == candidate.size() || name[candidate.size()] == '/');
  });
  return place == places.end() ? nullptr : &*place;
}

Result<WritablePlaces> WritablePlaces::make(std::vector<std::string> kept, std::vector<std::string> fresh) {
  WritablePlaces places;
  MIDAIR_TRY_ASSIGN(places.kept, tidied(std::move(kept)));
  MIDAIR_TRY_ASSIGN(places.fresh, tidied(std::move(fresh)));
  for (const std::string& name : places.kept)
    if (const std::string* around = place_around(places.fresh, name))
      return refused(name, *around == name ? "it can't be both kept and fresh"
                                           : "it is to be kept, and lies in '" + *around + "', which is not");
  return places;
}

Result<WritablePlaces> WritablePlaces::joined(const WritablePlaces& a, const WritablePlaces& b) {
  std::vector<std::string> kept = a.kept, fresh = a.fresh;
  kept.insert(kept.end(), b.kept.begin(), b.kept.end());
  fresh.insert(fresh.end(), b.fresh.begin(), b.fresh.end());
  return make(std::move(kept), std::move(fresh));
}

bool WritablePlaces::contain(std::string_view name) const {
  return place_around(kept, name) != nullptr || place_around(fresh, name) != nullptr;
}

}  // namespace midair
