#include "file_token_store.h"

#include "temp_dir.h"
#include "token_store_conformance.h"

namespace midair::host::tokens {

/// The store of the example plugin, which others will start from.
class FileTokenStoreTest : public TokenStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(FileTokenStoreTest, TokenStoreConformance);
  CPPUNIT_TEST_SUITE_END();

 protected:
  std::shared_ptr<TokenStore> open() override { return std::make_shared<FileTokenStore>(directory_ / "tokens"); }

 private:
  const TempDir directory_;
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(FileTokenStoreTest, "file_token_store");

}  // namespace midair::host::tokens
