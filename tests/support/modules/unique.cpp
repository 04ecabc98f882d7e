// A template's static: without -fno-gnu-unique every version of the module has one and the same.
#include <midair/module.h>

template <class T>
struct Counter {
  __attribute__((visibility("default"))) static T value;
};
template <class T>
T Counter<T>::value{};

static int start(void**, midair_error*) { return ++Counter<int>::value; }
static void stop(void*) {}
static const midair_function calls[] = {{nullptr, nullptr}};

const midair_module midair_module_table = {.abi = MIDAIR_MODULE_ABI,
                                           .flags = 0,
                                           .name = "evil",
                                           .version = "1",
                                           .schema = nullptr,
                                           .imports = nullptr,
                                           .calls = calls,
                                           .start = start,
                                           .stop = stop,
                                           .suspend = nullptr,
                                           .resume = nullptr,
                                           .units = nullptr,
                                           .export_state = nullptr,
                                           .reserve = nullptr,
                                           .import_state = nullptr,
                                           .complete = nullptr,
                                           .downgrade = nullptr,
                                           .health = nullptr};
