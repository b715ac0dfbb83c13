#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A C interface to simdjson's DOM parser, for what a topic's records need: the values of a fixed
// list of top-level fields. Swift can't import simdjson's C++ directly.
//
// This uses the DOM parser, not the on-demand one, because it validates the whole document (UTF-8,
// nesting, every number), including the parts that are not read.

#ifdef __cplusplus
extern "C" {
#endif

/// A reusable parser for one list of fields. Belongs to one thread at a time.
typedef struct csj_parser csj_parser;

/// UTF-8 bytes without a terminating NUL.
typedef struct csj_text {
  const char *bytes;
  size_t length;
} csj_text;

typedef enum __attribute__((enum_extensibility(closed))) csj_kind : uint8_t {
  csj_kind_absent = 0,
  csj_kind_null = 1,
  csj_kind_boolean = 2,
  /// An integer that fits an int64_t.
  csj_kind_integer = 3,
  /// An integer that fits only a uint64_t.
  csj_kind_unsigned = 4,
  csj_kind_real = 5,
  /// A well-formed number that fits neither 64 bits nor a double, such as 1e999.
  csj_kind_out_of_range = 6,
  csj_kind_string = 7,
  csj_kind_array = 8,
  csj_kind_object = 9,
} csj_kind;

typedef struct csj_value {
  csj_kind kind;
  /// The key is spelled otherwise than the field; see `csj_read_loosely`.
  bool is_loose;
  union {
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double real;
    /// In the parser's memory: valid until the next `csj_parse` or `csj_destroy`.
    csj_text text;
  };
} csj_value;

/// Which fields were found: a bit for each, by its index.
typedef struct csj_found {
  uint32_t present;
  /// Those whose key occurs more than once; the last value counts.
  uint32_t repeated;
  /// How many other keys there are, except those that were taken for a field.
  size_t others;
} csj_found;

enum {
  /// Codes beyond simdjson's own.
  csj_error_not_an_object = 250,
  csj_error_out_of_memory = 251,
};

/// The most fields a parser can look for.
enum { csj_max_fields = 32 };

/// Makes a parser, or returns NULL if there is no memory or there are too many fields. The names
/// must outlive the parser.
csj_parser *csj_create(const csj_text *names, size_t count);

void csj_destroy(csj_parser *parser);

/// Parses a document and finds the fields' values. Returns 0 or an error code; after an error all
/// values are absent. The bytes need no padding. They are copied, because simdjson reads past the
/// end of its input, and what follows a payload of librdkafka is not ours to read.
uint8_t csj_parse(csj_parser *parser, const void *bytes, size_t length);

/// Whether keys are taken for a field that differ from it only in the case of letters and in `_` and
/// `-`, unless the object has the field itself. Not so at first.
void csj_read_loosely(csj_parser *parser, bool is_loose);

/// Finds the fields' values again, in the object that is the value of a field. Returns false, and
/// changes nothing, if it is none.
bool csj_enter(csj_parser *parser, size_t field);

/// A key that is no field.
typedef struct csj_member {
  csj_text key;
  csj_kind kind;
  /// How many fields are keys of what it holds: an object, the first object of an array, or an
  /// object as text.
  size_t fields_inside;
} csj_member;

/// Whether a key that is no field, of the object whose values were found last, would be taken for
/// one if keys were read loosely.
bool csj_has_other_spellings(const csj_parser *parser);

/// Copies the first `capacity` keys that are none of the first `own` fields, of the object whose
/// values were found last, and returns how many there were. They are valid as long as texts.
size_t csj_strangers(const csj_parser *parser, size_t own, csj_member *members, size_t capacity);

/// Writes an array or object field without blanks to `destination`, cut to `capacity`, and returns
/// how many bytes it wrote; 0 for any other field.
size_t csj_copy_json(const csj_parser *parser, size_t field, char *destination, size_t capacity);

/// The values found last, in the order of the names.
const csj_value *csj_values(const csj_parser *parser);

/// Which of them there are. The place is the same for all documents.
const csj_found *csj_found_fields(const csj_parser *parser);

/// Copies the first `capacity` elements of an array field to `elements`, and returns how many there
/// are, but at most `capacity` + 1.
size_t csj_array_elements(const csj_parser *parser, size_t field, csj_value *elements,
                          size_t capacity);

/// Describes an error code, in simdjson's words. Never NULL.
const char *csj_error_message(uint8_t code);

/// The most bytes `csj_write_double` writes.
enum { csj_double_capacity = 32 };

/// Writes a finite double as the shortest decimal that reads back the same, always with a point or
/// an exponent, so that readers take it for a floating-point number. Returns its length.
size_t csj_write_double(char *destination, double value);

#ifdef __cplusplus
}
#endif
