/*
 * The ring of worker_pipe_bench.ts in C: one writer, one reader, indices on cache lines of their
 * own, each side with its own copy of the other's index, sequentially consistent atomics as
 * JavaScript's are, and a look at an attention word after each publication. Prints bytes and
 * seconds.
 *
 * usage: ring MESSAGE_BYTES CAPACITY_BYTES TOTAL_BYTES
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE 16384

struct ring {
  _Alignas(64) atomic_uint_fast32_t tail;
  _Alignas(64) atomic_uint_fast32_t head;
  _Alignas(64) atomic_uint_fast32_t attention;
};

static struct ring ring;
static uint8_t *data;
static uint32_t message, capacity;
static uint64_t total;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static uint32_t slice_of(uint32_t bytes) { return bytes > SLICE ? SLICE : bytes; }

/* Indices count modulo twice the capacity, so that any capacity will do. */
static uint32_t used(uint32_t head, uint32_t tail) {
  return tail >= head ? tail - head : tail + 2 * capacity - head;
}

static uint32_t after(uint32_t index, uint32_t span) {
  uint32_t next = index + span;
  return next >= 2 * capacity ? next - 2 * capacity : next;
}

static uint32_t position(uint32_t index) { return index >= capacity ? index - capacity : index; }

static void *write_all(void *unused) {
  uint8_t *source = malloc(message);
  uint32_t tail = 0, head = 0;
  memset(source, 7, message);
  for (uint64_t sent = 0; sent < total; sent += message) {
    for (uint32_t done = 0; done < message;) {
      uint32_t slice = slice_of(message - done);
      while (capacity - used(head, tail) < slice) head = atomic_load(&ring.head);
      uint32_t at = position(tail), first = capacity - at < slice ? capacity - at : slice;
      memcpy(data + at, source + done, first);
      if (first < slice) memcpy(data, source + done + first, slice - first);
      tail = after(tail, slice);
      done += slice;
      atomic_store(&ring.tail, tail);
      if (atomic_load(&ring.attention)) abort();
    }
  }
  return unused;
}

static uint64_t read_all(void) {
  uint8_t *target = malloc(message);
  uint32_t tail = 0, head = 0;
  uint64_t got = 0, sum = 0;
  while (got < total) {
    while (tail == head) tail = atomic_load(&ring.tail);
    uint32_t there = used(head, tail), want = there < message ? there : message;
    for (uint32_t done = 0; done < want;) {
      uint32_t slice = slice_of(want - done);
      uint32_t at = position(head), first = capacity - at < slice ? capacity - at : slice;
      memcpy(target + done, data + at, first);
      if (first < slice) memcpy(target + done + first, data, slice - first);
      head = after(head, slice);
      done += slice;
      atomic_store(&ring.head, head);
      if (atomic_load(&ring.attention)) abort();
    }
    got += want;
    sum += target[0];
  }
  return sum;
}

int main(int count, char **args) {
  pthread_t writer;
  if (count != 4) return 2;
  message = strtoul(args[1], 0, 10);
  capacity = strtoul(args[2], 0, 10);
  total = strtoull(args[3], 0, 10);
  data = aligned_alloc(64, capacity);
  memset(data, 0, capacity);
  double start = now();
  pthread_create(&writer, 0, write_all, 0);
  uint64_t sum = read_all();
  double end = now();
  pthread_join(writer, 0);
  printf("%llu %.9f %llu\n", (unsigned long long)total, end - start, (unsigned long long)sum);
  return 0;
}
