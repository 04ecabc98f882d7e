/// @file
/// The Unix sockets on which an app listens by path: whose file a path is, and which generation clients meet there.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "midair/error.h"
#include "sockets/socket_call.h"

namespace midair::sidecar {

/// A path that is led is one name for a socket of each generation: the file at the path is that of the generation that
/// is served, and the others' have private names beside it. The switch is one rename(2), and so is the way back: no
/// client finds no file. What an app does to the path (bind, unlink, chmod, chown) comes to its own file, and whoever
/// tries by connecting whether somebody listens there before it binds meets nobody. (Where a connection leads later is
/// the path's business, not that of who connects.)
///
/// A path that isn't led is left alone until a second generation wants it: that gets EADDRINUSE, and conflict() says
/// why.
///
/// getsockname(2) tells a private name. Abstract sockets, and apps that see other mounts or have another root, are left
/// alone. No socket is held here: who listens the kernel tells. Files are those that the app itself would have made. On
/// the loop thread.
class UnixSockets {
 public:
  /// The longest path for which there is room for a private name: `.midair-N-` (sockaddr_un::sun_path has 108 bytes).
  static constexpr std::size_t kMaxPath = 90;

  /// `led`: absolute paths. Removes private names that were left beside them.
  explicit UnixSockets(const std::vector<std::string>& led);

  /// Whether what a new generation does to paths must come here.
  [[nodiscard]] bool hears_paths() const { return !paths_.empty(); }

  /// What a call comes to: 0 or an errno; nothing: the kernel shall do it.
  [[nodiscard]] std::optional<int> bind(unsigned generation, const SocketCall& call);
  [[nodiscard]] std::optional<int> listen(unsigned generation, const SocketCall& call, int socket);
  /// connect(), or a call that names a file.
  [[nodiscard]] std::optional<int> use(unsigned generation, const SocketCall& call);

  /// The switch.
  [[nodiscard]] Result<void> serve_with(unsigned generation);
  /// That generation has ended, with all its processes.
  void ended(unsigned generation);

  /// Of paths that are led: true if that generation listens on one.
  [[nodiscard]] bool listens(unsigned generation) const;
  /// Where clients are served, and that generation doesn't listen; empty if it listens everywhere.
  [[nodiscard]] std::string missing(unsigned generation) const;
  /// True once nobody waits in its queues, or is connected to it.
  [[nodiscard]] bool has_answered_all(unsigned generation) const;
  /// The first path that it listens on, as clients name it; empty if none.
  [[nodiscard]] std::string address_of(unsigned generation) const;
  /// Begins a connection to that one, which reaches that generation, whoever is served. Non-blocking.
  [[nodiscard]] Result<Fd> connect_to(unsigned generation) const;
  /// Why it could not listen where it wanted to; empty if it could.
  [[nodiscard]] std::string conflict(unsigned generation) const;

 private:
  using FileId = std::pair<dev_t, ino_t>;
  struct Path {
    std::filesystem::path path;
    bool led = false;
    unsigned holder = 0;  ///< whose file is there; 0: nobody's
    std::optional<FileId> file{};
    std::map<unsigned, std::string> listeners{};  ///< and the name that each gave its socket
    std::set<unsigned> private_names{};           ///< whose there are

    [[nodiscard]] std::string private_name(unsigned generation) const;
    /// Its file's name; empty if it has none.
    [[nodiscard]] std::string name_of(unsigned generation) const;
    [[nodiscard]] bool may_mean(const std::string& name) const;
  };

  [[nodiscard]] Path* find(const SocketCall& call, const std::string& named);
  [[nodiscard]] Path* find_or_learn(const SocketCall& call, const std::string& named);
  [[nodiscard]] const Path* first_of(unsigned generation) const;
  [[nodiscard]] bool is_anothers(const Path& path, unsigned generation) const;
  [[nodiscard]] int bind_privately(Path& path, unsigned generation, const SocketCall& call);
  [[nodiscard]] std::optional<int> unlink(Path& path, unsigned generation, const SocketCall& call, bool by_its_path);
  [[nodiscard]] std::optional<int> change(const Path& path, unsigned generation, const SocketCall& call,
                                          bool by_its_path);
  [[nodiscard]] static Result<void> name_privately(Path& path, unsigned generation);
  [[nodiscard]] static Result<void> publish(Path& path, unsigned generation);
  static void remove_private_name(Path& path, unsigned generation);
  void refuse(const Path& path, unsigned generation);

  std::vector<Path> paths_;
  std::map<unsigned, std::string> conflicts_;
  unsigned served_ = 0;
};

}  // namespace midair::sidecar
