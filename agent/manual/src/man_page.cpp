#include "midair/manual/man_page.h"

#include <algorithm>
#include <sstream>

namespace midair::manual {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

/// A word that troff must print as it is typed: its dashes are no hyphens, so that they can be copied and searched.
std::string literal(const std::string& text) {
  std::string page;
  for (const char c : troff_text(text)) page += c == '-' ? std::string("\\-") : std::string(1, c);
  return page;
}

/// An argument of a macro.
std::string quoted(const std::string& text) {
  std::string page;
  for (const char c : literal(text)) page += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return "\"" + page + "\"";
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return text;
}

std::string page_name(const std::string& program, const std::string& command) {
  return command.empty() ? program : program + "-" + command;
}

std::string head(const std::string& name, const std::string& summary, const Program& program) {
  return ".TH " + quoted(upper(name)) + " 1 \"\" " + quoted(program.name + " " + program.version) +
         " \"User Commands\"\n.SH NAME\n" + literal(name) + " \\- " + troff_text(summary) + "\n";
}

std::string section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : ".SH " + quoted(title) + "\n" + text;
}

/// Paragraphs; a single line break in `text` is a break in the page too.
std::string paragraphs(const std::string& text) {
  std::istringstream lines(text);
  std::string page, line;
  bool begins = true;
  while (std::getline(lines, line)) {
    if (!line.empty()) page += (begins ? "" : ".br\n") + troff_text(line) + "\n";
    if (line.empty() && !begins) page += ".PP\n";
    begins = line.empty();
  }
  return page;
}

std::string rows(const Rows& entries) {
  std::string page;
  for (const auto& [term, text] : entries) page += ".TP\n.B " + quoted(term) + "\n" + paragraphs(text);
  return page;
}

std::string options(const std::vector<Option>& options) {
  Rows entries;
  for (const auto& option : options) entries.emplace_back(synopsis_of(option), help_of(option));
  return rows(entries);
}

std::string synopsis(const std::string& usage) { return ".B " + quoted(usage) + "\n"; }

std::string examples(const Command& command) {
  std::string page;
  for (const auto& [line, what] : command.examples) page += ".TP\n.B " + quoted(line) + "\n" + troff_text(what) + "\n";
  return page;
}

std::string sections(const Program& program) {
  std::string page;
  for (const auto& each : program.sections) page += section(each.title, paragraphs(each.text) + rows(each.rows));
  return page;
}

/// A command as a part of a longer page.
std::string subsection(const Command& command, const Program& program) {
  std::string page = ".SS " + quoted(command.name) + "\n" + synopsis(usage_of(command, program)) + ".PP\n" +
                     troff_text(command.summary + ".") + "\n";
  if (!command.description.empty()) page += ".PP\n" + paragraphs(command.description);
  return page + options(command.options) + examples(command);
}

std::string subsections(const std::vector<Command>& commands, const Program& program) {
  std::string page;
  for (const auto& command : commands)
    if (!command.is_group) page += subsection(command, program);
  return page;
}

std::string see_also(const std::vector<std::string>& pages) {
  std::string text;
  for (const auto& page : pages) text += (text.empty() ? ".BR " : ",\n.BR ") + literal(page) + " (1)";
  return section("SEE ALSO", text + "\n");
}

}  // namespace

std::string troff_text(const std::string& text) {
  std::string page;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) page += "\\&";
    page += c == '\\' ? std::string("\\e") : std::string(1, c);
    line_begins = c == '\n';
  }
  return page;
}

std::string program_page(const Program& program) {
  Rows commands;
  std::vector<std::string> pages;
  for (const auto& command : members_of("", program)) {
    commands.emplace_back(command.name, command.summary);
    pages.push_back(page_name(program.name, command.name));
  }
  return head(program.name, program.summary, program) + section("SYNOPSIS", synopsis(general_usage(program))) +
         section("DESCRIPTION", paragraphs(program.description)) + section("COMMANDS", rows(commands)) +
         section("OPTIONS", options(program.options)) + sections(program) + see_also(pages);
}

std::string whole_page(const Program& program) {
  return head(program.name, program.summary, program) + section("SYNOPSIS", synopsis(general_usage(program))) +
         section("DESCRIPTION", paragraphs(program.description)) + section("OPTIONS", options(program.options)) +
         section("COMMANDS", subsections(program.commands, program)) + sections(program);
}

std::string command_page(const Command& command, const Program& program) {
  const auto members = command.is_group ? members_of(command.name, program) : std::vector<Command>();
  return head(page_name(program.name, command.name), command.summary, program) +
         section("SYNOPSIS", synopsis(usage_of(command, program))) +
         section("DESCRIPTION", paragraphs(command.description)) + section("OPTIONS", options(command.options)) +
         section("COMMANDS", subsections(members, program)) +
         section("OPTIONS OF EVERY COMMAND", options(program.options)) + section("EXAMPLES", examples(command)) +
         see_also({program.name});
}

}  // namespace midair::manual
