#include "application.h"

#include <cstdlib>

#include "agent.h"

namespace midair::host {

AgentApplication::AgentApplication() { stopOptionsProcessing(); }

int AgentApplication::execute(int argc, char** argv) {
  init(argc, argv);
  return run();
}

/// Without the base's --daemon, --pidfile and --umask.
void AgentApplication::defineOptions(Poco::Util::OptionSet&) {}

int AgentApplication::main(const ArgVec& args) {
  Agent agent(args);
  const int status = agent.run();
  if (agent.abandoned()) std::_Exit(status);  // a thread of a plugin is still at work in what destructors would remove
  return status;
}

}  // namespace midair::host
