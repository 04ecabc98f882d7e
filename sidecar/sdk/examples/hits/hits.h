// What the server and every version of the module "hits" agree on.
#pragma once

#include <string>

/// Counts one visit to `path` and gives the page.
using Visit = std::string(const std::string& path);
