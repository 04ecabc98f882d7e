#include "commands.h"
#include "publisher.h"

namespace midair::host::hot {

CommandSpec faults_command() {
  CommandSpec command;
  command.name = "faults";
  command.summary = "list the points at which a publication can be made to fail";
  command.description = "Set MIDAIR_FAULT=POINT=error|kill|hang|enospc|eio for `midair hot`. For tests only.";
  command.examples = {{"midair faults", "one point a line"}};
  command.run = [](Invocation& invocation) {
    for (const std::string& point : kPublishFaultPoints) invocation.console().print(point + "\n");
    return kExitOk;
  };
  return command;
}

}  // namespace midair::host::hot
