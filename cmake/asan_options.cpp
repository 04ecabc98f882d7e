// LeakSanitizer of GCC 12 sometimes crashes over thread-local storage of what was loaded with dlopen, as plugins are,
// when it follows it by the calls to __tls_get_addr. Without that it still finds what is lost.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name for it
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0"; }
