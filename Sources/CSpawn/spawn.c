#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Everything from here to `cspawn_start` runs in the child, between fork and exec, where only
// async-signal-safe functions may be called.

static int place(int descriptor, int target) {
  // dup2 to itself would leave it to be closed by exec.
  if (descriptor == target) return fcntl(descriptor, F_SETFD, 0);
  return dup2(descriptor, target);
}

static int open_files(const struct cspawn_child *child) {
  int input = child->input >= 0 ? child->input : open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input < 0 || place(input, STDIN_FILENO) < 0) return -1;
  int output = child->output;
  if (output < 0 && child->output_file) {
    output = open(child->output_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0) return -1;
  }
  if (output < 0) return 0;
  return place(output, STDOUT_FILENO) < 0 ? -1 : place(output, STDERR_FILENO);
}

static int tie(const struct cspawn_child *child, pid_t parent) {
  if (child->outlives_parent) return setsid() < 0 ? -1 : 0;
  if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return -1;
  // A parent that had ended before sends no signal any more.
  if (getppid() != parent) _exit(127);
  return 0;
}

static void reset_signals(void) {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const struct cspawn_child *child, pid_t parent, int report) {
  reset_signals();
  // Out of the way of the child's standard files, in case the parent has none.
  if (report <= STDERR_FILENO) report = fcntl(report, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
#ifdef SYS_close_range
  // Whatever else is open here must not stay open there.
  syscall(SYS_close_range, 3U, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
#endif
  if (tie(child, parent) == 0 && open_files(child) >= 0) {
    execvpe(child->file, child->arguments, child->environment);
  }
  int code = errno;
  ssize_t written = write(report, &code, sizeof code);
  (void)written;
  _exit(127);
}

pid_t cspawn_start(const struct cspawn_child *child) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  pid_t parent = getpid();
  // No handler of the parent's may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t process = fork();
  if (process == 0) become(child, parent, report[1]);
  int code = process < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(report[1]);
  if (process > 0) {
    ssize_t count;
    do count = read(report[0], &code, sizeof code);
    while (count < 0 && errno == EINTR);
    if (count != (ssize_t)sizeof code) code = 0;
    if (code != 0) {
      while (waitpid(process, NULL, 0) < 0 && errno == EINTR) continue;
    }
  }
  close(report[0]);
  return code == 0 ? process : -code;
}
