#include "midair/host/memory_token_store.h"

#include "token_store_conformance.h"

namespace midair::host {

class MemoryTokenStoreTest : public TokenStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(MemoryTokenStoreTest, TokenStoreConformance);
  CPPUNIT_TEST_SUITE_END();

 protected:
  std::shared_ptr<TokenStore> open() override { return store_; }

 private:
  const std::shared_ptr<TokenStore> store_ = std::make_shared<MemoryTokenStore>();
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MemoryTokenStoreTest, "memory_token_store");

}  // namespace midair::host
