#include "csimdjson.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include <simdjson.h>

namespace {

using simdjson::dom::element_type;

// A parser frees the memory of a huge document when the next one is small: simdjson keeps about
// fifteen bytes for each byte of the largest document.
constexpr size_t retained_capacity = size_t{1} << 20;

constexpr char out_of_range_mark = '\x7f';

// Inlined where every field of every record comes by.
[[gnu::always_inline]] inline csj_value make_value(simdjson::dom::element element, bool may_be_marked) {
  csj_value value{};
  switch (element.type()) {
    case element_type::NULL_VALUE:
      value.kind = csj_kind_null;
      break;
    case element_type::BOOL:
      value.kind = csj_kind_boolean;
      (void)element.get_bool().get(value.boolean);
      break;
    case element_type::INT64:
      value.kind = csj_kind_integer;
      (void)element.get_int64().get(value.integer);
      break;
    case element_type::UINT64:
      value.kind = csj_kind_unsigned;
      (void)element.get_uint64().get(value.unsigned_integer);
      break;
    case element_type::DOUBLE:
      value.kind = csj_kind_real;
      (void)element.get_double().get(value.real);
      break;
    case element_type::STRING: {
      std::string_view text;
      (void)element.get_string().get(text);
      if (may_be_marked && text.size() >= 3 &&
          text.find_first_not_of(out_of_range_mark) == std::string_view::npos) {
        value.kind = csj_kind_out_of_range;
        break;
      }
      value.kind = csj_kind_string;
      value.text = {text.data(), text.size()};
      break;
    }
    case element_type::ARRAY:
      value.kind = csj_kind_array;
      break;
    case element_type::OBJECT:
      value.kind = csj_kind_object;
      break;
  }
  return value;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The length of the JSON number (RFC 8259, section 6) at the start of `text`; 0 if there is none.
size_t number_length(std::string_view text) {
  size_t at = 0;
  auto digits = [&] {
    size_t start = at;
    while (at < text.size() && is_digit(text[at])) at++;
    return at - start;
  };
  if (at < text.size() && text[at] == '-') at++;
  size_t integer_start = at;
  size_t integer_digits = digits();
  if (integer_digits == 0 || (integer_digits > 1 && text[integer_start] == '0')) return 0;
  if (at < text.size() && text[at] == '.') {
    at++;
    if (digits() == 0) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    at++;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) at++;
    if (digits() == 0) return 0;
  }
  return at;
}

}  // namespace

struct csj_parser {
  std::unique_ptr<simdjson::dom::parser> dom;
  std::unique_ptr<char[]> buffer;
  size_t capacity = 0;
  size_t field_count = 0;
  bool has_marks = false;
  bool is_loose = false;
  std::array<csj_text, csj_max_fields> names{};
  std::array<csj_value, csj_max_fields> values{};
  std::array<simdjson::dom::array, csj_max_fields> arrays{};
  std::array<simdjson::dom::object, csj_max_fields> objects{};
  simdjson::dom::object current;
  bool has_current = false;
  csj_found found{};

  void load(const void *bytes, size_t length);
  uint8_t parse(const void *bytes, size_t length);
  bool mark_numbers_out_of_range(const void *bytes, size_t length);
  void forget();
  size_t field_named(std::string_view key, size_t expected) const;
  size_t field_like(std::string_view key) const;
  size_t fields_inside(simdjson::dom::element element, size_t own) const;
  void collect(simdjson::dom::object object);
  void keep(size_t field, simdjson::dom::element element, bool is_other_spelling);
  void keep_loosely(const simdjson::dom::key_value_pair &member);
};

void csj_parser::load(const void *bytes, size_t length) {
  bool is_oversized = capacity > retained_capacity && length <= retained_capacity;
  if (!dom || length > capacity || is_oversized) {
    size_t wanted = length <= 4096 ? 4096 : length + length / 2;
    buffer.reset();
    capacity = 0;
    dom = std::make_unique<simdjson::dom::parser>();
    buffer.reset(new char[wanted + simdjson::SIMDJSON_PADDING]());
    capacity = wanted;
  }
  if (length > 0) std::memcpy(buffer.get(), bytes, length);
}

