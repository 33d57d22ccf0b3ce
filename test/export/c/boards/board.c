/* A Cortex-M4 or a RISC-V core under QEMU: where it starts, and files of the host by semihosting. */
#include <stddef.h>
#include <stdint.h>
#include "../io.h"

extern uint32_t stack_top;

static uintptr_t call(uintptr_t operation, const void *block)
{
#if defined(__riscv)
  register uintptr_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = block;
  __asm__ volatile(".balign 16\n.option push\n.option norvc\nslli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                   : "+r"(a0) : "r"(a1) : "memory");
  return a0;
#else
  register uintptr_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
#endif
}

static uintptr_t opened(const char *name, uintptr_t mode, uintptr_t length)
{
  const uintptr_t block[3] = {(uintptr_t)name, mode, length};
  return call(1, block);
}

int get(void *to, size_t count)
{
  static uintptr_t file;
  if (file == 0) file = opened("in.bin", 1, 6);
  const uintptr_t block[3] = {file, (uintptr_t)to, count};
  return call(6, block) == 0;
}

void put(const void *from, size_t count)
{
  static uintptr_t file;
  if (file == 0) file = opened("out.bin", 5, 7);
  const uintptr_t block[3] = {file, (uintptr_t)from, count};
  call(5, block);
}

__attribute__((used, noreturn)) static void begin(void)
{
  run_all();
  call(0x18, (const void *)0x20026);
  for (;;) {
  }
}

#if defined(__riscv)
__asm__(".section .vectors,\"ax\"\n.global start\nstart:\nla sp, stack_top\nj begin\n.text");
#else
void start(void);
void start(void)
{
  begin();
}
__attribute__((section(".vectors"), used)) static const struct {
  uint32_t *stack;
  void (*start)(void);
} vectors = {&stack_top, start};
#endif
