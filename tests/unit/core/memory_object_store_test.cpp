#include "midair/store/memory_object_store.h"

#include "object_store_conformance.h"

namespace midair {

class MemoryObjectStoreTest : public ObjectStoreConformance {
  CPPUNIT_TEST_SUB_SUITE(MemoryObjectStoreTest, ObjectStoreConformance);
  CPPUNIT_TEST_SUITE_END();

 protected:
  std::shared_ptr<ObjectStore> open() override { return store_; }

 private:
  const std::shared_ptr<ObjectStore> store_ = std::make_shared<MemoryObjectStore>();
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(MemoryObjectStoreTest, "memory_object_store");

}  // namespace midair
