/*
 * Loaded before the C library (LD_PRELOAD) it makes a disk slow or faulty, as files say that are looked at on each call:
 *
 *   $FAULTY_DISK/delay    "150 400": fsync and fdatasync take so many milliseconds longer, from … to
 *   $FAULTY_DISK/delayed  gets a byte for each of them that did
 *   $FAULTY_DISK/fail     the next fsync or fdatasync, of whichever process, fails with EIO, and removes the file
 *
 * cc -shared -fPIC -O2 -o faulty-disk.so faulty-disk.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int sync_function(int);

static int path_of(const char *name, char *path, size_t size) {
  const char *folder = getenv("FAULTY_DISK");
  return folder != NULL && snprintf(path, size, "%s/%s", folder, name) < (int)size;
}

/* Of several processes that come at once one removes the file. */
static int fails_now(void) {
  char path[4096];
  return path_of("fail", path, sizeof path) && unlink(path) == 0;
}

static void count_delay(void) {
  char path[4096];
  if (!path_of("delayed", path, sizeof path)) return;
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file == -1) return;
  ssize_t written = write(file, ".", 1);
  (void)written;
  close(file);
}

static void wait_as_told(void) {
  char path[4096];
  long shortest, longest;
  if (!path_of("delay", path, sizeof path)) return;
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  int count = fscanf(file, "%ld %ld", &shortest, &longest);
  fclose(file);
  if (count != 2 || shortest < 0 || longest < shortest) return;
  /* Backends are forks of one process: the clock tells them apart, a seed would not. */
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long milliseconds = shortest + (now.tv_nsec / 1000 + getpid()) % (longest - shortest + 1);
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) == -1 && errno == EINTR) continue;
  count_delay();
}

static int faulty(const char *name, int file) {
  int saved = errno;
  int fails = fails_now();
  if (!fails) wait_as_told();
  errno = saved;
  if (fails) {
    errno = EIO;
    return -1;
  }
  sync_function *real = (sync_function *)dlsym(RTLD_NEXT, name);
  return real(file);
}

int fsync(int file) { return faulty("fsync", file); }

int fdatasync(int file) { return faulty("fdatasync", file); }
