/// @file
/// Runs the CppUnit suite that the first argument names; a suite that isn't there or has no test is a failure.
#include <cppunit/BriefTestProgressListener.h>
#include <cppunit/CompilerOutputter.h>
#include <cppunit/TestResult.h>
#include <cppunit/TestResultCollector.h>
#include <cppunit/TestRunner.h>
#include <cppunit/extensions/TestFactoryRegistry.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " SUITE\n";
    return 64;
  }
  CppUnit::Test* suite = CppUnit::TestFactoryRegistry::getRegistry(argv[1]).makeTest();
  if (suite->countTestCases() == 0) {
    std::cerr << "no tests in suite '" << argv[1] << "'\n";
    return 64;
  }
  CppUnit::TestResult controller;
  CppUnit::TestResultCollector collector;
  CppUnit::BriefTestProgressListener progress;
  controller.addListener(&collector);
  controller.addListener(&progress);
  CppUnit::TestRunner runner;
  runner.addTest(suite);
  runner.run(controller);
  CppUnit::CompilerOutputter(&collector, std::cerr).write();
  return collector.wasSuccessful() ? 0 : 1;
}
