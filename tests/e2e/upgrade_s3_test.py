"""The same ten upgrades through a real S3 server. Run by tests/support/s3/with-s3."""

import os
import unittest
import uuid

import upgrade_test


class UpgradeUnderLoadOnS3(upgrade_test.UpgradeUnderLoad):
    def setUp(self):
        super().setUp()
        self.address = f"s3://{os.environ['MIDAIR_TEST_BUCKET']}/{uuid.uuid4().hex[:8]}"


if __name__ == "__main__":
    unittest.main()
