// Takes orders over HTTP, and hands them on by a topic.
import { setTimeout } from 'node:timers/promises';
import { openfunction } from '@ofn/core';

const PRICES = { tea: 4, coffee: 6 };

openfunction('order', async (ctx, { id, item, quantity }) => {
  const price = await ctx.trace.span('price', () => lookUp(item));
  await ctx.send({ id, item, quantity }, 'orders');
  ctx.log.info(`order ${id} is taken`);
  ctx.res.status(202).json({ id, total: price * quantity });
});

// Stands for another service: it takes a moment.
async function lookUp(item) {
  await setTimeout(20);
  return PRICES[item] ?? 1;
}
