// librdkafka, and with it mallopt: what its threads free in one arena others have allocated, and
// glibc's default of eight arenas a core keeps several times what is in use. Glibc's Swift overlay
// does not have malloc.h.
#include <malloc.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
