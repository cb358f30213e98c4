// Gets the orders of a topic, and keeps in a state store what is reserved for them.
import { topic } from '@ofn/core';

topic('reserve', { topic: 'orders' }, async (ctx, { id, item, quantity }) => {
  await ctx.states.shelf.save(`order-${id}`, { item, quantity });
  ctx.log.info(`order ${id}: ${quantity} × ${item} reserved`);
});
