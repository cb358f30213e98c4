// A promise and a time in milliseconds → whether it settled by then.

/** Milliseconds that closing a provider may take. */
export const CLOSE_TIMEOUT = 5000;

/**
 * Waits for a promise, but not for longer than this. How it settled is left to who made it.
 *
 * @param limit Milliseconds.
 */
export async function settlesWithin(limit: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limit);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([settled, late]);
  clearTimeout(timer);
  return inTime;
}
