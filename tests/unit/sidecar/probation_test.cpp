#include "swap/probation.h"

#include <cppunit/extensions/HelperMacros.h>

#include "result_asserts.h"

namespace midair::sidecar {

namespace {

const Error kIll{Errc::refused, "serve", "the app", "it is not well"};

/// One probation whose check answers as told, round by round, and well after that.
struct Patient {
  Patient(EventLoop& loop, std::chrono::milliseconds length, std::vector<bool> answers)
      : rounds_(std::move(answers)), probation_(loop, length, {[this, &loop](unsigned, StepDone answer) {
                                                  const bool well = round_ >= rounds_.size() || rounds_[round_];
                                                  ++round_;
                                                  loop.post([well, answer = std::move(answer)] {
                                                    answer(well ? Result<void>{} : Result<void>{kIll});
                                                  });
                                                }}) {}

  void begin(std::function<void()> ended) {
    probation_.begin(1, nullptr, [this, ended = std::move(ended)](const Result<void>& result) {
      passed = static_cast<bool>(result);
      ended();
    });
  }

  std::optional<bool> passed;
  [[nodiscard]] std::size_t rounds() const { return round_; }

 private:
  const std::vector<bool> rounds_;
  std::size_t round_ = 0;
  Probation probation_;
};

}  // namespace

class ProbationTest : public CppUnit::TestFixture {
  CPPUNIT_TEST_SUITE(ProbationTest);
  CPPUNIT_TEST(three_failures_in_a_row_end_it_and_fewer_are_forgiven);
  CPPUNIT_TEST_SUITE_END();

  /// Side by side, as rounds are a second apart.
  void three_failures_in_a_row_end_it_and_fewer_are_forgiven() {
    const auto loop = value_of(EventLoop::create());
    const std::chrono::milliseconds length(4500);
    Patient well(*loop, length, {});
    Patient flapping(*loop, length, {false, false});
    Patient ill(*loop, std::chrono::hours(1), {true, false, false, false});
    int left = 3;
    for (Patient* patient : {&well, &flapping, &ill})
      patient->begin([&] {
        if (--left == 0) loop->quit();
      });
    loop->run();
    CPPUNIT_ASSERT(well.passed == true);
    CPPUNIT_ASSERT(flapping.passed == true);
    CPPUNIT_ASSERT(ill.passed == false);
    CPPUNIT_ASSERT_EQUAL(std::size_t{4}, ill.rounds());
  }
};

CPPUNIT_TEST_SUITE_NAMED_REGISTRATION(ProbationTest, "probation");

}  // namespace midair::sidecar
