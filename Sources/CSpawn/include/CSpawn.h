#ifndef CSPAWN_H
#define CSPAWN_H

#include <sys/types.h>

// What a child is started with; posix_spawn(3) can't tie it to its parent.
struct cspawn_child {
  const char *file;  // a path, or a name to look for in the PATH
  char *const *arguments;
  char *const *environment;
  int input;               // becomes its standard input; -1 for /dev/null
  int output;              // becomes its standard output and error; -1 for `output_file`
  const char *output_file;  // is appended to, private to its owner; null: as the parent's own
  int outlives_parent;     // in a session of its own; otherwise killed when the parent's thread ends
};

// Starts a child in a process group of its own, with the ordinary effect of every signal.
//
// Call it on a thread that lives as long as the child may: the kernel counts the end of the thread
// that started a child as the end of its parent (prctl(2), PR_SET_PDEATHSIG).
//
// Returns the child's id, or the negative of an error code.
pid_t cspawn_start(const struct cspawn_child *child);

#endif
