/// @file
/// A secret never gets out, whatever text stands around it.
#include "midair/redact.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace midair;
  const std::string text(text_of(data, size));
  for (const char* secret :
       {" fm2_lJPE+hunter2/", " Bearer hunter2.hunter2.hunter2", " https://me:hunter2@example.com/"})
    require(redact(text.substr(0, size / 2) + secret + text.substr(size / 2)).find("hunter2") == std::string::npos ||
            text.find("hunter2") != std::string::npos);
  return 0;
}
