/// @file
/// midair as a Poco application.
#pragma once

#include <Poco/Util/ServerApplication.h>

namespace midair::host {

/// Hands argv to an Agent as it is: options are parsed there, by the command tables.
class AgentApplication final : public Poco::Util::ServerApplication {
 public:
  AgentApplication();

  /// Runs midair; the exit status. (The base's run() would take `--daemon` for itself.)
  int execute(int argc, char** argv);

 protected:
  void defineOptions(Poco::Util::OptionSet& options) override;
  int main(const ArgVec& args) override;
};

}  // namespace midair::host
