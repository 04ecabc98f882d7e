#include "release_list.h"

#include <Poco/JSON/Object.h>

#include <algorithm>

#include "midair/foreign_text.h"
#include "midair/human.h"
#include "midair/json/json.h"

namespace midair::host::hot {

namespace {

using Poco::JSON::Object;

constexpr std::size_t kSizeWidth = 10;

void print_json(Console& console, const char* event, Object object) {
  object.set("event", event);
  console.print_json_line(to_canonical_json(object));
}

void print_as_json(const ReleaseListing& listing, Console& console) {
  for (const ManifestFile& file : listing.manifest.files) {
    Object entry;
    entry.set("path", file.path);
    entry.set("size", static_cast<Poco::UInt64>(file.size));
    entry.set("sha256", file.digest);
    entry.set("executable", file.executable);
    print_json(console, "file", entry);
  }
  for (const ManifestDirectory& directory : listing.manifest.directories) {
    Object entry;
    entry.set("path", directory.path);
    print_json(console, "directory", entry);
  }
  for (const ManifestLink& link : listing.manifest.links) {
    Object entry;
    entry.set("path", link.path);
    entry.set("target", link.target);
    print_json(console, "link", entry);
  }
  for (const LeftOut& left : listing.left_out) {
    Object entry;
    entry.set("path", left.name);
    entry.set("by", to_string(left.by));
    print_json(console, "left_out", entry);
  }
  for (const std::string& notice : listing.notices) {
    Object entry;
    entry.set("text", notice);
    print_json(console, "notice", entry);
  }
  Object sum;
  sum.set("files", listing.manifest.files.size());
  sum.set("unpacked_size", static_cast<Poco::UInt64>(listing.unpacked_size));
  sum.set("left_out", listing.left_out.size());
  print_json(console, "listed", sum);
}

std::string line(std::string first, const std::string& rest) {
  first.insert(0, kSizeWidth - std::min(kSizeWidth, first.size()), ' ');
  return first + "  " + rest + "\n";
}

const char* reason(LeftOutBy by) {
  switch (by) {
    case LeftOutBy::by_default: return "by default";
    case LeftOutBy::ignore_file: return "by an ignore file";
    case LeftOutBy::option: return "by --exclude";
  }
  return "";
}

void print_as_text(const ReleaseListing& listing, Console& console) {
  std::string text;
  for (const ManifestFile& file : listing.manifest.files) text += line(format_size(file.size), tame(file.path));
  for (const ManifestDirectory& directory : listing.manifest.directories)
    text += line("directory", tame(directory.path) + "/");
  for (const ManifestLink& link : listing.manifest.links)
    text += line("link", tame(link.path) + " -> " + tame(link.target));
  for (const LeftOut& left : listing.left_out)
    text += console.colour("dim", line("left out", tame(left.name) + " (" + reason(left.by) + ")"));
  const std::size_t count = listing.manifest.files.size();
  text += console.colour("bold", line(format_size(listing.unpacked_size),
                                      "in " + std::to_string(count) + (count == 1 ? " file" : " files")));
  for (const std::string& notice : listing.notices) text += console.colour("yellow", "NOTICE: " + tame(notice)) + "\n";
  console.print(text);
}

}  // namespace

Result<void> print_release_list(const std::filesystem::path& directory, const PackOptions& options, Console& console,
                                const std::stop_token& stop) {
  MIDAIR_TRY_ASSIGN(const ReleaseListing listing, list_release(directory, options, stop));
  console.json() ? print_as_json(listing, console) : print_as_text(listing, console);
  return {};
}

}  // namespace midair::host::hot
