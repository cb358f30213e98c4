// What a handler says of an event that it does not simply acknowledge: drop it, or deliver it again.

/**
 * Drops the event that is being handled: it is not delivered again, and goes to the dead-letter topic
 * when there is one. Thrown from a handler, or from anything it calls.
 *
 * @example
 * topic('orders', { pubsub: 'mq' }, (ctx, order) => {
 *   if (order.total < 0) throw new DropError('a total cannot be negative');
 * });
 */
export class DropError extends Error {
  // Known by its name, so that an error of another copy of this package is one of ours too.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'DropError';
  }

  override readonly name = 'DropError';
}

/**
 * Has the event delivered again, without being logged as a failure. Any other error has it delivered
 * again too; this one says that it was to be expected, such as a resource that is busy.
 *
 * @example
 * if (await isLocked(order.id)) throw new RetryError('the order is locked');
 */
export class RetryError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'RetryError';
  }

  override readonly name = 'RetryError';
}
