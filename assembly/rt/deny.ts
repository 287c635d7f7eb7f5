// An allocation → a compile error. The proof that the core has none: functions are compiled only
// when something reaches them, so a build with this runtime succeeds only if nothing does.

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  ERROR('allocation');
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(ptr: usize, size: usize): usize {
  ERROR('allocation');
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
export function __free(ptr: usize): void {
  ERROR('allocation');
}

// @ts-ignore: decorator
@global @unsafe
export function __reset(): void {
  ERROR('allocation');
}

// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: u32): usize {
  ERROR('allocation');
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(ptr: usize, size: usize): usize {
  ERROR('allocation');
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
export function __link(parent: usize, child: usize, expectMultiple: bool): void {
  ERROR('allocation');
}

// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {
  ERROR('allocation');
}

// @ts-ignore: decorator
@global @unsafe
export function __pin(ptr: usize): usize {
  ERROR('allocation');
  return 0;
}

// @ts-ignore: decorator
@global @unsafe
export function __unpin(ptr: usize): void {
  ERROR('allocation');
}

// @ts-ignore: decorator
@global @unsafe
export function __visit(ptr: usize, cookie: u32): void {
  ERROR('allocation');
}
