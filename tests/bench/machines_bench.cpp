/// machines-bench FILE: decodes a list of machines as the client does, and prints a line for each.
#include <fstream>
#include <iostream>
#include <sstream>

#include "midair/host/machine.h"

int main(int argc, char** argv) {
  std::ostringstream text;
  if (argc == 2) text << std::ifstream(argv[1]).rdbuf();
  const auto list = midair::JsonText::parse(std::move(text).str(), "the list", 1 << 30);
  if (!list.ok() || !list->is_array()) return 1;
  for (const auto& element : list->elements()) {
    const auto machine = midair::host::Machine::from_json(element);
    if (!machine.ok()) return 1;
    std::cout << machine->id << ' ' << machine->state << ' ' << machine->region << ' ' << machine->process_group()
              << '\n';
  }
  return 0;
}