// simdjson rejects a number out of range like a malformed one. To identify the field, this
// overwrites such numbers with strings of the same length, made of a mark, for the document to be
// parsed again. Only rejected documents come here, so a text that looks like the mark can't make
// one valid.
bool csj_parser::mark_numbers_out_of_range(const void *bytes, size_t length) {
  std::string_view source(static_cast<const char *>(bytes), length);
  simdjson::dom::parser probe;
  bool found = false;
  bool in_string = false;
  for (size_t at = 0; at < length;) {
    char c = source[at];
    if (in_string) {
      at += c == '\\' ? 2 : 1;
      in_string = c != '"';
      continue;
    }
    if (c == '"') in_string = true;
    if (c != '-' && !is_digit(c)) {
      at++;
      continue;
    }
    size_t token = number_length(source.substr(at));
    if (token == 0) return false;
    // A document may have millions of numbers: without an exponent, none of so few digits is beyond.
    bool has_exponent = source.substr(at, token).find_first_of("eE") != std::string_view::npos;
    bool is_small = token < 20 && !has_exponent;
    if (!is_small && probe.parse(source.data() + at, token).error() == simdjson::NUMBER_ERROR) {
      // The shortest number out of range, 1e309, leaves room for the quotes and three marks.
      std::memset(buffer.get() + at, out_of_range_mark, token);
      buffer[at] = '"';
      buffer[at + token - 1] = '"';
      found = true;
    }
    at += token;
  }
  return found;
}

// Our own records have their fields in the order of the names, so the first try is a hit.
inline size_t csj_parser::field_named(std::string_view key, size_t expected) const {
  size_t candidate = expected;
  for (size_t tried = 0; tried < field_count; tried++, candidate++) {
    if (candidate >= field_count) candidate = 0;
    const csj_text &name = names[candidate];
    if (name.length == key.size() && std::memcmp(name.bytes, key.data(), name.length) == 0) {
      return candidate;
    }
  }
  return field_count;
}

// A field whose letters are the key's, but for their case and for `_` and `-`.
size_t csj_parser::field_like(std::string_view key) const {
  // The next character that counts; -1 at the end.
  auto next = [](std::string_view text, size_t &at) {
    while (at < text.size() && (text[at] == '_' || text[at] == '-')) at++;
    if (at == text.size()) return -1;
    int c = static_cast<unsigned char>(text[at++]);
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
  };
  for (size_t field = 0; field < field_count; field++) {
    std::string_view name(names[field].bytes, names[field].length);
    size_t in_key = 0;
    size_t in_name = 0;
    int of_key;
    int of_name;
    do {
      of_key = next(key, in_key);
      of_name = next(name, in_name);
    } while (of_key == of_name && of_key != -1);
    if (of_key == of_name) return field;
  }
  return field_count;
}

[[gnu::always_inline]] inline void csj_parser::keep(size_t field, simdjson::dom::element element,
                             bool is_other_spelling) {
  csj_value &value = values[field];
  uint32_t bit = uint32_t{1} << field;
  if ((found.present & bit) != 0) {
    // The field's own spelling stands over others.
    if (is_other_spelling && !value.is_loose) return;
    bool is_repeated = is_other_spelling || !value.is_loose;
    found.repeated = is_repeated ? found.repeated | bit : found.repeated & ~bit;
  }
  found.present |= bit;
  value = make_value(element, has_marks);
  value.is_loose = is_other_spelling;
  if (value.kind == csj_kind_array) (void)element.get_array().get(arrays[field]);
  if (value.kind == csj_kind_object) (void)element.get_object().get(objects[field]);
}

[[gnu::noinline]] void csj_parser::keep_loosely(const simdjson::dom::key_value_pair &member) {
  size_t field = field_like(member.key);
  if (field < field_count) {
    keep(field, member.value, true);
  } else {
    found.others++;
  }
}

void csj_parser::collect(simdjson::dom::object object) {
  current = object;
  has_current = true;
  size_t expected = 0;
  for (simdjson::dom::key_value_pair member : object) {
    size_t field = field_named(member.key, expected);
    if (field < field_count) {
      keep(field, member.value, false);
      expected = field + 1;
    } else if (is_loose) {
      keep_loosely(member);
    } else {
      found.others++;
    }
  }
}

void csj_parser::forget() {
  for (size_t field = 0; field < field_count; field++) {
    values[field].kind = csj_kind_absent;
    values[field].is_loose = false;
  }
  found = {};
}

uint8_t csj_parser::parse(const void *bytes, size_t length) {
  forget();
  has_current = false;
  has_marks = false;
  load(bytes, length);
  simdjson::dom::element root;
  simdjson::error_code error = dom->parse(buffer.get(), length, false).get(root);
  if (error == simdjson::NUMBER_ERROR && mark_numbers_out_of_range(bytes, length)) {
    has_marks = true;
    error = dom->parse(buffer.get(), length, false).get(root);
  }
  if (error != simdjson::SUCCESS) return static_cast<uint8_t>(error);
  simdjson::dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) return csj_error_not_an_object;
  collect(object);
  return 0;
}

csj_parser *csj_create(const csj_text *names, size_t count) {
  if (count > csj_max_fields) return nullptr;
  auto *parser = new (std::nothrow) csj_parser;
  if (parser == nullptr) return nullptr;
  parser->field_count = count;
  for (size_t field = 0; field < count; field++) parser->names[field] = names[field];
  return parser;
}

void csj_destroy(csj_parser *parser) { delete parser; }

