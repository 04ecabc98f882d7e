// The module "hits" with a state that is nothing but large: a visit to "/fill/N" makes it N pieces of a MiB.
#include <cstdint>
#include <midair/module.hpp>
#include <mutex>
#include <string>
#include <vector>

#include "hits.h"

namespace {

constexpr std::size_t kPiece = 1 << 20;
constexpr std::string_view kFill = "/fill/";

class Bulk {
 public:
  static constexpr midair::ModuleInfo kInfo{.name = "hits", .version = HITS_VARIANT, .schema = "bulk/1"};

  std::string visit(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (path.starts_with(kFill)) pieces_.assign(std::stoul(path.substr(kFill.size())), Piece(kPiece, 'x'));
    return path + ": " + std::to_string(pieces_.size()) + " pieces\n";
  }

  [[nodiscard]] std::size_t units() const { return pieces_.size(); }
  void export_state(std::size_t unit, midair::Output& out) const { out.lend(pieces_[unit].data(), kPiece); }
  void reserve(std::size_t units) { pieces_.resize(units); }
  void import_state(std::string_view, std::size_t unit, std::string_view bytes) {
    pieces_[unit].assign(bytes.begin(), bytes.end());
  }

 private:
  using Piece = std::vector<char>;

  std::mutex mutex_;
  std::vector<Piece> pieces_;
};

}  // namespace

MIDAIR_MODULE(Bulk, midair::call<&Bulk::visit>("visit"));
