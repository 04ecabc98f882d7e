#include "own_means.h"

#include <nss.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "held.h"

namespace midair::sidecar {

void rely_on_own_means() {
  // The entry took the first letter of LD_... and GLIBC_TUNABLES: the second tells which it was.
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (**variable == HELD) **variable = (*variable)[1] == 'D' ? 'L' : 'G';
  // Both are built into our C library; modules that nsswitch.conf may name belong to the image's.
  ::__nss_configure_lookup("hosts", "files dns");
  // Which may name providers that belong to the image's OpenSSL.
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

}  // namespace midair::sidecar
