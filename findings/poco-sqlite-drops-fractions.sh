#!/bin/sh
# Poco 1.11.0 (libpocodatasqlite80 1.11.0-3+deb12u1, Debian 12): a DateTime that is bound for SQLite loses its
# fraction of a second, without a word; the same value by the same library's formatter keeps it.
#
# Guess: milliseconds are kept: Poco::DateTime has microseconds, SQLite's date functions know fractions.
# Seen: 20:32:11.567 is stored as the text 2026-11-27T20:32:11Z and read back as 20:32:11.000.
# Lesson: times by which rows are put in order, or compared with the clock, are bound as integers, or as
# texts of our own.
. "$(dirname "$0")/lib.sh"

expected='before:  2026-11-27T20:32:11.567000Z
stored:  2026-11-27T20:32:11Z
read:    2026-11-27T20:32:11.000000Z'

command -v g++ >/dev/null || cannot "there is no g++"
version=1.11.0-3+deb12u1
debs libpoco-dev=$version libpocofoundation80=$version libpocodata80=$version libpocodatasqlite80=$version \
  libsqlite3-0=3.40.1-2+deb12u2 libpcre3=2:8.39-15
cat >"$work/try.cpp" <<'CPP'
#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <iostream>

using namespace Poco::Data::Keywords;

std::string text(const Poco::DateTime& time) {
  return Poco::DateTimeFormatter::format(time, Poco::DateTimeFormat::ISO8601_FRAC_FORMAT);
}

int main() {
  Poco::Data::SQLite::Connector::registerConnector();
  Poco::Data::Session session("SQLite", ":memory:");
  session << "create table times (at datetime)", now;
  Poco::DateTime before(2026, 11, 27, 20, 32, 11, 567), after;
  session << "insert into times values (?)", use(before), now;
  std::string stored;
  session << "select cast(at as text) from times", into(stored), now;
  session << "select at from times", into(after), now;
  std::cout << "before:  " << text(before) << "\nstored:  " << stored << "\nread:    " << text(after) << "\n";
}
CPP
libraries=$root_libraries:$work/root/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
g++ -std=c++20 -w -I"$work/root/usr/include" "$work/try.cpp" -o "$work/try" -L"$root_libraries" \
  -lPocoDataSQLite -lPocoData -lPocoFoundation -Wl,-rpath-link,"$libraries" \
  >"$work/build.log" 2>&1 || cannot "$(head -n 1 "$work/build.log")"
LD_LIBRARY_PATH=$libraries "$work/try" | verdict