uint8_t csj_parse(csj_parser *parser, const void *bytes, size_t length) {
  // simdjson returns codes, but allocations may throw, and an exception that reaches Swift ends the
  // process.
  try {
    return parser->parse(bytes, length);
  } catch (...) {
    parser->dom.reset();
    parser->forget();
    parser->has_current = false;
    return csj_error_out_of_memory;
  }
}

const csj_found *csj_found_fields(const csj_parser *parser) { return &parser->found; }

const csj_value *csj_values(const csj_parser *parser) { return parser->values.data(); }

void csj_read_loosely(csj_parser *parser, bool is_loose) { parser->is_loose = is_loose; }

bool csj_enter(csj_parser *parser, size_t field) {
  if (field >= parser->field_count || parser->values[field].kind != csj_kind_object) return false;
  simdjson::dom::object object = parser->objects[field];
  parser->forget();
  parser->collect(object);
  return true;
}

bool csj_has_other_spellings(const csj_parser *parser) {
  if (parser->found.others == 0) return false;
  for (simdjson::dom::key_value_pair member : parser->current) {
    if (parser->field_named(member.key, 0) == parser->field_count &&
        parser->field_like(member.key) < parser->field_count) {
      return true;
    }
  }
  return false;
}

size_t csj_parser::fields_inside(simdjson::dom::element element, size_t own) const {
  simdjson::dom::array array;
  if (element.get_array().get(array) == simdjson::SUCCESS) {
    if (array.begin() == array.end()) return 0;
    element = *array.begin();
  }
  size_t count = 0;
  simdjson::dom::object object;
  if (element.get_object().get(object) == simdjson::SUCCESS) {
    for (simdjson::dom::key_value_pair pair : object) {
      if (std::min(field_named(pair.key, 0), field_like(pair.key)) < own) count++;
    }
    return count;
  }
  std::string_view text;
  if (element.get_string().get(text) != simdjson::SUCCESS || text.empty() ||
      text.front() != '{') {
    return 0;
  }
  text = text.substr(0, 4096);
  for (size_t field = 0; field < own; field++) {
    std::string key = '"' + std::string(names[field].bytes, names[field].length) + '"';
    if (text.find(key) != std::string_view::npos) count++;
  }
  return count;
}

size_t csj_strangers(const csj_parser *parser, size_t own, csj_member *members, size_t capacity) {
  size_t count = 0;
  if (!parser->has_current) return count;
  for (simdjson::dom::key_value_pair stranger : parser->current) {
    if (count == capacity) break;
    if (parser->field_named(stranger.key, 0) < own) continue;
    if (parser->is_loose && parser->field_like(stranger.key) < own) continue;
    csj_member &member = members[count++];
    member.key = {stranger.key.data(), stranger.key.size()};
    member.kind = make_value(stranger.value, parser->has_marks).kind;
    // An exception that reaches Swift ends the process.
    try {
      member.fields_inside = parser->fields_inside(stranger.value, own);
    } catch (...) {
      member.fields_inside = 0;
    }
  }
  return count;
}

size_t csj_copy_json(const csj_parser *parser, size_t field, char *destination, size_t capacity) {
  if (field >= parser->field_count) return 0;
  // An exception that reaches Swift ends the process.
  try {
    std::string text;
    if (parser->values[field].kind == csj_kind_array) {
      text = simdjson::minify(parser->arrays[field]);
    } else if (parser->values[field].kind == csj_kind_object) {
      text = simdjson::minify(parser->objects[field]);
    }
    size_t length = std::min(text.size(), capacity);
    if (length > 0) std::memcpy(destination, text.data(), length);
    return length;
  } catch (...) {
    return 0;
  }
}

size_t csj_array_elements(const csj_parser *parser, size_t field, csj_value *elements,
                          size_t capacity) {
  if (field >= parser->field_count || parser->values[field].kind != csj_kind_array) return 0;
  size_t count = 0;
  for (simdjson::dom::element element : parser->arrays[field]) {
    if (count == capacity) return capacity + 1;
    elements[count++] = make_value(element, parser->has_marks);
  }
  return count;
}

const char *csj_error_message(uint8_t code) {
  switch (code) {
    case csj_error_not_an_object:
      return "The document is not an object";
    case csj_error_out_of_memory:
      return "Not enough memory to parse the document";
    default:
      return code < simdjson::NUM_ERROR_CODES
                 ? simdjson::error_message(static_cast<simdjson::error_code>(code))
                 : "Unknown error";
  }
}

size_t csj_write_double(char *destination, double value) {
  char *end = std::to_chars(destination, destination + csj_double_capacity - 2, value).ptr;
  std::string_view written(destination, static_cast<size_t>(end - destination));
  if (written.find_first_of(".e") == std::string_view::npos) {
    *end++ = '.';
    *end++ = '0';
  }
  return static_cast<size_t>(end - destination);
}
