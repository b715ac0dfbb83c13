#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A C face for simdjson's DOM parser, narrowed to what records of a topic need: the values of a
// fixed list of top-level fields. simdjson itself is C++ and can't be imported by Swift as it is.
//
// The DOM parser is used rather than the on-demand one, because it validates the whole document
// (UTF-8, nesting, every number), also the parts nobody asked for.

#ifdef __cplusplus
extern "C" {
#endif

/// A reusable parser for one list of fields. Belongs to one thread at a time.
typedef struct csj_parser csj_parser;

/// Bytes of UTF-8, not terminated by NUL.
typedef struct csj_text {
  const char *bytes;
  size_t length;
} csj_text;

typedef enum __attribute__((enum_extensibility(closed))) csj_kind : uint8_t {
  csj_kind_absent = 0,
  csj_kind_null = 1,
  csj_kind_boolean = 2,
  /// An integer that an int64_t holds.
  csj_kind_integer = 3,
  /// An integer beyond int64_t that a uint64_t holds.
  csj_kind_unsigned = 4,
  csj_kind_real = 5,
  /// A well-formed number that neither 64 bits nor a double hold, such as 1e999.
  csj_kind_out_of_range = 6,
  csj_kind_string = 7,
  csj_kind_array = 8,
  csj_kind_object = 9,
} csj_kind;

typedef struct csj_value {
  csj_kind kind;
  /// The key occurs more than once; the value is that of its last occurrence.
  bool is_duplicate;
  union {
    bool boolean;
    int64_t integer;
    uint64_t unsigned_integer;
    double real;
    /// In the parser's own memory: valid until the next `csj_parse` or `csj_destroy`.
    csj_text text;
  };
} csj_value;

enum {
  /// Codes beyond simdjson's own.
  csj_error_not_an_object = 250,
  csj_error_out_of_memory = 251,
};

/// The most fields a parser can look for.
enum { csj_max_fields = 32 };

/// Makes a parser, or returns NULL when there is no memory or too many fields. The names must
/// outlive the parser.
csj_parser *csj_create(const csj_text *names, size_t count);

void csj_destroy(csj_parser *parser);

/// Parses a document and finds the fields' values. Returns 0 or an error code; after an error all
/// values are absent. The bytes need no padding, they are copied: simdjson reads past the end of
/// its input, where librdkafka's payloads are followed by memory of someone else.
uint8_t csj_parse(csj_parser *parser, const void *bytes, size_t length);

/// The values found by the last `csj_parse`, in the order of the names.
const csj_value *csj_values(const csj_parser *parser);

/// Copies the first `capacity` elements of a field that is an array to `elements`, and returns how
/// many there are, at most `capacity` + 1.
size_t csj_array_elements(const csj_parser *parser, size_t field, csj_value *elements,
                          size_t capacity);

/// What an error code means: simdjson's own sentence. Never NULL.
const char *csj_error_message(uint8_t code);

/// The most bytes `csj_write_double` writes.
enum { csj_double_capacity = 32 };

/// Writes a finite double as the shortest decimal that reads back as the same double, always with
/// a point or an exponent, so that readers keep it a floating-point number. Returns its length.
size_t csj_write_double(char *destination, double value);

#ifdef __cplusplus
}
#endif
