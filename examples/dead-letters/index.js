// What becomes of an event that fails: it is retried, then goes to the dead-letter topic; one that can
// never succeed is dropped, and goes there at once.
import { DropError, RetryError, topic } from '@ofn/core';

const attempts = new Map();

topic(
  'charge',
  { pubsub: 'pubsub', topic: 'payments', deadLetterTopic: 'failed' },
  (ctx, payment) => {
    if (payment.amount <= 0) throw new DropError(`payment ${payment.id} has no amount`);
    const attempt = (attempts.get(payment.id) ?? 0) + 1;
    attempts.set(payment.id, attempt);
    if (attempt <= payment.failures)
      throw new RetryError(`the bank is closed for payment ${payment.id}`);
    ctx.log.info(`payment ${payment.id} is charged, at attempt ${attempt}`);
  },
);

topic('inspect', { pubsub: 'pubsub', topic: 'failed' }, (ctx, payment) => {
  ctx.log.info(`payment ${payment.id} has failed for good`);
});
