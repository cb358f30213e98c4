// Values that all copies of this package in a process share: the bin and the copy that user code
// imports may have been installed in different places, and must know the same registrations.

/** The value under a key of this process, made by the first copy that asks. */
export function processWide<T>(key: string, create: () => T): T {
  const slot = globalThis as { [key: symbol]: T | undefined };
  return (slot[Symbol.for(`@ofn/core/1/${key}`)] ??= create());
}
